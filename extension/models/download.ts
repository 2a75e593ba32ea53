// Downloads one file whose size and SHA-256 are known. It goes on where an earlier download stopped, tries again after what may
// pass, and puts nothing at the destination but the whole file, checked as it lies on the disk.
//
// Of the packages, ipull checks no content against a known hash and @huggingface/hub does not resume; so this is a small layer
// on fetch. Whoever calls brings the fetch: VS Code's honours its proxy settings and certificates, the command line's the
// proxy variables of the environment.
import { stat, statfs } from "node:fs/promises";
import path from "node:path";
import { sha256Of } from "./checksum";
import { systemClock, type Clock } from "./clock";
import { DownloadError, downloadCancelled, fileError } from "./downloadError";
import { lock } from "./lock";
import { makeFolder } from "./makeFolder";
import { finishPart, PartFile, partOf, removePart, type Expected } from "./partFile";
import { Rate } from "./rate";
import { Again, transfer, type Fetch } from "./transfer";
import { formatBytes } from "./words";

export interface DownloadOptions {
  url: string;
  /** Path of the file; its folder is made. */
  destination: string;
  expected: Expected;
  fetch: Fetch;
  signal?: AbortSignal;
  onProgress?: (progress: DownloadProgress) => void;
  clock?: Clock;
  /** Bytes free on the disk of a folder. */
  freeBytes?: (folder: string) => Promise<number>;
}

export interface DownloadProgress {
  /** waiting: until the next attempt, for `reason`. checking: reading the whole file for its checksum. */
  phase: "downloading" | "waiting" | "checking";
  bytes: number;
  total: number;
  bytesPerSecond: number | null;
  remainingMs: number | null;
  reason?: string;
}

/** Waits between attempts without progress; after the last of them the download fails. */
const WAITS_MS = [1_000, 2_000, 4_000, 8_000, 16_000];
const LONGEST_WAIT_MS = 120_000;
/** Left free on the disk. */
const MARGIN_BYTES = 64 * 2 ** 20;

/** Resolves when the file is there. All failures are DownloadError. */
export async function download(options: DownloadOptions): Promise<void> {
  const { destination, expected } = options;
  const signal = options.signal ?? new AbortController().signal;
  try {
    signal.throwIfAborted();
    if (await isWhole(destination, expected)) return;
    await makeFolder(path.dirname(destination));
    const held = await lock(destination);
    try {
      if (await isWhole(destination, expected)) return; // whoever held the lock has finished it
      await downloadLocked(options, signal);
    } finally {
      await held.release();
    }
  } catch (error) {
    if (signal.aborted) throw downloadCancelled();
    throw fileError(error, destination);
  }
}

/** Only whole, checked files get to their names, so the size says it. */
export async function isWhole(destination: string, { bytes }: Expected): Promise<boolean> {
  return stat(destination).then((entry) => entry.isFile() && entry.size === bytes, () => false);
}

async function downloadLocked(options: DownloadOptions, signal: AbortSignal): Promise<void> {
  for (let fresh = false; ; fresh = true) {
    const resumed = await fillPart(options, signal);
    if (await isRight(options, signal)) return finishPart(options.destination);
    await removePart(options.destination);
    if (!resumed || fresh) {
      throw new DownloadError("checksum", "What came is not the expected file: its checksum is another; it was deleted",
        "Try again; should it happen again, something between here and the server changes the data.");
    }
  }
}

/** Resolves when the part has all its bytes: true where some of them are of an earlier download. */
async function fillPart(options: DownloadOptions, signal: AbortSignal): Promise<boolean> {
  const { destination, expected, clock = systemClock, onProgress } = options;
  const part = await PartFile.open(destination, expected);
  const resumed = part.size > 0;
  try {
    await checkSpace(options, expected.bytes - part.size);
    const rate = new Rate();
    const report = (phase: DownloadProgress["phase"], reason?: string): void => {
      const bytesPerSecond = phase === "downloading" ? rate.bytesPerSecond : null;
      const remainingMs = bytesPerSecond === null ? null : ((expected.bytes - part.size) / bytesPerSecond) * 1000;
      onProgress?.({ phase, bytes: part.size, total: expected.bytes, bytesPerSecond, remainingMs, ...(reason !== undefined && { reason }) });
    };
    let most = part.size;
    let failures = 0;
    while (part.size < expected.bytes) {
      rate.reset();
      rate.add(part.size, clock.now());
      report("downloading");
      try {
        await transfer({
          url: options.url, expected, part, fetch: options.fetch, clock, signal,
          onBytes: () => {
            rate.add(part.size, clock.now());
            report("downloading");
          },
        });
      } catch (error) {
        if (!(error instanceof Again)) throw error;
        if (part.size > most) failures = 0;
        most = Math.max(most, part.size);
        const wait = WAITS_MS[failures++];
        if (wait === undefined) throw unreachable(options.url, error);
        report("waiting", error.message);
        await clock.sleep(Math.min(Math.max(wait, error.afterMs ?? 0), LONGEST_WAIT_MS), signal);
      }
    }
  } finally {
    await part.close();
    if (part.size === 0) await removePart(destination); // nothing to go on from
  }
  return resumed;
}

async function isRight({ destination, expected, onProgress }: DownloadOptions, signal: AbortSignal): Promise<boolean> {
  const onBytes = (bytes: number): void => onProgress?.({ phase: "checking", bytes, total: expected.bytes, bytesPerSecond: null, remainingMs: null });
  return (await sha256Of(partOf(destination), { signal, onBytes })) === expected.sha256;
}

async function checkSpace({ destination, freeBytes = freeBytesOf }: DownloadOptions, missing: number): Promise<void> {
  const folder = path.dirname(destination);
  const free = await freeBytes(folder);
  if (free >= missing + MARGIN_BYTES) return;
  throw new DownloadError("noSpace", `${formatBytes(missing)} are to come, and ${formatBytes(free)} are free on the disk of ${folder}`,
    "Free some space, or choose another folder for models.");
}

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

const unreachable = (url: string, { message }: Error): DownloadError => new DownloadError("unreachable",
  `${new URL(url).host} could not be reached, or did not finish: ${message}`,
  "Check the network and the proxy; what has come is kept, and the next download goes on from there.");

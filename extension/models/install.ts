// Gets a pair of the catalogue onto this machine: what is there or found is used, the rest is downloaded, the draft first.
import type { ModelFile } from "./catalogue";
import { systemClock, type Clock } from "./clock";
import { download, type DownloadProgress } from "./download";
import { urlOf } from "./endpoint";
import type { LocatedPair } from "./found";
import { placeOf } from "./store";
import type { Fetch } from "./transfer";
import { formatBytes, formatRemaining } from "./words";

export interface InstallOptions {
  folder: string;
  endpoint: string;
  fetch: Fetch;
  signal?: AbortSignal;
  clock?: Clock;
  /** `file` is the one on its way; the figures are of the whole pair's missing part. */
  onProgress?: (progress: DownloadProgress, file: ModelFile) => void;
}

/** Chunks come by the thousand a second; people read a few figures. */
const REPORT_MS = 100;

/** Paths of both files. All failures are DownloadError. */
export async function installPair({ pair, target, draft }: LocatedPair, options: InstallOptions): Promise<{ target: string; draft: string }> {
  const missing = [...(draft ? [] : [pair.draft]), ...(target ? [] : [pair.target])];
  const total = missing.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  let reported: { at: number; phase: string } | undefined;
  for (const file of missing) {
    const { folder, endpoint, fetch, signal, clock = systemClock } = options;
    const before = done;
    const later = total - before - file.bytes;
    await download({
      url: urlOf(file, endpoint), destination: placeOf(file, folder), expected: file, fetch, signal, clock,
      onProgress: (progress) => {
        const { phase, bytesPerSecond, remainingMs } = progress;
        const now = clock.now();
        if (reported?.phase === phase && now - reported.at < REPORT_MS && progress.bytes < progress.total) return;
        reported = { at: now, phase };
        const rest = bytesPerSecond === null || remainingMs === null ? null : remainingMs + (later / bytesPerSecond) * 1000;
        options.onProgress?.({ ...progress, bytes: before + progress.bytes, total, remainingMs: rest }, file);
      },
    });
    done += file.bytes;
  }
  return { target: target?.path ?? placeOf(pair.target, options.folder), draft: draft?.path ?? placeOf(pair.draft, options.folder) };
}

/** "1.2 GB of 8.6 GB, 45 MB/s, 3 min left". */
export function progressLine({ phase, bytes, total, bytesPerSecond, remainingMs, reason }: DownloadProgress): string {
  const amount = `${formatBytes(bytes)} of ${formatBytes(total)}`;
  if (phase === "checking") return `${amount}, checking`;
  if (phase === "waiting") return `${amount}, waiting to try again: ${reason ?? "the connection was cut"}`;
  if (bytesPerSecond === null || remainingMs === null) return amount;
  return `${amount}, ${formatBytes(bytesPerSecond)}/s, ${formatRemaining(remainingMs)} left`;
}

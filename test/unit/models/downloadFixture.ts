// For the tests of downloads: before each, a real server with one file, an empty folder, and a clock that pretends. What tests read here
// is that of the test that runs.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import type { Clock } from "../../../extension/models/clock";
import { download, type DownloadOptions } from "../../../extension/models/download";
import type { DownloadError } from "../../../extension/models/downloadError";
import { FileServer, modelBytes, sha256 } from "./fileServer";

export const BYTES = 300_000;
export const content = modelBytes(BYTES);
export const expected = { bytes: BYTES, sha256: sha256(content) };
export const RANGE_FROM = (start: number): string => `bytes=${start}-`;

/** Waits are written down and over at once; a silent server is given up when `giveUp` is called. */
export class PretendedClock implements Clock {
  readonly sleeps: number[] = [];
  private time = 0;
  private readonly watches = new Set<() => void>();

  now(): number {
    return (this.time += 10);
  }
  async sleep(ms: number): Promise<void> {
    this.sleeps.push(ms);
  }
  after(_ms: number, fire: () => void): { dispose(): void } {
    this.watches.add(fire);
    return { dispose: () => this.watches.delete(fire) };
  }
  giveUp(): void {
    for (const fire of this.watches) fire();
  }
}

export let folder: string;
export let server: FileServer;
export let clock: PretendedClock;
export let destination: string;
export let url: string;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "octet-download-"));
  destination = path.join(folder, "models", "owner", "model.gguf");
  clock = new PretendedClock();
  server = new FileServer(content);
  await server.start();
  url = server.url;
});

afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

export const start = ({ onProgress, ...changes }: Partial<DownloadOptions> = {}): Promise<void> => download({
  url: `${url}/model.gguf`, destination, expected, fetch, clock,
  onProgress: (progress) => {
    onProgress?.(progress);
    server.arrived(progress.bytes);
  },
  ...changes,
});

/** Started and checked once: what was wrong was found before it was downloaded. */
export async function startWithOneCheck(): Promise<void> {
  let checks = 0;
  await start({ onProgress: ({ phase, bytes }) => { if (phase === "checking" && bytes === BYTES) checks++; } });
  expect(checks).toBe(1);
}

export async function failure(changes: Partial<DownloadOptions> = {}): Promise<DownloadError> {
  return start(changes).then(() => { throw new Error("it succeeded"); }, (error: unknown) => error as DownloadError);
}

export const filesLeft = (): string[] => readdirSync(path.dirname(destination)).sort();
export const arrived = (): boolean => readFileSync(destination).equals(content);

export function partOf(bytes: number, etag: string | null, of = content, hash = expected.sha256): void {
  mkdirSync(path.dirname(destination), { recursive: true });
  writeFileSync(`${destination}.part`, of.subarray(0, bytes));
  writeFileSync(`${destination}.part.json`, JSON.stringify({ bytes: BYTES, sha256: hash, etag }));
}

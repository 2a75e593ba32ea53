// The SHA-256 of a file as it lies on the disk.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

const CHUNK_BYTES = 4 * 2 ** 20;

/** Lower-case hex. `onBytes` hears how much has been read. Rejects with the signal's reason when it aborts. */
export async function sha256Of(file: string, { signal, onBytes }: { signal?: AbortSignal; onBytes?: (bytes: number) => void } = {}): Promise<string> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES })) {
    signal?.throwIfAborted();
    hash.update(chunk as Buffer);
    onBytes?.(bytes += (chunk as Buffer).length);
  }
  return hash.digest("hex");
}

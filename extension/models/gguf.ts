// What the first bytes of a file say: is it a GGUF model at all? The worker looks closer before a file is used.
import { open } from "node:fs/promises";

const MAGIC = "GGUF";
const LEAST_VERSION = 2;
const MOST_VERSION = 3;

export const startsAsGguf = (bytes: Uint8Array): boolean => Buffer.from(bytes.subarray(0, MAGIC.length)).toString("latin1") === MAGIC;

/** Whether the file can be read and has the header of a GGUF model of a version that llama.cpp reads. */
export async function isGguf(file: string): Promise<boolean> {
  try {
    const handle = await open(file, "r");
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
      const version = buffer.readUInt32LE(4);
      return bytesRead === 8 && startsAsGguf(buffer) && version >= LEAST_VERSION && version <= MOST_VERSION;
    } finally {
      await handle.close();
    }
  } catch {
    return false;
  }
}

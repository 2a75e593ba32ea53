// A file on its way: FILE.part holds what has come, FILE.part.json says of which version, so that a later download can go on.
// Nothing is ever at FILE itself but a whole, checked file: it gets there by one rename.
import { open, readFile, rename, rm, writeFile, type FileHandle } from "node:fs/promises";

export interface Expected {
  bytes: number;
  /** Lower-case hex. */
  sha256: string;
}

interface Sidecar extends Expected {
  /** The server's strong ETag of what the part holds; null: it gave none. */
  etag: string | null;
}

export const partOf = (destination: string): string => `${destination}.part`;
const sidecarOf = (destination: string): string => `${destination}.part.json`;

export class PartFile {
  private constructor(
    readonly destination: string,
    private readonly handle: FileHandle,
    private readonly expected: Expected,
    private length: number,
    private tag: string | null,
  ) {}

  /** Goes on with the part of an earlier download of the same file, or starts an empty one. The folder must exist. */
  static async open(destination: string, expected: Expected): Promise<PartFile> {
    const before = await readSidecar(destination);
    const same = before?.sha256 === expected.sha256 && before.bytes === expected.bytes;
    const handle = await open(partOf(destination), same ? "r+" : "w+").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return open(partOf(destination), "w+");
      throw error;
    });
    const part = new PartFile(destination, handle, expected, (await handle.stat()).size, same ? before.etag : null);
    if (!same) await part.writeSidecar();
    if (part.length > expected.bytes) await part.restart(null);
    return part;
  }

  /** Bytes that are there. */
  get size(): number {
    return this.length;
  }

  get etag(): string | null {
    return this.tag;
  }

  /** Empties the part: what follows is of the version that `etag` names. */
  async restart(etag: string | null): Promise<void> {
    await this.handle.truncate(0);
    this.length = 0;
    this.tag = etag;
    await this.writeSidecar();
  }

  /** Adds to the end; what is beyond the expected size is dropped. */
  async append(chunk: Uint8Array): Promise<void> {
    let rest = chunk.subarray(0, this.expected.bytes - this.length);
    while (rest.length > 0) {
      const { bytesWritten } = await this.handle.write(rest, 0, rest.length, this.length);
      this.length += bytesWritten;
      rest = rest.subarray(bytesWritten);
    }
  }

  /** To the disk, and closed. */
  async close(): Promise<void> {
    try {
      await this.handle.sync();
    } finally {
      await this.handle.close();
    }
  }

  private async writeSidecar(): Promise<void> {
    const { bytes, sha256 } = this.expected;
    const sidecar: Sidecar = { bytes, sha256, etag: this.tag };
    const file = sidecarOf(this.destination);
    await writeFile(`${file}.new`, JSON.stringify(sidecar));
    await rename(`${file}.new`, file);
  }
}

/** The closed, checked part becomes the file. */
export async function finishPart(destination: string): Promise<void> {
  await rename(partOf(destination), destination);
  await rm(sidecarOf(destination), { force: true });
}

export async function removePart(destination: string): Promise<void> {
  await rm(partOf(destination), { force: true });
  await rm(sidecarOf(destination), { force: true });
}

async function readSidecar(destination: string): Promise<Sidecar | null> {
  try {
    const { bytes, sha256, etag } = JSON.parse(await readFile(sidecarOf(destination), "utf8")) as Partial<Sidecar>;
    if (typeof bytes !== "number" || typeof sha256 !== "string") return null;
    return { bytes, sha256, etag: typeof etag === "string" ? etag : null };
  } catch {
    return null;
  }
}

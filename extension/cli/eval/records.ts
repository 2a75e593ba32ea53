// The results file of a long evaluation: a line of settings, then a line for each problem as soon as it is done. A run that
// was cut goes on where the file ends. Two at once would write over one another: the second is refused.
import { open, readFile, stat, type FileHandle } from "node:fs/promises";
import { DownloadError } from "../../models/downloadError";
import { lock } from "../../models/lock";
import { badInput } from "../errors";
import { oneLine } from "../sanitize";
import type { ProblemRecord } from "./metrics";

export interface Records {
  /** What earlier runs have done. */
  readonly done: ReadonlyMap<string, ProblemRecord>;
  add(record: ProblemRecord): Promise<void>;
  close(): Promise<void>;
}

/** Without a file, records are kept in memory alone. */
export async function openRecords(file: string | undefined, settings: unknown): Promise<Records> {
  if (file === undefined) return { done: new Map(), add: async () => undefined, close: async () => undefined };
  await checkRegular(file);
  const held = await lock(file, "written").catch((error: Error) => {
    throw error instanceof DownloadError ? error : cannotWrite(file, error);
  });
  try {
    const records = await openLocked(file, settings);
    return { ...records, close: () => records.close().finally(() => held.release()) };
  } catch (error) {
    await held.release();
    throw error;
  }
}

async function openLocked(file: string, settings: unknown): Promise<Records> {
  const header = JSON.stringify({ settings });
  const done = new Map<string, ProblemRecord>();
  const found = await readIfThere(file);
  const before = found ?? "";
  const whole = before.slice(0, before.lastIndexOf("\n") + 1); // a line that was cut off is done again
  const [first, ...lines] = whole.split("\n").filter((line) => line !== "");
  if (first !== undefined && first !== header) throw otherSettings(file, first, settings);
  if (first === undefined && before !== "" && !header.startsWith(before)) throw notOurs(file);
  for (const line of lines) {
    const record = parse(file, line) as ProblemRecord;
    done.set(record.problem, record);
  }
  const handle = await open(file, found === null ? "wx+" : "r+").catch((error: Error) => {
    throw cannotWrite(file, error);
  });
  let end = Buffer.byteLength(whole);
  await handle.truncate(end);
  const append = async (line: string): Promise<void> => {
    end += await writeWhole(handle, `${line}\n`, end);
  };
  if (first === undefined) await append(header);
  return { done, add: (record) => append(JSON.stringify(record)), close: () => handle.close() };
}

async function writeWhole(handle: FileHandle, text: string, position: number): Promise<number> {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length;) {
    written += (await handle.write(bytes, written, bytes.length - written, position + written)).bytesWritten;
  }
  return bytes.length;
}

/** None else can be gone on with, and to read a pipe is to wait. */
async function checkRegular(file: string): Promise<void> {
  const there = await stat(file).catch(() => null);
  if (there?.isFile() === false) throw badInput(`${oneLine(file)} is not a regular file`, "--results takes a file's name.");
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw badInput(`${oneLine(file)} cannot be read: ${(error as Error).message}`);
  }
}

function parse(file: string, line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw notOurs(file);
  }
}

const cannotWrite = (file: string, { message }: Error): Error => badInput(`${oneLine(file)} cannot be written: ${message}`);

const notOurs = (file: string): Error =>
  badInput(`${oneLine(file)} is not a results file of octet eval`, "Name another one: nothing is overwritten.");

function otherSettings(file: string, first: string, settings: unknown): Error {
  const before = (parse(file, first) as { settings?: Record<string, unknown> } | null)?.settings;
  if (typeof before !== "object" || before === null) return notOurs(file);
  const now = settings as Record<string, unknown>;
  const differing = [...new Set([...Object.keys(before), ...Object.keys(now)])]
    .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]));
  return badInput(`${oneLine(file)} was made with other settings (${differing.join(", ")})`, "Name another file, or give the same settings.");
}

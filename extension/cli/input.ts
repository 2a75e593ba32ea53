// Prompts from files and standard input: UTF-8 text only, of a bounded size, split at a place where asked.
import { closeSync, constants, createReadStream, fstatSync, open } from "node:fs";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { isatty } from "node:tty";
import { promisify } from "node:util";
import type { Prompt } from "../../protocol/worker";
import { badInput } from "./errors";
import type { Place } from "./numbers";
import { oneLine } from "./sanitize";
import { truncate } from "./width";

/** Far more than any model's context; reading stops here, so that an endless file is refused too. */
const MAX_BYTES = 32 * 1024 * 1024;

export interface PromptOptions {
  /** A path, or "-" for standard input. */
  file: string;
  suffixFile?: string;
  at?: Place;
}

export async function readPrompt(options: PromptOptions, stdin: Readable, signal: AbortSignal): Promise<Prompt> {
  if (options.suffixFile !== undefined && options.at !== undefined) {
    throw badInput("--suffix-file and --at exclude each other", "Both say what follows the prompt; give one.");
  }
  if (options.file === "-" && options.suffixFile === "-") throw badInput("Prompt and suffix cannot both be standard input");
  const text = await readText(options.file, stdin, signal);
  const prompt = await splitPrompt(text, options, stdin, signal);
  const empty = prompt.kind === "text" ? prompt.text === "" : prompt.kind === "fim" && prompt.prefix + prompt.suffix === "";
  if (empty) throw badInput("The prompt is empty", "Give some code to continue.");
  return prompt;
}

async function splitPrompt(text: string, options: PromptOptions, stdin: Readable, signal: AbortSignal): Promise<Prompt> {
  if (options.suffixFile !== undefined) {
    return { kind: "fim", prefix: text, suffix: await readText(options.suffixFile, stdin, signal) };
  }
  return options.at ? { kind: "fim", ...splitAt(text, options.at) } : { kind: "text", text };
}

/** Before and after a place. Without a column the place is the line's end. */
export function splitAt(text: string, { line, column }: Place): { prefix: string; suffix: string } {
  const lines = text.split("\n");
  const content = lines[line - 1]?.replace(/\r$/, "");
  if (content === undefined) throw badInput(`--at: the text has ${lines.length} lines, not ${line}`);
  if (column !== undefined && column > content.length + 1) {
    throw badInput(`--at: line ${line} has ${content.length} characters; its last column is ${content.length + 1}, not ${column}`);
  }
  const offset = lines.slice(0, line - 1).reduce((sum, before) => sum + before.length + 1, 0) + (column ?? content.length + 1) - 1;
  if (isWithinCharacter(text, offset)) throw badInput(`--at: column ${column} of line ${line} is in the middle of a character`, "Columns are counted as editors do.");
  return { prefix: text.slice(0, offset), suffix: text.slice(offset) };
}

/** Between the two halves of a character of UTF-16. */
const isWithinCharacter = (text: string, offset: number): boolean =>
  /[\ud800-\udbff]/.test(text[offset - 1] ?? "") && /[\udc00-\udfff]/.test(text[offset] ?? "");

/** The whole of a file, or of `stdin` for "-". Throws bad input for what is missing, not text, or endless. */
export async function readText(file: string, stdin: Readable, signal: AbortSignal): Promise<string> {
  const name = file === "-" ? "Standard input" : nameOf(file);
  const source = file === "-" ? stdin : await openFile(file, name);
  const bytes = await readAll(source, name, signal, (piece, before) => {
    const zero = piece.indexOf(0);
    if (zero >= 0) throw notText(name, before + zero);
    if (before + piece.length > MAX_BYTES) throw badInput(`${name}: longer than ${MAX_BYTES / 1024 / 1024} MiB`, "No model takes a prompt of that size.");
  });
  return decodeText(bytes, name);
}

/** The whole of a file or pipe of at most `most` bytes. Throws bad input for what is missing, longer or endless. */
export async function readBytes(file: string, most: number, signal: AbortSignal): Promise<Buffer> {
  const name = nameOf(file);
  return readAll(await openFile(file, name), name, signal, (piece, before) => {
    if (before + piece.length > most) throw badInput(`${name}: longer than ${most / 1024 / 1024} MiB`);
  });
}

const nameOf = (file: string): string => oneLine(file) || '""';

/** Reads a stream to its end and closes it. `check` is given each piece and the bytes that came before it, and may throw. */
async function readAll(source: Readable, name: string, signal: AbortSignal, check: (piece: Buffer, before: number) => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const stop = (): void => { source.destroy(); };
  signal.addEventListener("abort", stop);
  try {
    for await (const chunk of source as AsyncIterable<Buffer | string>) {
      const bytes = Buffer.from(chunk);
      check(bytes, size);
      size += bytes.length;
      chunks.push(bytes);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw readingError(name, error);
  } finally {
    signal.removeEventListener("abort", stop);
    source.destroy();
  }
  signal.throwIfAborted();
  return Buffer.concat(chunks);
}

/** Opens without waiting: a pipe without a writer would keep a thread, and with it the process, for good. */
async function openFile(file: string, name: string): Promise<Readable> {
  const flags = constants.O_RDONLY | (process.platform === "win32" ? 0 : constants.O_NONBLOCK | constants.O_NOCTTY);
  let fd: number;
  try {
    fd = await promisify(open)(file, flags);
  } catch (error) {
    throw readingError(name, error);
  }
  if (isatty(fd)) {
    closeSync(fd);
    throw badInput(`${name}: a terminal`, "Use - to type the prompt.");
  }
  return fstatSync(fd).isFIFO() ? new Socket({ fd, readable: true, writable: false }) : createReadStream("", { fd });
}

/** UTF-8 without its byte order mark; anything else is refused. */
export function decodeText(bytes: Uint8Array, name: string, advice?: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw notText(name, firstInvalidByte(bytes), advice);
  }
}

/** The length of the longest prefix that is valid, found by halving. */
function firstInvalidByte(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, middle), { stream: true });
      good = middle;
    } catch {
      bad = middle;
    }
  }
  return good;
}

const notText = (name: string, offset: number, advice = "Octet continues source code; give it a text file."): Error =>
  badInput(`${name}: not UTF-8 text (byte ${offset})`, advice);

/** What went wrong with a path that the user gave, in words; any other error as it is. */
export function readingError(name: string, error: unknown): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT": return badInput(`${name}: no such file`);
    case "EISDIR": return badInput(`${name}: a folder, not a file`);
    case "ENOTDIR": return badInput(`${name}: a part of the path is a file, not a folder`);
    case "EACCES":
    case "EPERM": return badInput(`${name}: permission denied`, "Make it readable.");
    case "ENAMETOOLONG": return badInput(`${truncate(name, 60)}: too long for a file name`);
    case "ELOOP": return badInput(`${name}: symbolic links that lead in a circle`);
    case "ENXIO":
    case "EOPNOTSUPP": return badInput(`${name}: a socket or device that cannot be read`);
    default: return error;
  }
}

// Writing to a stream that may be a pipe whose reader has left.
import type { Writable } from "node:stream";
import { inertJson } from "./sanitize";
import { speakable, type Theme } from "./terminal";

/** Resolves when the text is handed over, or when there is nobody left to read it. */
export function writeAll(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.errored) resolve();
    else stream.write(text, () => resolve());
  });
}

/** Lines for people, in characters the terminal has. */
export const writeLines = (stream: Writable, lines: readonly string[], theme: Theme): Promise<void> =>
  writeAll(stream, `${speakable(lines, theme).join("\n")}\n`);

/** One JSON document. */
export const writeJson = (stream: Writable, value: unknown): Promise<void> => writeAll(stream, `${inertJson(value)}\n`);

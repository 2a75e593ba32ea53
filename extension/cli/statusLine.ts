// What is being done now, on standard error: one line that is rewritten on a terminal, a line now and then elsewhere,
// where it has changed.
import { cursorLeft, eraseLine } from "ansi-escapes";
import type { CliContext } from "./context";
import { sparseLines } from "./sparseLines";
import { truncate } from "./width";

export interface StatusLine {
  show(text: string): void;
  /** Said of the last thing done, until the next is. */
  detail(text: string): void;
  clear(): void;
}

const LINE_EVERY_MS = 5000;

export function statusLine({ stderr, terminal }: Pick<CliContext, "stderr" | "terminal">): StatusLine {
  let last = "";
  if (terminal.watched) {
    return {
      show: (text) => stderr.write(cursorLeft + eraseLine + truncate(last ? `${text}  (last: ${last})` : text, terminal.size().columns - 1)),
      detail: (text) => { last = text; },
      clear: () => stderr.write(cursorLeft + eraseLine),
    };
  }
  const say = sparseLines(stderr, { everyMs: LINE_EVERY_MS, firstMs: 0 });
  return { show: (text) => say(() => text), detail: () => undefined, clear: () => undefined };
}

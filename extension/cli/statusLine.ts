// What is being done now, on standard error: one line that is rewritten on a terminal, a line now and then elsewhere.
import { cursorLeft, eraseLine } from "ansi-escapes";
import type { CliContext } from "./context";
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
  let lastAt = -Infinity;
  return {
    show: (text) => {
      if (performance.now() - lastAt < LINE_EVERY_MS) return;
      lastAt = performance.now();
      stderr.write(`octet: ${text}\n`);
    },
    detail: () => undefined,
    clear: () => undefined,
  };
}

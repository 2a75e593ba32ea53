// A picture on the terminal's alternate screen: only lines that changed are written, in one synchronised piece.
import type { Writable } from "node:stream";
import {
  beginSynchronizedOutput, cursorHide, cursorShow, cursorTo, endSynchronizedOutput, enterAlternativeScreen, eraseLine, eraseScreen,
  exitAlternativeScreen,
} from "ansi-escapes";

const wrapOff = "\u001b[?7l";
const wrapOn = "\u001b[?7h";

export class Screen {
  private shown: readonly string[] | null = null;
  private open = false;

  constructor(private readonly stream: Writable) {}

  /** Lines from the top; the rest of the screen is blank. A frame is skipped while the terminal has not taken the last one. */
  draw(lines: readonly string[]): void {
    if (this.stream.writableNeedDrain) return;
    const changes = this.shown === null ? whole(lines) : difference(this.shown, lines);
    if (changes !== "") this.stream.write(this.enter() + beginSynchronizedOutput + changes + endSynchronizedOutput);
    this.shown = [...lines];
  }

  /** The next frame is drawn anew: the terminal has another size and may have moved things. */
  invalidate(): void {
    this.shown = null;
  }

  /** Back to what was on the terminal before. Safe to call twice. */
  close(): void {
    if (!this.open) return;
    this.open = false;
    this.stream.write(wrapOn + exitAlternativeScreen + cursorShow);
  }

  private enter(): string {
    if (this.open) return "";
    this.open = true;
    return enterAlternativeScreen + cursorHide + wrapOff;
  }
}

const at = (row: number, line: string): string => cursorTo(0, row) + line;

function whole(lines: readonly string[]): string {
  return eraseScreen + lines.map((line, row) => at(row, line)).join("");
}

function difference(before: readonly string[], lines: readonly string[]): string {
  const rows = Array.from({ length: Math.max(before.length, lines.length) }, (_, row) => row);
  return rows.filter((row) => lines[row] !== before[row]).map((row) => at(row, eraseLine + (lines[row] ?? ""))).join("");
}

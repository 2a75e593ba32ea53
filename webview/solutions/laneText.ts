// A lane's text: lines that are coloured as they grow. While it is written only its end stands in the page; finished lines are
// left alone, so that drawing costs what is new and in sight, however long the text.

import type { TextSpan } from "../../protocol/worker";
import { el } from "../shared/dom";
import { drawLine } from "./line";
import { addRange, segments, visible } from "./segments";
import type { Range, Segment } from "./segments";
import type { Colourer, LineState, Token } from "./syntax";

/** How a lane's text begins: colouring starts with `state`, and the dimmed `prefix` is the line up to the insertion point. */
export interface TextStart {
  colourer: Colourer | null;
  state: LineState;
  prefix: string;
}

interface Line {
  text: string;
  /** What of it is not the model's. */
  prefix: string;
  accepted: Range[];
  tokens: Token[];
}

/** Draws into `element` whatever is appended. Model output is only ever set as text. */
export class LaneText {
  readonly element = el("div", "code");
  private readonly caret = el("span", "caret");
  private lines: Line[] = [];
  /** Elements of the lines from `top` on: of the last ones, or of all. */
  private rows: HTMLElement[] = [];
  private top = 0;
  private colourer: Colourer | null = null;
  /** The colourer's state at the start of the line being written, and behind it. */
  private before: LineState = {};
  private after: LineState = {};
  private writing = false;

  constructor(start: TextStart) {
    this.caret.setAttribute("aria-hidden", "true");
    this.restart(start);
  }

  /** Forgets all that was appended. */
  restart({ colourer, state, prefix }: TextStart): void {
    this.colourer = colourer;
    this.before = state;
    this.after = state;
    this.lines = [newLine(prefix)];
    this.rows = [];
    this.top = 0;
    this.element.replaceChildren();
    this.draw(null);
  }

  /** Takes text in and colours the lines that it finishes; `draw` shows it. */
  append(spans: readonly TextSpan[]): void {
    for (const { text, accepted } of spans) {
      const parts = visible(text).split("\n");
      for (const [index, part] of parts.entries()) {
        if (index > 0) this.breakLine();
        if (part === "") continue;
        const line = this.last;
        const from = line.text.length;
        line.text += part;
        if (accepted) addRange(line.accepted, from, line.text.length);
      }
    }
  }

  setWriting(writing: boolean): void {
    if (this.writing === writing) return;
    this.writing = writing;
    if (writing) this.rows.at(-1)?.append(this.caret);
    else this.caret.remove();
  }

  /** Shows the last `most` lines, or all. Rows that leave at the top are used again at the bottom. */
  draw(most: number | null): void {
    const { lines, rows } = this;
    this.colour(this.last);
    const from = most === null ? 0 : Math.max(0, lines.length - most);
    const spare = rows.splice(0, Math.max(0, from - this.top));
    const changed = rows.at(-1);
    this.top = rows.length > 0 ? Math.max(this.top, from) : from;
    while (this.top > from) {
      const row = newRow();
      drawLine(row, segmentsOf(lines[--this.top]!), this.caret);
      this.element.prepend(row);
      rows.unshift(row);
    }
    if (changed) drawLine(changed, segmentsOf(lines[this.top + rows.length - 1]!), this.caret);
    for (let at = this.top + rows.length; at < lines.length; at++) {
      const row = spare.shift() ?? newRow();
      drawLine(row, segmentsOf(lines[at]!), this.caret);
      this.element.append(row);
      rows.push(row);
    }
    for (const row of spare) row.remove();
    if (this.writing) rows.at(-1)?.append(this.caret);
  }

  private get last(): Line {
    return this.lines[this.lines.length - 1]!;
  }

  private breakLine(): void {
    const line = this.last;
    if (line.text.endsWith("\r")) line.text = line.text.slice(0, -1);
    this.colour(line);
    this.before = this.after;
    this.lines.push(newLine(""));
  }

  private colour(line: Line): void {
    const coloured = this.colourer?.line(line.text, this.before, line.prefix.length);
    if (!coloured) return;
    line.tokens = coloured.tokens;
    this.after = coloured.after;
  }
}

const newRow = (): HTMLElement => el("div", "line");

const newLine = (prefix: string): Line => ({ text: prefix, prefix, accepted: [], tokens: [] });

function segmentsOf({ text, prefix, accepted, tokens }: Line): Segment[] {
  if (prefix === "") return segments(text, tokens, accepted);
  const by = prefix.length;
  return [{ text: prefix, className: "prefix" }, ...segments(text.slice(by), shift(tokens, by), shift(accepted, by))];
}

const shift = <T extends Range>(ranges: readonly T[], by: number): T[] =>
  ranges.map((range) => ({ ...range, from: range.from - by, to: range.to - by }));

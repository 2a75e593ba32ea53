// A lane's text: lines that are coloured as they grow. Finished lines are left alone; a frame costs the line being written.

import type { TextSpan } from "../../protocol/worker";
import { el } from "../shared/dom";
import { addRange, segments, visible } from "./segments";
import type { Range } from "./segments";
import type { Colourer, LineState } from "./syntax";

/** How a lane's text begins: colouring starts with `state`, and the dimmed `prefix` is the line up to the insertion point. */
export interface TextStart {
  colourer: Colourer | null;
  state: LineState;
  prefix: string;
}

const NO_TOKENS: never[] = [];
const LINES_A_BLOCK = 12;

/** Draws into `element` whatever is appended. Model output is only ever set as text. */
export class LaneText {
  readonly element = el("div", "code");
  private readonly caret = el("span", "caret");
  /** Lines stand in blocks, so that layout does not walk over all of a long text. */
  private block = el("div", "block");
  private line = el("div", "line");
  private text: string;
  private state: LineState;
  private accepted: Range[] = [];
  /** Columns of the line that are not the model's. */
  private prefixLength: number;
  private readonly colourer: Colourer | null;
  private writing = false;

  constructor({ colourer, state, prefix }: TextStart) {
    this.colourer = colourer;
    this.state = state;
    this.text = prefix;
    this.prefixLength = prefix.length;
    this.caret.setAttribute("aria-hidden", "true");
    this.block.append(this.line);
    this.element.append(this.block);
    if (prefix) this.drawLine();
  }

  append(spans: readonly TextSpan[]): void {
    for (const { text, accepted } of spans) {
      const parts = visible(text).split("\n");
      for (const [index, part] of parts.entries()) {
        if (index > 0) this.breakLine();
        if (part === "") continue;
        const from = this.text.length;
        this.text += part;
        if (accepted) addRange(this.accepted, from, this.text.length);
      }
    }
    this.drawLine();
  }

  setWriting(writing: boolean): void {
    if (this.writing === writing) return;
    this.writing = writing;
    if (writing) this.line.append(this.caret);
    else this.caret.remove();
  }

  private breakLine(): void {
    if (this.text.endsWith("\r")) this.text = this.text.slice(0, -1);
    this.state = this.drawLine();
    this.line = el("div", "line");
    if (this.block.childElementCount >= LINES_A_BLOCK) {
      this.block = el("div", "block");
      this.element.append(this.block);
    }
    this.block.append(this.line);
    if (this.writing) this.line.append(this.caret);
    this.text = "";
    this.prefixLength = 0;
    this.accepted = [];
  }

  /** Draws the line being written; gives the state for the line after it. */
  private drawLine(): LineState {
    const prefix = this.prefixLength;
    const coloured = this.colourer?.line(this.text, this.state, prefix);
    const shifted = prefix ? shift(coloured?.tokens ?? NO_TOKENS, prefix) : (coloured?.tokens ?? NO_TOKENS);
    const accepted = prefix ? shift(this.accepted, prefix) : this.accepted;
    const parts = segments(this.text.slice(prefix), shifted, accepted);
    if (prefix) parts.unshift({ text: this.text.slice(0, prefix), className: "prefix" });
    let node = this.line.firstChild;
    for (const { text, className } of parts) {
      if (node instanceof HTMLSpanElement && node !== this.caret) {
        if (node.className !== className) node.className = className;
        const content = node.firstChild as Text;
        if (content.data !== text) content.data = text;
        node = node.nextSibling;
      } else {
        this.line.insertBefore(el("span", className, text), node);
      }
    }
    while (node && node !== this.caret) {
      const next: ChildNode | null = node.nextSibling;
      node.remove();
      node = next;
    }
    return coloured?.after ?? this.state;
  }
}

const shift = <T extends Range>(ranges: readonly T[], by: number): T[] =>
  ranges.map((range) => ({ ...range, from: range.from - by, to: range.to - by }));

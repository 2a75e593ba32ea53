// A line cut into stretches of one look: its syntax colour, and whether it was drafted. Pure.

import type { Token } from "./syntax";

/** A stretch of a line, by columns. */
export interface Range {
  from: number;
  to: number;
}

export interface Segment {
  text: string;
  className: string;
}

const INDENT = /^\s*/;

/**
 * Segments of a line in order, together the whole line. `tokens` and `accepted` are in order and do not overlap. Accepted
 * text is tinted by the classes "d", "d0" (a run begins) and "d1" (it ends); indentation is left untinted.
 */
export function segments(line: string, tokens: readonly Token[], accepted: readonly Range[]): Segment[] {
  const indent = INDENT.exec(line)?.[0].length ?? 0;
  const result: Segment[] = [];
  let token = 0;
  let run = 0;
  for (let at = 0; at < line.length; ) {
    while (token < tokens.length && tokens[token]!.to <= at) token++;
    while (run < accepted.length && accepted[run]!.to <= at) run++;
    const colour = tokens[token];
    const tint = accepted[run];
    const tintFrom = tint ? Math.max(tint.from, indent) : Infinity;
    const coloured = colour !== undefined && colour.from <= at;
    const tinted = tint !== undefined && tintFrom <= at;
    const to = Math.min(
      line.length,
      coloured ? colour.to : (colour?.from ?? Infinity),
      tinted ? tint.to : tint && tintFrom < tint.to ? tintFrom : (tint?.to ?? Infinity),
    );
    const classes = coloured ? [colour.className] : [];
    if (tinted) {
      classes.push("d");
      if (at === tintFrom) classes.push("d0");
      if (to === tint.to) classes.push("d1");
    }
    const text = line.slice(at, to);
    const last = result.at(-1);
    // Spaces have no colour to show: fewer stretches, less layout.
    if (last && !tinted && !coloured && !last.className.includes(" d") && last.className !== "d" && text.trim() === "") last.text += text;
    else result.push({ text, className: classes.join(" ") });
    at = to;
  }
  return result;
}

/** Adds a stretch of accepted text, joined with the one before it where they touch. */
export function addRange(ranges: Range[], from: number, to: number): void {
  const last = ranges.at(-1);
  if (last?.to === from) last.to = to;
  else ranges.push({ from, to });
}

/** Control characters and those that reorder text, which could make code look other than it is, become visible signs. */
export function visible(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u000c\u000e-\u001f\u007f]|[\u202a-\u202e\u2066-\u2069]/g, (sign) => {
    const code = sign.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd";
  });
}

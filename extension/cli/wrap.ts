// The end of a lane's text, wrapped hard to a width, with drafted text tinted. It runs for every lane of every frame, so
// it looks at no more of the text than the cells can show, and takes plain ASCII in slices.
import type { TextSpan } from "../../protocol/worker";
import { sanitize } from "./sanitize";
import type { Theme } from "./terminal";
import { isPlain, splitGraphemes } from "./width";

const TAB = 4;

/** At most `height` lines of at most `width` cells each, the newest last. */
export function tailLines(spans: readonly TextSpan[], width: number, height: number, theme: Theme, cursor = false): string[] {
  const lines = lastLines(spans, height, 2 * width * height).flatMap((line) => wrap(line, width));
  const tail = lines.slice(-height).map((line) => paint(line.runs, theme));
  if (cursor && (lines.at(-1)?.used ?? width) < width) tail.push(`${tail.pop() ?? ""}${theme.unicode ? theme.dim("▏") : "_"}`);
  return tail;
}

/** The end of the text as one line of at most `width` cells, runs of white space shown as one space. */
export function tailLine(spans: readonly TextSpan[], width: number, theme: Theme): string {
  const folded = lastLines(spans, width + 1, 4 * width).map((line) => line.map((span) => ({ ...span, text: span.text.replace(/\s+/g, " ") })));
  const cells: TextSpan[] = [];
  for (const span of folded.flatMap((line, index) => (index > 0 ? [{ text: " ", accepted: line[0]?.accepted ?? false }, ...line] : line))) {
    for (const { text } of splitGraphemes(span.text)) {
      if (text !== " " || cells.at(-1)?.text !== " ") cells.push({ text, accepted: span.accepted });
    }
  }
  const kept: TextSpan[] = [];
  let used = 0;
  for (const cell of cells.reverse()) {
    const [grapheme] = splitGraphemes(cell.text);
    used += grapheme?.width ?? 0;
    if (used > width) break;
    kept.push(cell);
  }
  return paint(kept.reverse(), theme);
}

/** The last `count` lines, sanitised. A very long line is cut in strides, so that its wrapping does not crawl as it grows. */
function lastLines(spans: readonly TextSpan[], count: number, characters: number): TextSpan[][] {
  const lines: TextSpan[][] = [[]];
  let length = 0;
  for (let index = spans.length - 1; index >= 0 && length < characters; index--) {
    const span = spans[index];
    if (!span) continue;
    const excess = span.text.length - 2 * characters;
    const text = excess > 0 ? span.text.slice(Math.ceil(excess / characters) * characters) : span.text;
    length += text.length;
    const parts = sanitize(text).split("\n").reverse();
    for (const [place, part] of parts.entries()) {
      if (place > 0) {
        if (lines.length === count) return lines.reverse();
        lines.push([]);
      }
      if (part !== "") lines.at(-1)?.unshift({ text: part, accepted: span.accepted });
    }
  }
  return lines.reverse();
}

interface Line {
  runs: TextSpan[];
  used: number;
}

function wrap(spans: readonly TextSpan[], width: number): Line[] {
  const lines: Line[] = [{ runs: [], used: 0 }];
  const put = (text: string, cells: number, accepted: boolean): void => {
    const last = lines.at(-1);
    if (last && last.used + cells <= width) {
      last.runs.push({ text, accepted });
      last.used += cells;
    } else {
      lines.push({ runs: [{ text, accepted }], used: cells });
    }
  };
  const room = (): number => width - (lines.at(-1)?.used ?? 0) || width;
  for (const { text, accepted } of spans) {
    if (isPlain(text)) {
      for (let at = 0; at < text.length;) {
        const piece = text.slice(at, at + room());
        put(piece, piece.length, accepted);
        at += piece.length;
      }
      continue;
    }
    for (const grapheme of splitGraphemes(text)) {
      if (grapheme.text !== "\t") put(grapheme.text, grapheme.width, accepted);
      else {
        const cells = Math.min(TAB - ((lines.at(-1)?.used ?? 0) % TAB), room());
        put(" ".repeat(cells), cells, accepted);
      }
    }
  }
  return lines;
}

function paint(runs: readonly TextSpan[], theme: Theme): string {
  let painted = "";
  for (let start = 0; start < runs.length;) {
    const accepted = runs[start]?.accepted ?? false;
    let text = "";
    while (start < runs.length && runs[start]?.accepted === accepted) text += runs[start++]?.text ?? "";
    painted += accepted ? theme.draft(text) : text;
  }
  return painted;
}

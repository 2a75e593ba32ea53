// How many terminal cells text takes, and fitting text into so many.
import stringWidth from "string-width";

const printableAscii = /^[\u0020-\u007e]*$/;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
/** Combining marks piled on one character beyond this are dropped: a terminal would draw them over its neighbours. */
const MAX_GRAPHEME = 16;
/** Widths of graphemes seen; measuring one takes microseconds, and the same few come again in every frame. */
const widths = new Map<string, number>();
const MAX_WIDTHS = 10_000;

/** Whether every character is printable ASCII, one cell wide. */
export const isPlain = (text: string): boolean => printableAscii.test(text);

/** Cells of a text; escape sequences count nothing. */
export function displayWidth(text: string): number {
  return isPlain(text) ? text.length : stringWidth(text);
}

export interface Grapheme {
  text: string;
  width: number;
}

/**
 * User-perceived characters with their widths, 0 to 2 cells each: what a terminal draws wider (musical notes, conjuncts of some
 * scripts) comes in its code points, so that any text can be wrapped at two cells.
 */
export function splitGraphemes(text: string): Grapheme[] {
  if (isPlain(text)) return Array.from(text, (character) => ({ text: character, width: 1 }));
  return Array.from(graphemes.segment(text)).flatMap(({ segment }) => {
    const cut = segment.length > MAX_GRAPHEME ? segment.slice(0, MAX_GRAPHEME).toWellFormed() : segment;
    const width = graphemeWidth(cut);
    return width <= 2 ? [{ text: cut, width }] : Array.from(cut, (character) => ({ text: character, width: graphemeWidth(character) }));
  });
}

function graphemeWidth(text: string): number {
  let width = widths.get(text);
  if (width === undefined) {
    if (widths.size >= MAX_WIDTHS) widths.clear();
    widths.set(text, width = displayWidth(text));
  }
  return width;
}

/** At most `width` cells; what is cut off is replaced by an ellipsis. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const grapheme of splitGraphemes(text)) {
    if (used + grapheme.width > width - 1) break;
    kept += grapheme.text;
    used += grapheme.width;
  }
  return width > 0 ? `${kept}…` : "";
}

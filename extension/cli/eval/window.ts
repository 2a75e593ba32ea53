// The text around a place, cut to what a context may hold before anything is counted exactly. Edges lie on lines.

/** No tokenizer of source code makes longer tokens than this on average. */
const CHARACTERS_PER_TOKEN = 6;

/** Whole lines before the place. */
export function textBefore(prefix: string, roomTokens: number): string {
  const most = roomTokens * CHARACTERS_PER_TOKEN;
  if (prefix.length <= most) return prefix;
  return prefix.slice(prefix.indexOf("\n", prefix.length - most) + 1);
}

/** Whole lines after the place: a quarter of the context at four characters a token. */
export function textAfter(suffix: string, roomTokens: number): string {
  if (suffix.length <= roomTokens) return suffix;
  return suffix.slice(0, Math.max(1, suffix.lastIndexOf("\n", roomTokens)));
}

/** The text in pieces of at most `roomTokens` tokens by exact count, cut at line ends where there are any. */
export async function windows(text: string, roomTokens: number, tokenize: (text: string) => Promise<number[]>): Promise<{ text: string; tokens: number[] }[]> {
  const pieces: { text: string; tokens: number[] }[] = [];
  for (let rest = text, most = roomTokens * CHARACTERS_PER_TOKEN; rest !== "";) {
    const piece = rest.length <= most ? rest : rest.slice(0, cutAt(rest, most));
    const tokens = await tokenize(piece);
    if (tokens.length > roomTokens && piece.length > 1) {
      most = Math.max(1, Math.floor(piece.length * Math.min(0.9, roomTokens / tokens.length)));
      continue;
    }
    pieces.push({ text: piece, tokens });
    rest = rest.slice(piece.length);
    most = roomTokens * CHARACTERS_PER_TOKEN;
  }
  return pieces;
}

/** After the last line end in reach; without one never between the halves of a character. */
function cutAt(text: string, most: number): number {
  const lineEnd = text.lastIndexOf("\n", most - 1);
  if (lineEnd >= 0) return lineEnd + 1;
  const half = (text.charCodeAt(most) & 0xfc00) === 0xdc00;
  return half ? most + 1 : most;
}

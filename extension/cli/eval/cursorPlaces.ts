// Where a cursor may stand in a file, and what is written behind it: chosen by seed and name alone.
import { isCode, LEAST_BEFORE } from "./holes";
import { seededRandom, shuffled } from "./random";
import type { SourceFile } from "./sourceFiles";

export const placeKinds = ["word", "punctuation", "blank", "indent", "line"] as const;
export type PlaceKind = (typeof placeKinds)[number];

export interface CursorPlace {
  /** Name, line and column from 1, and kind, e.g. "a/b.py:12:5:word". */
  id: string;
  kind: PlaceKind;
  language: string;
  before: string;
  /** The rest of the word that the cursor stands in, else the next run of word characters or of punctuation, blanks before it included. */
  next: string;
  after: string;
}

const WORD = String.raw`[\p{L}\p{M}\p{N}_]`;
const PUNCTUATION = String.raw`[^\s\p{L}\p{M}\p{N}_]`;
const LEAST_LETTERS = 4;

/** The places in a line, all with something to come on it. */
const sites: Record<PlaceKind, RegExp> = {
  /** Within an identifier, never between a letter and its accent. */
  word: new RegExp(String.raw`(?<=(?<!${WORD})(?=${WORD}{${LEAST_LETTERS}})[\p{L}_]${WORD}*)(?=${WORD})(?!\p{M})`, "gu"),
  punctuation: new RegExp(String.raw`(?<=${PUNCTUATION})(?=.*\S)`, "gu"),
  /** Behind the first blank after what is not blank. */
  blank: /(?<=\S[ \t])(?=.*\S)/gu,
  indent: /(?<=^\s+)(?=\S)/gu,
  line: /^(?=.*\S)/gu,
};
const nextWord = new RegExp(String.raw`^\s*(?:${WORD}+|${PUNCTUATION}+)`, "u");

/** At most `count` places of each kind, in lines with code and some lines before them; no two of a kind in one line. */
export function choosePlaces(file: SourceFile, count: number, seed: number): CursorPlace[] {
  const lines = file.text.split("\n");
  const withText = [...lines.keys()].filter((line) => (lines[line] ?? "").trim() !== "");
  const code = withText.slice(LEAST_BEFORE).filter((line) => isCode(lines[line] ?? "", file.language));
  return placeKinds.flatMap((kind) => {
    const random = seededRandom(seed, `${kind} ${file.name}`);
    const places: [line: number, column: number][] = [];
    for (const line of shuffled(code, random)) {
      if (places.length === count) break;
      const columns = [...(lines[line] ?? "").matchAll(sites[kind])].map(({ index }) => index);
      const column = columns[Math.floor(random() * columns.length)];
      if (column !== undefined) places.push([line, column]);
    }
    return places.sort(([a], [b]) => a - b).map(([line, column]) => placeAt(file, lines, line, column, kind));
  });
}

function placeAt({ name, language }: SourceFile, lines: readonly string[], line: number, column: number, kind: PlaceKind): CursorPlace {
  const text = lines[line] ?? "";
  const [next = ""] = nextWord.exec(text.slice(column)) ?? [];
  return {
    id: `${name}:${line + 1}:${column + 1}:${kind}`,
    kind,
    language,
    before: [...lines.slice(0, line), text.slice(0, column)].join("\n"),
    next,
    after: [text.slice(column + next.length), ...lines.slice(line + 1)].join("\n"),
  };
}

export type CharacterClass = "word" | "punctuation" | "blank";

const startsWord = new RegExp(`^${WORD}`, "u");

/** Of a text's first character. */
export function classOf(text: string): CharacterClass {
  if (/^\s/u.test(text)) return "blank";
  return startsWord.test(text) ? "word" : "punctuation";
}

// Where a file is cut open for infilling: whole lines that a person might be about to write, chosen by seed and name alone.
import { languageOf } from "../../completion/languages";
import { seededRandom, shuffled } from "./random";
import type { SourceFile } from "./sourceFiles";

export const holeKinds = ["single-line", "multi-line"] as const;
export type HoleKind = (typeof holeKinds)[number];

export interface Hole {
  /** Name, kind and first line, e.g. "a/b.py:12:single-line". */
  id: string;
  kind: HoleKind;
  language: string;
  prefix: string;
  /** What was there, without the last line's end. */
  middle: string;
  suffix: string;
}

/** Lines that must stand before a hole, so that there is something to go by. */
export const LEAST_BEFORE = 5;
const LONGEST_LINE = 120;
const LEAST_LETTERS = 4;
const LINES = { min: 2, max: 6 };

/** At most `count` holes of each kind. No two of a kind overlap. */
export function chooseHoles(file: SourceFile, count: number, seed: number): Hole[] {
  const lines = file.text.split("\n");
  const code = lines.map((line) => isCode(line, file.language));
  return holeKinds.flatMap((kind) => {
    const random = seededRandom(seed, `${kind} ${file.name}`);
    const taken = new Set<number>();
    const holes: [start: number, end: number][] = [];
    for (const start of shuffled([...lines.keys()], random)) {
      if (holes.length === count) break;
      const end = kind === "single-line" ? start + 1 : start + LINES.min + Math.floor(random() * (LINES.max - LINES.min + 1));
      if (!fits(lines, code, start, end, kind)) continue;
      const span = Array.from({ length: end - start }, (_, index) => start + index);
      if (span.some((line) => taken.has(line))) continue;
      for (const line of span) taken.add(line);
      holes.push([start, end]);
    }
    return holes.sort(([a], [b]) => a - b).map(([start, end]) => cut(file, lines, start, end, kind));
  });
}

/** A hole starts and ends with code, and keeps to the block that it starts in. */
function fits(lines: readonly string[], code: readonly boolean[], start: number, end: number, kind: HoleKind): boolean {
  if (end >= lines.length || !code[start] || !code[end - 1]) return false;
  if (lines.slice(0, start).filter((line) => line.trim() !== "").length < LEAST_BEFORE) return false;
  if (kind === "single-line") return true;
  const depth = indentOf(lines[start] ?? "");
  return lines.slice(start, end).every((line) => line.trim() === "" || indentOf(line) >= depth);
}

const indentOf = (line: string): number => line.length - line.trimStart().length;

export function isCode(line: string, language: string): boolean {
  const text = line.trim();
  const { lineComment, blockComment } = languageOf(language);
  const comment = [lineComment, ...(blockComment ?? []), blockComment && "*", '"""', "'''"].some((mark) => mark && text.startsWith(mark));
  return !comment && line.length <= LONGEST_LINE && text.replace(/[^\p{L}\p{N}]/gu, "").length >= LEAST_LETTERS;
}

function cut({ name, language }: SourceFile, lines: readonly string[], start: number, end: number, kind: HoleKind): Hole {
  return {
    id: `${name}:${start + 1}:${kind}`,
    kind,
    language,
    prefix: lines.slice(0, start).map((line) => `${line}\n`).join(""),
    middle: lines.slice(start, end).join("\n"),
    suffix: `\n${lines.slice(end).join("\n")}`,
  };
}

/** Where a completion ends beside the model's own end: a single line with its line. */
export const holeStops = (kind: HoleKind): readonly string[] => (kind === "single-line" ? ["\n"] : []);

/** Equal but for blanks at the ends of lines and blank lines at the end. */
export function matches(middle: string, completion: string): boolean {
  const trimmed = (text: string): string => text.split("\n").map((line) => line.trimEnd()).join("\n").trimEnd();
  return trimmed(middle) === trimmed(completion);
}

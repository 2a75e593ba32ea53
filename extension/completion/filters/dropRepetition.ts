// Cuts a completion where it falls into a loop, and drops one that only says again what stands right before the cursor.
import { cutTo, isBlank, isTelling, type Filter } from "./filter";

/** A run of so many equal groups of lines is a loop. */
const LINE_REPEATS = 3;
const LONGEST_GROUP = 4;
/** Within a line: a unit of at most this length, said so many times in a row, over so many characters. */
const LONGEST_UNIT = 40;
const UNIT_REPEATS = 5;
const SHORTEST_LOOP = 20;

export const dropRepetition: Filter = (completion, context) => {
  if (repeatsLinesBefore(completion.text, context.prefix)) return null;
  const lines = completion.text.split("\n");
  const end = Math.min(loopOfLines(lines), loopWithinLine(lines));
  return end >= lines.length ? completion : cutTo(completion, lines.slice(0, end).join("\n"));
};

/** All of the text's lines, and at least one telling one, are the last lines before the cursor. */
function repeatsLinesBefore(text: string, prefix: string): boolean {
  const before = prefix.split("\n");
  const start = before.pop() ?? "";
  const written = toComparable((start + text).split("\n"));
  const above = toComparable(before).slice(-written.length);
  return written.some(isTelling) && written.length === above.length && written.every((line, at) => line === above[at]);
}

const toComparable = (lines: readonly string[]): string[] => lines.map((line) => line.trim()).filter((line) => line !== "");

/** The line where the first repeat of a loop starts, or the number of lines. */
function loopOfLines(lines: readonly string[]): number {
  for (let start = 0; start < lines.length; start++) {
    for (let size = 1; size <= LONGEST_GROUP; size++) {
      const group = lines.slice(start, start + size);
      if (!group.some(isTelling) || isBlank(group[0] ?? "")) continue;
      let repeats = 1;
      while (sameLines(group, lines, start + repeats * size)) repeats += 1;
      if (repeats >= LINE_REPEATS) return start + size;
    }
  }
  return lines.length;
}

const sameLines = (group: readonly string[], lines: readonly string[], at: number): boolean =>
  group.every((line, offset) => lines[at + offset]?.trim() === line.trim());

/** The first line that says one thing over and over, or the number of lines. */
function loopWithinLine(lines: readonly string[]): number {
  const at = lines.findIndex(hasLoop);
  return at < 0 ? lines.length : at;
}

function hasLoop(line: string): boolean {
  for (let unit = 2; unit <= LONGEST_UNIT && unit * UNIT_REPEATS <= line.length; unit++) {
    let equal = 0;
    for (let at = unit; at < line.length; at++) {
      equal = line[at] === line[at - unit] ? equal + 1 : 0;
      const length = equal + unit;
      if (length >= unit * UNIT_REPEATS && length >= SHORTEST_LOOP && /\p{L}/u.test(line.slice(at + 1 - unit, at + 1))) return true;
    }
  }
  return false;
}

// Strict parsing of option values: a value is taken as written or refused with one line that names the option and its range.
import { MAX_DRAFT_LENGTH, MAX_STOP_LENGTH, MAX_STOPS, type DraftLength } from "../../protocol/worker";
import { badInput } from "./errors";
import { oneLine } from "./sanitize";

export interface Range {
  min: number;
  max: number;
  /** The minimum itself is not allowed. */
  aboveMin?: boolean;
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i;

/** As the user typed it, shortened, for a message. */
export function quote(text: string): string {
  const line = oneLine(text);
  return `"${line.length > 40 ? `${line.slice(0, 39)}…` : line}"`;
}

function describeRange({ min, max, aboveMin }: Range): string {
  return aboveMin ? `above ${min} and at most ${max}` : `from ${min} to ${max}`;
}

function within(value: number, { min, max, aboveMin }: Range): boolean {
  return value <= max && (aboveMin ? value > min : value >= min);
}

export function parseInteger(option: string, text: string, range: Range): number {
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!within(value, range)) throw badInput(`${option} takes a whole number ${describeRange(range)}, not ${quote(text)}`);
  return value + 0; // -0 becomes 0
}

export function parseReal(option: string, text: string, range: Range): number {
  const value = decimal.test(text) ? Number(text) : Number.NaN;
  if (!within(value, range)) throw badInput(`${option} takes a number ${describeRange(range)}, not ${quote(text)}`);
  return value + 0;
}

/** "1,2,4": whole numbers, repeated ones dropped, in the order given. */
export function parseIntegerList(option: string, text: string, range: Range): number[] {
  return [...new Set(text.split(",").map((part) => parseInteger(option, part.trim(), range)))];
}

export function parseChoice<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) throw badInput(`${option} takes ${choices.join(", ")}, not ${quote(text)}`);
  return choice;
}

export function parseChoiceList<T extends string>(option: string, text: string, choices: readonly T[]): T[] {
  return [...new Set(text.split(",").map((part) => parseChoice(option, part.trim(), choices)))];
}

export function parseDraftLength(option: string, text: string): DraftLength {
  if (text === "none" || text === "bass" || text === "auto") return text;
  const fixed = /^fixed:(\d+)$/.exec(text);
  const length = Number(fixed?.[1]);
  if (!(length >= 1 && length <= MAX_DRAFT_LENGTH)) {
    throw badInput(`${option} takes none, bass, auto or fixed:K with K from 1 to ${MAX_DRAFT_LENGTH}, not ${quote(text)}`);
  }
  return `fixed:${length}`;
}

/** A stop string as typed in a shell, after those `before` it: \n, \r, \t and \\ stand for what they stand for in code. */
export function parseStops(option: string, text: string, before: readonly string[] = []): string[] {
  const escapes: Record<string, string> = { n: "\n", r: "\r", t: "\t", "\\": "\\" };
  const stop = text.replace(/\\([nrt\\])/g, (_, letter: string) => escapes[letter] ?? letter);
  if (stop === "") throw badInput(`${option} takes a text that is not empty`);
  if (stop.length > MAX_STOP_LENGTH) throw badInput(`${option} takes a text of at most ${MAX_STOP_LENGTH} characters, not of ${stop.length}`);
  if (before.length === MAX_STOPS) throw badInput(`${option} can be given ${MAX_STOPS} times, not more`);
  return [...before, stop];
}

/** LINE[:COL], both counted from 1. */
export interface Place {
  line: number;
  column: number | undefined;
}

export function parsePlace(option: string, text: string): Place {
  const parts = /^(\d{1,9})(?::(\d{1,9}))?$/.exec(text);
  const line = Number(parts?.[1]);
  const column = parts?.[2] === undefined ? undefined : Number(parts[2]);
  if (!(line >= 1) || column === 0) throw badInput(`${option} takes LINE or LINE:COL, both counted from 1, not ${quote(text)}`);
  return { line, column };
}

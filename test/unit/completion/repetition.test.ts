// The measure of repetition: what people write stays below the line, what lost models write is above it.
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { isRepetitive, repetition } from "../../../extension/completion/repetition";

const root = path.resolve(import.meta.dirname, "../../..");
const windows = (text: string, size: number): string[] =>
  Array.from({ length: Math.max(1, Math.floor(text.length / size)) }, (_, at) => text.slice(at * size, (at + 1) * size));

describe("repetition", () => {
  it("is the share of four words in a row that were said before", () => {
    const words = Array.from({ length: 20 }, (_, at) => `w${at}`);
    expect(repetition(words.join(" "))).toBe(0);
    // 40 words have 37 such groups, of which 17 are of the first round and 3 lie across its end.
    expect(repetition([...words, ...words].join(" "))).toBeCloseTo(17 / 37);
  });

  it("says nothing of short texts", () => {
    expect(repetition("")).toBe(0);
    expect(repetition("a, a, a, a, a, a, a, a,")).toBe(0);
    expect(isRepetitive("return { x: a.x + b.x, y: a.y + b.y };")).toBe(false);
  });

  it.each(["examples/query_string.ts", "examples/csv_columns.py", "native/engine/engine.cpp", "extension/completion/languages.ts", "scripts/lib/suites.mjs"])(
    "finds none in %s", (file) => {
      const text = readFileSync(path.join(root, file), "utf8");
      for (const size of [200, 500, 1500]) expect(windows(text, size).filter(isRepetitive)).toEqual([]);
    },
  );

  it.each([
    ["an operand", "return Math.sqrt(a.x" + " * a.y".repeat(30) + ");"],
    ["numbers", "= (1, " + "0, ".repeat(60)],
    ["digits", "const x = 1" + "0".repeat(40)],
    ["lines", "  point.x = 0;\n  point.y = 0;\n".repeat(8)],
    ["a loop after a good start", "function add(a, b) {\n  const sum = a + b;\n" + "  if (sum > 0) return sum;\n".repeat(12)],
  ])("finds it in %s", (_what, text) => {
    expect(isRepetitive(text)).toBe(true);
  });
});

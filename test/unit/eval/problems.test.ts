// Where the problems of octet eval come from: HumanEval's file, source folders, holes and windows.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chooseHoles, holeStops, matches } from "../../../extension/cli/eval/holes";
import { humanEvalProgram, humanEvalStops, readProblems } from "../../../extension/cli/eval/humaneval";
import { seededRandom, shuffled } from "../../../extension/cli/eval/random";
import { readSourceFiles, type SourceFile } from "../../../extension/cli/eval/sourceFiles";
import { textAfter, textBefore, windows } from "../../../extension/cli/eval/window";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "octet-problems-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const problem = { task_id: "Tiny/0", prompt: "def one():\n", test: "def check(f):\n    assert f() == 1\n", entry_point: "one" };

const { signal } = new AbortController();

describe("HumanEval", () => {
  const written = (content: string | Buffer): string => {
    const file = path.join(folder, "problems.jsonl");
    writeFileSync(file, content);
    return file;
  };
  const lines = `${JSON.stringify(problem)}\n\n${JSON.stringify({ ...problem, task_id: "Tiny/1" })}\n`;

  it("is read packed and unpacked", async () => {
    const expected = [{ id: "Tiny/0", prompt: problem.prompt, test: problem.test, entryPoint: "one" }, expect.objectContaining({ id: "Tiny/1" })];
    expect(await readProblems(written(lines), signal)).toEqual(expected);
    expect(await readProblems(written(gzipSync(lines)), signal)).toEqual(expected);
  });
  it("is refused with the line that is wrong", async () => {
    const refused = (content: string | Buffer, message: RegExp): Promise<void> => expect(readProblems(written(content), signal)).rejects.toThrow(message);
    await refused(`${lines}{"task_id"`, /problems\.jsonl, line 4 is not JSON/);
    await refused("[]\n", /line 1 has no text "entry_point"/);
    await refused(JSON.stringify({ ...problem, test: "" }), /line 1 has no text "test"/);
    await refused(JSON.stringify({ ...problem, entry_point: "one); import os" }), /line 1: entry_point is not a name/);
    await refused(`${JSON.stringify(problem)}\n${JSON.stringify(problem)}`, /holds a task_id twice/);
    await refused("\n", /holds no problems/);
    await refused(gzipSync(lines).subarray(0, 40), /cannot be unpacked/);
    await refused(Buffer.from([0xff, 0xfe, 0x41]), /not UTF-8/);
    await expect(readProblems(path.join(folder, "none"), signal)).rejects.toThrow(/no such file/);
  });
  it.skipIf(process.platform === "win32")("that never ends is refused, and a pipe that nobody writes to can be left", async () => {
    await expect(readProblems("/dev/zero", signal)).rejects.toThrow("/dev/zero: longer than 64 MiB");
    const pipe = path.join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const stop = new AbortController();
    const reading = readProblems(pipe, stop.signal);
    setTimeout(() => stop.abort(), 50);
    await expect(reading).rejects.toThrow("aborted");
  });
  it("makes a program of head, completion, test and call", async () => {
    const [read] = await readProblems(written(lines), signal);
    expect(read && humanEvalProgram(read, "    return 1")).toBe(`${problem.prompt}    return 1\n\n${problem.test}\n\ncheck(one)\n`);
    expect(humanEvalStops).toEqual(["\nclass", "\ndef", "\n#", "\nif", "\nprint"]);
  });
});

describe("source files", () => {
  it("are found below a folder in order, without what is no source", async () => {
    const base = path.join(folder, "sources");
    const add = (name: string, content: string | Buffer): void => {
      mkdirSync(path.dirname(path.join(base, name)), { recursive: true });
      writeFileSync(path.join(base, name), content);
    };
    add("b/two.ts", "const a = 1;\r\nconst b = 2;\r\n");
    add("a.py", "x = 1\n");
    add("view.tsx", "a\n");
    for (const name of ["node_modules/x.js", ".git/y.py", "picture.png", "app.min.js", "noExtension"]) add(name, "x = 1\n");
    add("binary.py", Buffer.from([0x61, 0, 0x62]));
    add("latin1.py", Buffer.from([0x78, 0xe9]));
    add("blank.py", " \n");
    add("long.js", `let a = "${"x".repeat(2000)}";\n`);
    add("huge.py", "x = 1\n".repeat(100_000));
    add("tooLargeToRead.json", "");
    truncateSync(path.join(base, "tooLargeToRead.json"), 3 * 2 ** 30);
    symlinkSync(base, path.join(base, "loop"));
    symlinkSync(path.join(base, "a.py"), path.join(base, "linked.py"));
    expect(await readSourceFiles(base, new AbortController().signal)).toEqual([
      { name: "a.py", language: "python", text: "x = 1\n" },
      { name: "b/two.ts", language: "typescript", text: "const a = 1;\nconst b = 2;\n" },
      { name: "view.tsx", language: "typescriptreact", text: "a\n" },
    ]);
  });
  it("are asked for in one line where there are none", async () => {
    mkdirSync(path.join(folder, "empty"));
    await expect(readSourceFiles("", signal)).rejects.toThrow("--files takes a path, not an empty text");
    await expect(readSourceFiles(path.join(folder, "empty"), signal)).rejects.toThrow(/empty holds no source files$/);
    await expect(readSourceFiles(path.join(folder, "missing"), signal)).rejects.toThrow(/missing: no such folder$/);
    writeFileSync(path.join(folder, "file"), "");
    await expect(readSourceFiles(path.join(folder, "file"), signal)).rejects.toThrow(/file: not a folder$/);
  });
});

const python: SourceFile = {
  name: "shapes.py",
  language: "python",
  text: `import math
from dataclasses import dataclass


@dataclass
class Circle:
    """A circle."""

    radius: float

    def area(self):
        # squared
        return math.pi * self.radius ** 2

    def grown(self, by):
        if by < 0:
            raise ValueError("negative")
        return Circle(self.radius + by)


def total(circles):
    result = 0
    for circle in circles:
        result += circle.area()
    return result
`,
};

describe("holes", () => {
  const everySeed = Array.from({ length: 60 }, (_, seed) => chooseHoles(python, 3, seed)).flat();

  it("are whole lines that put the file together again", () => {
    expect(new Set(everySeed.map(({ kind }) => kind))).toEqual(new Set(["single-line", "multi-line"]));
    for (const { prefix, middle, suffix } of everySeed) {
      expect(prefix + middle + suffix).toBe(python.text);
      expect(prefix.endsWith("\n")).toBe(true);
      expect(suffix.startsWith("\n")).toBe(true);
    }
  });
  it("hold code, after some lines of the file, never comments, blank lines or the last line", () => {
    for (const { middle, kind, prefix } of everySeed) {
      const lines = middle.split("\n");
      if (kind === "single-line") expect(lines).toHaveLength(1);
      else expect(lines.length).toBeGreaterThanOrEqual(2);
      expect(lines.length).toBeLessThanOrEqual(6);
      for (const edge of [lines[0], lines.at(-1)]) {
        expect(edge?.trim()).not.toMatch(/^(#|"""|$)/);
      }
      expect(prefix.split("\n").filter((line) => line.trim() !== "").length).toBeGreaterThanOrEqual(5);
    }
  });
  it("keep to the block they start in", () => {
    for (const { middle } of everySeed.filter(({ kind }) => kind === "multi-line")) {
      const depths = middle.split("\n").filter((line) => line.trim() !== "").map((line) => line.length - line.trimStart().length);
      expect(Math.min(...depths)).toBe(depths[0]);
    }
  });
  it("are the same for a seed and name, do not overlap, and differ by seed", () => {
    expect(chooseHoles(python, 3, 7)).toEqual(chooseHoles(python, 3, 7));
    expect(new Set(Array.from({ length: 20 }, (_, seed) => chooseHoles(python, 1, seed).map(({ id }) => id).join())).size).toBeGreaterThan(5);
    for (let seed = 0; seed < 20; seed++) {
      const spans = chooseHoles(python, 3, seed).filter(({ kind }) => kind === "multi-line")
        .map(({ prefix, middle }) => [prefix.split("\n").length, prefix.split("\n").length + middle.split("\n").length] as const);
      spans.sort(([a], [b]) => a - b);
      for (let index = 1; index < spans.length; index++) expect(spans[index]?.[0]).toBeGreaterThanOrEqual(spans[index - 1]?.[1] ?? 0);
    }
    expect(chooseHoles({ ...python, text: "a = 1\n" }, 3, 1)).toEqual([]);
  });
  it("match but for blanks at the ends of lines, and nothing else", () => {
    expect(matches("    return 1", "    return 1  \n\n")).toBe(true);
    expect(matches("a = 1\n\nb = 2", "a = 1 \n  \nb = 2")).toBe(true);
    expect(matches("    return 1", "return 1")).toBe(false);
    expect(matches("a = 1", "a = 1\nb = 2")).toBe(false);
  });
  it("end a single line with its line", () => {
    expect(holeStops("single-line")).toEqual(["\n"]);
    expect(holeStops("multi-line")).toEqual([]);
  });
});

describe("seeded choices", () => {
  it("are fixed by seed and name, and use every order", () => {
    const order = (seed: number, name: string): string => shuffled([1, 2, 3], seededRandom(seed, name)).join("");
    expect(order(1, "a")).toBe(order(1, "a"));
    expect(new Set(Array.from({ length: 200 }, (_, seed) => order(seed, "a"))).size).toBe(6);
    expect(new Set(Array.from({ length: 200 }, (_, index) => order(1, String(index)))).size).toBe(6);
    const random = seededRandom(5, "mean");
    const values = Array.from({ length: 2000 }, random);
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(0.5, 1);
  });
});

describe("windows", () => {
  /** Three characters a token. */
  const tokenize = async (text: string): Promise<number[]> => Array<number>(Math.ceil(text.length / 3)).fill(1);

  it("cover any text with pieces that fit, cut at line ends where there are any", async () => {
    await fc.assert(fc.asyncProperty(
      fc.array(fc.string({ maxLength: 40, unit: "grapheme" }), { maxLength: 30 }), fc.integer({ min: 2, max: 30 }),
      async (lines, room) => {
        const text = lines.join("\n");
        const pieces = await windows(text, room, tokenize);
        expect(pieces.map((piece) => piece.text).join("")).toBe(text);
        for (const piece of pieces) {
          expect(piece.tokens.length).toBeLessThanOrEqual(room);
          expect(piece.text.isWellFormed()).toBe(true);
        }
      }));
    expect((await windows("aaa\nbbb\nccc\n", 3, tokenize)).map(({ text }) => text)).toEqual(["aaa\nbbb\n", "ccc\n"]);
  });
  it("keep whole lines around a place", () => {
    expect(textBefore("one\ntwo\n", 100)).toBe("one\ntwo\n");
    expect(textBefore(`${"x".repeat(50)}\ntwo\n`, 2)).toBe("two\n");
    expect(textAfter("\ntwo\nthree", 100)).toBe("\ntwo\nthree");
    expect(textAfter("\ntwo\nthree", 6)).toBe("\ntwo");
  });
});

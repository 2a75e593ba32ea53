import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TextDocument, type DocumentView } from "../../../extension/completion/document";
import { prefixWindow, suffixWindow } from "../../../extension/completion/window";

const lines = (count: number, length = 20): string => Array.from({ length: count }, (_, at) => `${at} `.padEnd(length, "x")).join("\n");
const documentOf = (text: string) => new TextDocument(text);

describe("prefixWindow", () => {
  it("holds the whole text before the cursor where it fits", () => {
    const window = prefixWindow(documentOf("a\nbc\nd"), { line: 1, character: 1 }, 100, null);
    expect(window).toEqual({ text: "a\nb", startLine: 0 });
  });

  it("fills three quarters of the budget and starts at a line's start", () => {
    const { text, startLine } = prefixWindow(documentOf(lines(100)), { line: 90, character: 5 }, 400, null);
    expect(text.length).toBeLessThanOrEqual(300);
    expect(text.length).toBeGreaterThan(270);
    expect(text.startsWith(`${startLine} `)).toBe(true);
  });

  it("keeps its start while the cursor moves down, then jumps by a quarter", () => {
    const document = documentOf(lines(200));
    const starts: number[] = [];
    let start: number | null = null;
    for (let line = 50; line < 150; line++) {
      const window = prefixWindow(document, { line, character: 3 }, 840, start);
      expect(window.text.length).toBeLessThanOrEqual(840);
      start = window.startLine;
      if (starts.at(-1) !== start) starts.push(start);
    }
    const jumps = starts.slice(1).map((at, index) => at - (starts[index] ?? 0));
    expect(Math.min(...jumps)).toBeGreaterThanOrEqual(9);
  });

  it("starts anew when the cursor moves far up in it", () => {
    const window = prefixWindow(documentOf(lines(200)), { line: 101, character: 0 }, 840, 100);
    expect(window.startLine).toBeLessThan(80);
  });

  it("cuts a line longer than the budget, and moves the cut seldom", () => {
    const cut = (length: number) => length - prefixWindow(documentOf("x".repeat(length)), { line: 0, character: length }, 100, null).text.length;
    expect(new Set([1000, 1001, 1010, 1020].map(cut)).size).toBeLessThanOrEqual(2);
    expect(1000 - cut(1000)).toBeLessThanOrEqual(100);
  });

  it("does not cut a character in two", () => {
    const text = "x" + "😀".repeat(100);
    const window = prefixWindow(documentOf(text), { line: 0, character: text.length }, 40, null);
    expect(window.text.isWellFormed()).toBe(true);
  });

  it("reads few lines of a very large file", () => {
    let read = 0;
    const document: DocumentView = {
      uri: "file:///large.ts", languageId: "typescript", version: 1, eol: "\n", lineCount: 10_000_000,
      lineAt: (line) => {
        read += 1;
        return `line ${line}`;
      },
    };
    prefixWindow(document, { line: 9_000_000, character: 4 }, 4_000, 10);
    suffixWindow(document, { line: 9_000_000, character: 4 }, 1_000);
    expect(read).toBeLessThan(2_500);
  });

  it("never starts elsewhere while one line is typed, until the budget is full", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 60 }), { minLength: 1, maxLength: 80 }), fc.string({ minLength: 1, maxLength: 80 }), fc.integer({ min: 100, max: 600 }), (above, typed, budget) => {
        const clean = (text: string) => text.replace(/[\r\n]/g, "");
        const head = above.map(clean);
        let start: number | null = null;
        let changes = 0;
        for (let length = 0; length <= clean(typed).length; length++) {
          const line = clean(typed).slice(0, length);
          const window = prefixWindow(documentOf([...head, line].join("\n")), { line: head.length, character: length }, budget, start);
          expect(window.text.length).toBeLessThanOrEqual(budget);
          if (start !== null && window.startLine !== start) changes += 1;
          start = window.startLine;
        }
        // Each jump makes room for a quarter of the budget.
        expect(changes).toBeLessThanOrEqual(Math.ceil(typed.length / Math.floor(budget / 4)));
      }),
      { numRuns: 60 },
    );
  });
});

describe("suffixWindow", () => {
  it("holds the rest of the line and whole lines after it", () => {
    expect(suffixWindow(documentOf("abc\ndef\nghi"), { line: 0, character: 1 }, 7)).toBe("bc\ndef");
  });

  it("is empty without a budget", () => {
    expect(suffixWindow(documentOf("abc"), { line: 0, character: 1 }, 0)).toBe("");
  });

  it("stays the same while text is typed before it", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 30 }), { maxLength: 20 }), fc.string({ maxLength: 30 }), fc.integer({ min: 10, max: 300 }), (below, typed, budget) => {
        const clean = (text: string) => text.replace(/[\r\n]/g, "");
        const at = (text: string) => suffixWindow(documentOf([`${text})`, ...below.map(clean)].join("\n")), { line: 0, character: text.length }, budget);
        const whole = at("");
        expect(whole.length).toBeLessThanOrEqual(budget);
        for (let length = 1; length <= clean(typed).length; length++) expect(at(clean(typed).slice(0, length))).toBe(whole);
      }),
      { numRuns: 60 },
    );
  });
});

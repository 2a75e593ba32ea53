import { describe, expect, it } from "vitest";
import { explain } from "../../../extension/completion/explain";
import { requestShape } from "../../../extension/completion/requestShape";
import { isLanguageEnabled, lastChange, refusal, type TriggerInput } from "../../../extension/completion/trigger";

const typed: TriggerInput = {
  kind: "automatic", linePrefix: "const x = ", lineSuffix: "", lastChange: "typed", selections: 1, selectionEmpty: true, languageEnabled: true, snoozed: false,
};
const asked: TriggerInput = { ...typed, kind: "explicit" };

describe("refusal", () => {
  it.each<[string, Partial<TriggerInput>, string | null]>([
    ["typing at the end of a line", {}, null],
    ["deleting", { lastChange: "deleted" }, "deleted"],
    ["pasting", { lastChange: "pasted" }, "pasted"],
    ["undo", { lastChange: "history" }, "history"],
    ["several cursors", { selections: 3 }, "severalCursors"],
    ["a selection", { selectionEmpty: false }, "selection"],
    ["a disabled language", { languageEnabled: false }, "languageDisabled"],
    ["snoozed", { snoozed: true }, "snoozed"],
    ["inside a word", { linePrefix: "cons", lineSuffix: "t x" }, "insideWord"],
    ["after a word with text behind", { linePrefix: "foo", lineSuffix: " + bar" }, "beforeText"],
    ["arguments with text behind", { linePrefix: "foo(", lineSuffix: ", bar)" }, null],
    ["closers behind", { linePrefix: "foo(bar", lineSuffix: ");" }, null],
    ["a very long line", { linePrefix: "x".repeat(2_000) }, "lineTooLong"],
  ])("%s", (_, change, expected) => {
    expect(refusal({ ...typed, ...change })).toBe(expected);
  });

  it("refuses an explicit trigger only where nothing can be done", () => {
    expect(refusal({ ...asked, lastChange: "deleted", snoozed: true, languageEnabled: false, linePrefix: "cons", lineSuffix: "t" })).toBeNull();
    expect(refusal({ ...asked, selections: 2 })).toBe("severalCursors");
    expect(refusal({ ...asked, linePrefix: "x".repeat(2_000) })).toBeNull();
  });

  it("in a minified line answers who asks, but not far into it", () => {
    const minified = { linePrefix: "x".repeat(500), lineSuffix: "x".repeat(35_500) };
    expect(refusal({ ...typed, ...minified })).toBe("lineTooLong");
    expect(refusal({ ...asked, ...minified })).toBeNull();
    expect(refusal({ ...asked, ...minified, linePrefix: "x".repeat(20_000) })).toBeNull();
    expect(refusal({ ...asked, ...minified, linePrefix: "x".repeat(20_001) })).toBe("lineTooLong");
    expect(explain("lineTooLong")).toContain("20,000 characters");
  });
});

describe("lastChange", () => {
  const at = (start: number, end: number, text: string) => ({ range: { start: { line: 0, character: start }, end: { line: 0, character: end } }, text });
  it.each([
    ["a key", [at(3, 3, "a")], "typed"],
    ["an auto-closed pair", [at(3, 3, "()")], "typed"],
    ["a line end with indentation", [at(3, 3, "\r\n    ")], "typed"],
    ["a line end in braces", [at(3, 3, "\n  \n")], "typed"],
    ["backspace", [at(2, 3, "")], "deleted"],
    ["paste", [at(3, 3, "hello world")], "pasted"],
    ["an item accepted", [at(1, 3, "hello")], "replaced"],
    ["several cursors", [at(1, 1, "a"), at(9, 9, "a")], "several"],
    ["nothing", [], "none"],
  ] as const)("%s", (_, edits, expected) => {
    expect(lastChange(edits, null)).toBe(expected);
  });
  it("undo", () => expect(lastChange([at(3, 3, "a")], "undo")).toBe("history"));
});

describe("isLanguageEnabled", () => {
  it("takes the language's own setting, then that of all", () => {
    expect(isLanguageEnabled({ "*": true, markdown: false }, "markdown")).toBe(false);
    expect(isLanguageEnabled({ "*": false, python: true }, "python")).toBe(true);
    expect(isLanguageEnabled({ "*": false }, "go")).toBe(false);
    expect(isLanguageEnabled({}, "go")).toBe(true);
  });
});

describe("requestShape", () => {
  it.each([
    ["an empty line", "typescript", "  ", "", true],
    ["after a brace", "typescript", "if (a) {", "}", true],
    ["after an arrow", "typescript", "const f = () => ", "", true],
    ["after a colon", "python", "def f():", "", true],
    ["a type annotation", "typescript", "let a:", "", false],
    ["an expression", "typescript", "const x = ", "", false],
    ["text behind", "python", "x = ", " + 1", false],
    ["a comment", "python", "# then:", "", false],
    ["text behind on an indented line", "typescript", "  ", "foo()", false],
  ])("%s", (_, languageId, linePrefix, lineSuffix, multiline) => {
    const shape = requestShape({ kind: "automatic", languageId, linePrefix, lineSuffix });
    expect(shape.multiline).toBe(multiline);
    expect(shape.stop).toEqual(multiline ? ["\n\n\n"] : ["\n"]);
  });

  it("gives more when asked explicitly, but one line before text", () => {
    const shape = (lineSuffix: string) => requestShape({ kind: "explicit", languageId: "typescript", linePrefix: "const x = ", lineSuffix });
    expect(shape("").multiline).toBe(true);
    expect(shape(" + 1").multiline).toBe(false);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endOf, TextDocument, toDocumentText, type Range, type TextEdit } from "../../../extension/completion/document";
import { Anchor, reanchor } from "../../../extension/completion/reanchor";
import { inlineEdit, type InlinePlace } from "../../../extension/completion/replaceRange";

const range = (startLine: number, startCharacter: number, endLine = startLine, endCharacter = startCharacter): Range => ({
  start: { line: startLine, character: startCharacter },
  end: { line: endLine, character: endCharacter },
});
const edit = (at: Range, text: string): TextEdit => ({ range: at, text });

describe("inlineEdit", () => {
  const place: InlinePlace = { cursor: { line: 3, character: 6 }, linePrefix: "  foo(", lineSuffix: ");", eol: "\n" };

  it("replaces its line from the start to the cursor", () => {
    expect(inlineEdit({ text: "a", overlap: 0 }, place)).toEqual({ insertText: "  foo(a", range: range(3, 0, 3, 6) });
  });

  it("replaces the text after the cursor that it holds too", () => {
    expect(inlineEdit({ text: "a) // b", overlap: 1 }, place)).toEqual({ insertText: "  foo(a) // b", range: range(3, 0, 3, 7) });
  });

  it("has the document's line ends", () => {
    expect(inlineEdit({ text: "a,\nb", overlap: 0 }, { ...place, eol: "\r\n" })?.insertText).toBe("  foo(a,\r\nb");
  });

  it("extends the item selected in the suggest widget, over its range", () => {
    const selected = { range: range(3, 2, 3, 6), text: "format" };
    expect(inlineEdit({ text: "(a)", overlap: 0 }, { ...place, selected })).toEqual({ insertText: "format(a)", range: selected.range });
    expect(inlineEdit({ text: "(a)", overlap: 0 }, { ...place, selected: { range: range(2, 0), text: "format" } })).toBeNull();
  });
});

describe("reanchor", () => {
  it.each([
    ["an edit above", range(5, 2), edit(range(1, 0), "a\nb\n"), range(7, 2)],
    ["an edit below", range(5, 2), edit(range(9, 0, 10, 3), ""), range(5, 2)],
    ["text typed before it on its line", range(5, 4), edit(range(5, 1), "xy"), range(5, 6)],
    ["text typed right at it", range(5, 4), edit(range(5, 4), "xy"), range(5, 6)],
    ["a line joined before it", range(5, 4), edit(range(4, 3, 5, 0), ""), range(4, 7)],
    ["a deletion through it", range(5, 4), edit(range(5, 2, 5, 6), ""), null],
    ["an edit inside it", range(5, 0, 7, 3), edit(range(6, 0, 7, 1), "x"), range(5, 0, 6, 3)],
    ["an edit across its start", range(5, 0, 7, 3), edit(range(4, 0, 5, 2), ""), null],
    ["an edit across its end", range(5, 0, 7, 3), edit(range(7, 1, 8, 0), ""), null],
    ["all of it replaced", range(5, 0, 7, 3), edit(range(5, 0, 7, 3), "x"), null],
    ["text typed at its start", range(5, 2, 5, 4), edit(range(5, 2), "x"), range(5, 3, 5, 5)],
    ["text typed at its end", range(5, 2, 5, 4), edit(range(5, 4), "x"), range(5, 2, 5, 4)],
    ["CRLF text before it", range(5, 2), edit(range(4, 0), "a\r\nb\r\n"), range(7, 2)],
  ])("%s", (_, before, change, after) => {
    expect(reanchor(before, [change])).toEqual(after);
  });

  it("takes the edits of an event in any order", () => {
    const anchor = new Anchor(range(5, 6));
    anchor.documentChanged([edit(range(5, 0), "// "), edit(range(5, 2), "ab"), edit(range(1, 0), "\n")]);
    expect(anchor.range).toEqual(range(6, 11));
    anchor.documentChanged([edit(range(0, 0, 9, 0), "")]);
    expect(anchor.range).toBeNull();
  });

  it("finds the same text again wherever it goes", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "\n"), maxLength: 30 });
    fc.assert(
      fc.property(text, text, fc.array(fc.tuple(fc.nat(80), fc.nat(10), text), { maxLength: 5 }), (before, after, changes) => {
        let current = `${before}<MARK>${after}`;
        const view = () => new TextDocument(current);
        let anchor: Range | null = { start: view().positionAt(before.length), end: view().positionAt(before.length + 6) };
        for (const [at, length, inserted] of changes) {
          const start = Math.min(at, current.length);
          const end = Math.min(start + length, current.length);
          anchor = anchor && reanchor(anchor, [edit({ start: view().positionAt(start), end: view().positionAt(end) }, inserted)]);
          current = current.slice(0, start) + inserted + current.slice(end);
        }
        if (!current.includes("<MARK>")) return;
        expect(anchor).toEqual({ start: view().positionAt(current.indexOf("<MARK>")), end: view().positionAt(current.indexOf("<MARK>") + 6) });
      }),
    );
  });
});

describe("TextDocument", () => {
  it("knows its places, with CRLF", () => {
    const document = new TextDocument("ab\r\ncd\r\n");
    expect([document.eol, document.lineCount, document.lineAt(1)]).toEqual(["\r\n", 3, "cd"]);
    expect(document.offsetAt({ line: 1, character: 1 })).toBe(5);
    expect(document.positionAt(5)).toEqual({ line: 1, character: 1 });
    expect(toDocumentText("a\nb\r\nc", "\r\n")).toBe("a\r\nb\r\nc");
    expect(endOf({ line: 2, character: 3 }, "a\r\nbc")).toEqual({ line: 3, character: 2 });
  });
});

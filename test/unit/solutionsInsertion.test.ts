// Where solutions go: at the cursor or after what was selected, through edits, undo, a second insertion, closing and reload.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LoadResult, ModelInfo } from "../../protocol/worker";
import { TextDocument, type Position, type Range, type TextEdit } from "../../extension/completion/document";
import { insertionOf, InsertionPoint, textIn } from "../../extension/solutions/insertion";
import { leadIn, placeOf, withLead } from "../../extension/solutions/place";
import { RecentPlaces } from "../../extension/completion/recentPlaces";
import { longestPrompt, solutionsPrompt } from "../../extension/solutions/prompt";

const at = (line: number, character: number): Position => ({ line, character });
const range = (start: Position, end = start): Range => ({ start, end });
const python = (text: string): TextDocument => new TextDocument(text, { languageId: "python" });

/** A document that is edited, with a point that follows it. */
class Editor {
  document: TextDocument;

  constructor(private text: string, readonly point: InsertionPoint, private readonly languageId = "typescript") {
    this.document = new TextDocument(text, { languageId });
  }

  edit(edit: TextEdit): void {
    const [start, end] = [this.document.offsetAt(edit.range.start), this.document.offsetAt(edit.range.end)];
    this.text = this.text.slice(0, start) + edit.text + this.text.slice(end);
    this.document = new TextDocument(this.text, { languageId: this.languageId });
    this.point.documentChanged([edit]);
  }

  insert(solution: string): string | null {
    const target = this.point.target(this.document);
    if ("refusal" in target) return target.refusal;
    const insertion = insertionOf(solution, this.point.lead, this.document, target);
    this.point.expect(insertion);
    this.edit(insertion);
    this.point.settle(true);
    return null;
  }

  get all(): string {
    return this.text;
  }
}

const editor = (text: string, position: Position, lead = ""): Editor => new Editor(text, new InsertionPoint({ position, lead }));

/** An editor with the cursor at ‸. */
function editorAt(marked: string, languageId?: string): Editor {
  const before = marked.slice(0, marked.indexOf("‸")).split("\n");
  const position = at(before.length - 1, before.at(-1)?.length ?? 0);
  return new Editor(marked.replace("‸", ""), new InsertionPoint({ position, lead: "" }), languageId);
}

const target = { parameters: 1e9 } as ModelInfo;

describe("placeOf", () => {
  it("is the cursor without a selection, and its end where only blank is selected", () => {
    expect(placeOf(python("a\nb"), range(at(1, 0)))).toEqual({ position: at(1, 0), lead: "" });
    expect(placeOf(python("a\n  \nb"), range(at(1, 0), at(2, 0)))).toEqual({ position: at(2, 0), lead: "" });
  });

  it("is right after a selected signature, whole lines included", () => {
    expect(placeOf(python("def f(x):\n\n"), range(at(0, 0), at(1, 0)))).toEqual({ position: at(0, 9), lead: "" });
  });

  it("is on the line after a selected comment, at its indentation", () => {
    const document = python("def f():\n    # sort by name\n    # then by age\nx = 1");
    expect(placeOf(document, range(at(1, 0), at(3, 0)))).toEqual({ position: at(2, 17), lead: "\n    " });
    expect(placeOf(python("  # sort\n  "), range(at(0, 2), at(0, 8)))).toEqual({ position: at(1, 2), lead: "" });
    expect(placeOf(new TextDocument("/* sort */", { languageId: "c" }), range(at(0, 0), at(0, 10))).lead).toBe("\n");
  });

  it("gives the model the lead, and the view what stands before the point", () => {
    const text = "# sort\r\nx = 1\r\n";
    const { document, cursor } = withLead(python(text), text, placeOf(python(text), range(at(0, 0), at(0, 6))));
    expect([document.lineAt(0), document.lineAt(1), document.lineAt(2), document.eol]).toEqual(["# sort", "", "x = 1", "\r\n"]);
    expect(cursor).toEqual(at(1, 0));
    expect(leadIn(document, cursor)).toBe("# sort\n");
  });
});

describe("InsertionPoint", () => {
  it("follows edits before it, stays with edits after it, and is gone with the text around it", () => {
    const before = editor("one\ntwo\nthree", at(1, 3));
    before.edit({ range: range(at(0, 0)), text: "zero\n" });
    before.edit({ range: range(at(3, 0), at(3, 5)), text: "3" });
    expect(before.insert("!")).toBeNull();
    expect(before.all).toBe("zero\none\ntwo!\n3");
    const inside = editor("one\ntwo\nthree", at(1, 3));
    inside.edit({ range: range(at(0, 1), at(2, 1)), text: "" });
    expect(inside.insert("!")).toMatch(/nothing was inserted/);
    expect(inside.all).toBe("ohree");
  });

  it("puts text typed at the point before the solution", () => {
    const typed = editor("a = ", at(0, 4));
    typed.edit({ range: range(at(0, 4)), text: "f(" });
    typed.insert("x)");
    expect(typed.all).toBe("a = f(x)");
  });

  it("replaces the solution inserted before, after an undo starts again, and leaves what the user made of it alone", () => {
    const twice = editor("f:\nend", at(0, 2));
    twice.insert("\n  one\n  two");
    twice.insert("\n  three");
    expect(twice.all).toBe("f:\n  three\nend");
    twice.edit({ range: range(at(0, 2), at(1, 7)), text: "" });
    twice.insert("\n  four");
    expect(twice.all).toBe("f:\n  four\nend");
    twice.edit({ range: range(at(1, 3)), text: "x" });
    expect(twice.insert("\n  five")).toMatch(/edited since/);
    expect(twice.all).toBe("f:\n  fxour\nend");
  });

  it("knows what an undo brings back, and a redo, so that the next solution takes its place", () => {
    const edited = editor("a(", at(0, 2));
    edited.insert("one");
    edited.insert("two\n)");
    edited.edit({ range: range(at(0, 2), at(1, 1)), text: "one" }); // undo
    edited.insert("three");
    expect(edited.all).toBe("a(three");
    edited.edit({ range: range(at(0, 2), at(0, 7)), text: "one" }); // undo, undo
    edited.edit({ range: range(at(0, 2), at(0, 5)), text: "" });
    expect(edited.point.target(edited.document)).toEqual({ range: range(at(0, 2)), replaces: null });
    edited.edit({ range: range(at(0, 2)), text: "one" }); // redo
    edited.insert("four");
    expect(edited.all).toBe("a(four");
  });

  it("writes the document's line ends, the lead, and no blank where nothing follows", () => {
    const crlf = editor("# a\r\nb", at(0, 3), "\n");
    crlf.insert("x\ny\n");
    expect(crlf.all).toBe("# a\r\nx\r\ny\r\nb");
    const middle = editor("f()", at(0, 2));
    middle.insert("x, ");
    expect(middle.all).toBe("f(x, )");
  });

  it("is found again after closing or a reload, unless it is not there or there twice", () => {
    const closed = new InsertionPoint({ position: at(1, 1), lead: "" });
    closed.documentClosed(new TextDocument("a\nb\nc"));
    expect(closed.target(new TextDocument("new\na\nb\nc"))).toMatchObject({ range: range(at(2, 1)) });
    const reloaded = (text: string) => new InsertionPoint({ before: "a\nb", line: 1 }).target(new TextDocument(text));
    expect(reloaded("x\nx\na\nb\n")).toMatchObject({ range: range(at(3, 1)) });
    expect(reloaded("x\na\nb\na\nb")).toMatchObject({ refusal: expect.any(String) as string });
    expect(reloaded("a")).toMatchObject({ refusal: expect.any(String) as string });
    const lead = new InsertionPoint({ before: "a\n# c\n  ", line: 2 });
    expect(lead.target(new TextDocument("a\n# c\nend"))).toMatchObject({ range: range(at(1, 3)) });
    expect(lead.lead).toBe("\n  ");
  });

  it("never changes text other than what it inserts, whatever was edited before", () => {
    const position = fc.record({ line: fc.nat(4), character: fc.nat(6) });
    fc.assert(fc.property(position, fc.array(fc.tuple(position, position, fc.constantFrom("", "x", "\n", "ab\ncd")), { maxLength: 6 }), (point, edits) => {
      const start = new TextDocument("one\ntwo\n\nthree\nfour");
      const clamp = (document: TextDocument, { line, character }: Position): Position => {
        const known = Math.min(line, document.lineCount - 1);
        return at(known, Math.min(character, document.lineAt(known).length));
      };
      const edited = editor("one\ntwo\n\nthree\nfour", clamp(start, point));
      for (const [a, b, text] of edits) {
        const [from, to] = [clamp(edited.document, a), clamp(edited.document, b)].sort((p, q) => p.line - q.line || p.character - q.character);
        edited.edit({ range: { start: from!, end: to! }, text });
      }
      const before = edited.all;
      if (edited.insert("<S>") !== null) expect(edited.all).toBe(before);
      else expect(edited.all.replace("<S>", "")).toBe(before);
    }));
  });
});

describe("a solution that writes what stands after the cursor", () => {
  it.each([
    ["a bracket that the editor closed", "return get(‸)\nend", "key)", "return get(key)\nend"],
    ["and goes on after it", "  x = get(‸)\n", "key)\n  if x:\n    y(x)", "  x = get(key)\n  if x:\n    y(x)\n"],
    ["only brackets of its own", "get(‸)", "f(a), [b]", "get(f(a), [b])"],
    ["the bracket but not what is behind it", "get(‸).value;", "key)", "get(key).value;"],
    ["more than stands there", "get(‸);", "key).value;", "get(key).value;"],
    ["a quote and a bracket", 'get("‸")', 'key")', 'get("key")'],
    ["the end of a template", "s = `Hello ${na‸}`;\nend", "me}`;\nconst t = s;", "s = `Hello ${name}`;\nconst t = s;\nend"],
    ["a bracket behind a blank", "const p = { ‸ };", "x: 1 };", "const p = { x: 1 };"],
    ["a block's end on a line of its own", "list.map((x) => {‸});", "\n  return x;\n}", "list.map((x) => {\n  return x;\n});"],
    ["the end of its statement", "const f = ‸;", "(x) => {\n  return x;\n};", "const f = (x) => {\n  return x;\n};"],
    ["the operands after it", "return max(‸, second)", "first, second)", "return max(first, second)"],
    ["nothing of it", "return ‸ + b;", "a", "return a + b;"],
    ["another operand with the same end", "f(‸, b)", "a)", "f(a), b)"],
  ])("%s", (_what, marked, solution, expected) => {
    const edited = editorAt(marked);
    edited.insert(solution);
    expect(edited.all).toBe(expected);
  });

  it("gives it back where another takes its place, or an undo", () => {
    const edited = editorAt("x = get(‸);\nend");
    edited.insert("key)");
    edited.insert("a, b");
    expect(edited.all).toBe("x = get(a, b);\nend");
    edited.insert('"longer");');
    expect(edited.all).toBe('x = get("longer");\nend');
    edited.insert("");
    expect(edited.all).toBe("x = get();\nend");
    edited.insert("once)");
    edited.edit({ range: range(at(0, 8), at(0, 15)), text: ");" });
    edited.insert("anew)");
    expect(edited.all).toBe("x = get(anew);\nend");
  });
});

describe("textIn", () => {
  it("is the text between two places, with the document's line ends", () => {
    expect(textIn(new TextDocument("ab\r\ncd\r\nef"), { start: at(0, 1), end: at(2, 1) })).toBe("b\r\ncd\r\ne");
  });
});

describe("solutionsPrompt", () => {
  const input = { document: python("def f():\n  \nend"), cursor: at(1, 2), maxTokens: 64, places: null, count: async (text: string) => text.length };

  it("is in two parts where the model can fill in, else the text before", async () => {
    expect(await solutionsPrompt({ ...input, loaded: { contextTokens: 512, fim: true, target } })).toMatchObject({ prompt: { kind: "fim", prefix: "def f():\n  ", suffix: "\nend" }, context: { linePrefix: "  ", multiline: true } });
    expect(await solutionsPrompt({ ...input, loaded: { contextTokens: 512, fim: false, target } })).toMatchObject({ prompt: { kind: "text", text: "def f():\n  " } });
    expect(await solutionsPrompt({ ...input, document: python(""), cursor: at(0, 0), loaded: { contextTokens: 512, fim: true, target } })).toBeNull();
  });

  it("fits the context", async () => {
    const document = python("x = 1\n".repeat(1000));
    const asked = await solutionsPrompt({ ...input, document, cursor: at(900, 0), loaded: { contextTokens: 512, fim: false, target } });
    expect(asked?.prompt).toMatchObject({ kind: "text" });
    expect((asked?.prompt as { text: string }).text.length).toBeLessThanOrEqual(512 - 64);
  });

  it("is cut to what there is time for, and says so where that leaves something out", async () => {
    const long = { ...input, document: python("x = 1\n".repeat(1000)), cursor: at(900, 0), loaded: { contextTokens: 4096, fim: false, target } };
    const [whole, cut] = [await solutionsPrompt(long), await solutionsPrompt({ ...long, longest: 256 })];
    expect(whole?.notices).toBeUndefined();
    expect((cut?.prompt as { text: string }).text.length).toBeLessThan((whole?.prompt as { text: string }).text.length / 2);
    expect(cut?.notices).toEqual([expect.stringMatching(/only what is near/)]);
    expect((await solutionsPrompt({ ...input, loaded: long.loaded, longest: 256 }))?.notices).toBeUndefined();
    // A token a character: the context cuts it, not the time.
    for (const longest of [4_000, 11_585]) expect((await solutionsPrompt({ ...long, longest }))?.notices).toBeUndefined();
  });

  it("has two fifths of a run's time, and no limit where that has none", () => {
    const speed = { longest: (_: unknown, ms: number) => ms };
    expect(longestPrompt(speed, {} as LoadResult, 20_000)).toBe(8_000);
    expect(longestPrompt(speed, {} as LoadResult, null)).toBe(Infinity);
  });

  it("shows the model places in other files, and leaves the file's own part what they do not need", async () => {
    const places = new RecentPlaces();
    places.visit(new TextDocument("export function areaOfCircle(radius) {\n  return Math.PI * radius * radius;\n}\n", { uri: "file:///shapes.ts", languageId: "typescript" }), 0);
    const document = new TextDocument("const area = areaOf(2);\n".repeat(400), { uri: "file:///main.ts", languageId: "typescript" });
    const build = async (of: RecentPlaces | null) => {
      const asked = await solutionsPrompt({ ...input, document, cursor: at(400, 0), places: of, count: async (text) => Math.ceil(text.length / 3), loaded: { contextTokens: 2048, fim: true, target } });
      return (asked?.prompt as { prefix: string }).prefix;
    };
    const [without, with_] = [await build(null), await build(places)];
    expect(with_).toContain("// From shapes.ts:\n// export function areaOfCircle(radius) {");
    expect(without).not.toContain("areaOfCircle");
    const lines = (prefix: string) => prefix.split("const area").length;
    expect(lines(without) - lines(with_)).toBeLessThan(8);
    expect(lines(without)).toBeGreaterThan(100);
  });
});

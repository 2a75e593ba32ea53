import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ContextBuilder, type CompletionContext } from "../../../extension/completion/context";
import { TextDocument } from "../../../extension/completion/document";
import { buildPrompt, fitPrompt, needsCount, promptChars } from "../../../extension/completion/prompt";
import { RecentPlaces } from "../../../extension/completion/recentPlaces";
import { contextBudget, TokenEstimate } from "../../../extension/completion/tokens";

const BUDGET = { prefix: 200, suffix: 50, places: 200 };
const build = (text: string, line: number, character: number, builder = new ContextBuilder()): CompletionContext =>
  builder.build(new TextDocument(text, { uri: "file:///a.ts", languageId: "typescript" }), { line, character }, new TokenEstimate(), BUDGET);

describe("buildPrompt", () => {
  it("gives prefix and suffix where the model takes them", () => {
    expect(buildPrompt(build("a(\n)", 0, 2), true)).toEqual({ kind: "fim", prefix: "a(", suffix: "\n)" });
  });

  it("gives the text before the cursor otherwise", () => {
    expect(buildPrompt(build("a(\n)", 0, 2), false)).toEqual({ kind: "text", text: "a(" });
  });

  it("has LF only, and keeps tabs", () => {
    expect(buildPrompt(build("if (a) {\r\n\tb\r\n}\r\n", 1, 2), true)).toEqual({ kind: "fim", prefix: "if (a) {\n\tb", suffix: "\n}\n" });
  });

  it("is nothing where there is nothing to continue", () => {
    expect(buildPrompt(build("\n\n", 1, 0), true)).toBeNull();
    expect(buildPrompt(build("\nrest", 0, 0), false)).toBeNull();
  });

  it("begins with places in other files", () => {
    const recent = new RecentPlaces();
    recent.visit(new TextDocument("export function area(radius) {\n  return radius * radius;\n}\n", { uri: "file:///src/circle.ts" }), 1);
    const prompt = buildPrompt(build("area(", 0, 5, new ContextBuilder(recent)), false);
    expect(prompt).toEqual({ kind: "text", text: "// From circle.ts:\n// export function area(radius) {\n//   return radius * radius;\n// }\narea(" });
  });
});

describe("ContextBuilder", () => {
  it("keeps the places of a prompt while the window stays", () => {
    const recent = new RecentPlaces();
    const builder = new ContextBuilder(recent);
    expect(build("const x = 1", 0, 5, builder).places).toBe("");
    recent.visit(new TextDocument("export const somethingElse = 'a long enough text';", { uri: "file:///b.ts" }), 0);
    expect(build("const x = 1", 0, 6, builder).places).toBe("");
    builder.forget("file:///a.ts");
    expect(build("const x = 1", 0, 6, builder).places).toContain("somethingElse");
  });

  it("follows edits above its window", () => {
    const builder = new ContextBuilder();
    const text = Array.from({ length: 300 }, (_, at) => `line ${at}`);
    const first = build(text.join("\n"), 250, 0, builder);
    builder.documentChanged("file:///a.ts", [{ range: { start: { line: 3, character: 0 }, end: { line: 3, character: 0 } }, text: "new\nlines\n" }]);
    const second = build([...text.slice(0, 3), "new", "lines", ...text.slice(3)].join("\n"), 252, 0, builder);
    expect(second.startLine).toBe(first.startLine + 2);
    expect(second.prefix).toBe(first.prefix);
  });

  it("sees the item selected in the suggest widget as written", () => {
    const context = new ContextBuilder().build(new TextDocument("console.lo;"), { line: 0, character: 10 }, new TokenEstimate(), BUDGET, {
      range: { start: { line: 0, character: 8 }, end: { line: 0, character: 10 } },
      text: "log",
    });
    expect(context).toMatchObject({ linePrefix: "console.log", lineSuffix: ";", prefix: "console.log", position: { line: 0, character: 11 } });
  });
});

describe("budgets", () => {
  it("leaves room for the completion", () => {
    const { prefix, suffix, places } = contextBudget({ contextTokens: 2_048, maxTokens: 256, promptTokens: 100_000, fim: true });
    expect(prefix + suffix + places).toBeLessThan(2_048 - 256);
    expect(suffix).toBeLessThanOrEqual(192);
  });

  it("gives a short prompt to the file alone, and a model without fill-in-the-middle no suffix", () => {
    expect(contextBudget({ contextTokens: 2_048, maxTokens: 64, promptTokens: 400, fim: false })).toEqual({ prefix: 400, suffix: 0, places: 0 });
  });

  it("learns the characters of a token, in steps", () => {
    const estimate = new TokenEstimate();
    const first = estimate.charsPerToken;
    estimate.observe(1_000, { promptTokens: 1_000 / (first * 1.05) });
    expect(estimate.charsPerToken).toBe(first);
    for (let turn = 0; turn < 10; turn++) estimate.observe(4_000, { promptTokens: 1_000 });
    expect(estimate.charsPerToken).toBeGreaterThan(3.6);
  });

  it("is never exceeded by a prompt", () => {
    const places = new RecentPlaces();
    for (let at = 0; at < 10; at++) places.visit(new TextDocument(`function f${at}() {\n  return ${"x".repeat(30)} + ${at};\n}`, { uri: `file:///${at}.ts` }), 0);
    fc.assert(
      fc.property(fc.string({ maxLength: 4_000 }), fc.nat(4_000), fc.integer({ min: 64, max: 4_096 }), fc.boolean(), (text, at, promptTokens, fim) => {
        const document = new TextDocument(text);
        const estimate = new TokenEstimate();
        const budget = contextBudget({ contextTokens: 4_096, maxTokens: 256, promptTokens, fim });
        const context = new ContextBuilder(places).build(document, document.positionAt(at), estimate, budget);
        const prompt = buildPrompt(context, fim);
        if (prompt) expect(promptChars(prompt) / estimate.charsPerToken).toBeLessThanOrEqual(promptTokens);
      }),
      { numRuns: 100 },
    );
  });
});

describe("fitPrompt", () => {
  const count = async (text: string) => text.length;

  it("cuts whole lines from the prefix's front, by exact count", async () => {
    const prompt = { kind: "fim", prefix: "aaaa\nbbbb\ncccc", suffix: "\n}" } as const;
    expect(needsCount(prompt, new TokenEstimate(), 4)).toBe(true);
    expect(await fitPrompt(prompt, 12, count)).toEqual({ kind: "fim", prefix: "bbbb\ncccc", suffix: "\n}" });
  });

  it("always ends within the limit", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 300 }), fc.string({ maxLength: 100 }), fc.integer({ min: 1, max: 100 }), async (prefix, suffix, limit) => {
        expect(promptChars(await fitPrompt({ kind: "fim", prefix, suffix }, limit, count))).toBeLessThanOrEqual(limit);
      }),
    );
  });
});

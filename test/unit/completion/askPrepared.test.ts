// Prompts on a machine that computes them slowly: short ones at once, the whole window where it is computed.
import { describe, expect, it } from "vitest";
import { AskBuilder, type AskInput, type AskSettings } from "../../../extension/completion/askBuilder";
import type { Ask } from "../../../extension/completion/completer";
import { TextDocument } from "../../../extension/completion/document";
import { RecentPlaces } from "../../../extension/completion/recentPlaces";
import { typedBetween } from "../../../extension/completion/requestKey";
import type { GenerateResult, LoadResult, Prompt } from "../../../protocol/worker";

const settings: AskSettings = {
  candidates: 8, maxTokens: 256, temperature: 0.6, topP: 0.95, draftLength: "auto", contextTokens: 8_192, debounce: 100, preparePrompts: true,
};
const loaded = { target: { path: "/m/a.gguf", parameters: 1e9 }, draft: {}, lanes: 8, contextTokens: 8_192, fim: true } as LoadResult;
const BEFORE = Array.from({ length: 400 }, (_, line) => `const value${line} = compute(${line}, 2, 3);\n`).join("");
const AFTER = ";\nexport { value1 };\n";

/** Two hundred tokens a second. */
const slow = {
  longest: (_: unknown, ms: number) => Math.max(256, ms / 5),
  ms: (_: unknown, tokens: number) => tokens * 5,
};
const fast = { longest: () => Infinity, ms: (_: unknown, tokens: number) => tokens / 10 };

function make(speed: typeof slow = slow, changes: Partial<AskSettings> = {}, count = async (text: string) => Math.ceil(text.length / 3)) {
  const recent = new RecentPlaces();
  const asks = new AskBuilder(recent, count, speed);
  const at = async (typed = "", more: Partial<AskInput> = {}): Promise<Ask> => {
    const document = new TextDocument(BEFORE + typed + AFTER, { uri: "file:///a.ts", languageId: "typescript" });
    const cursor = document.positionAt(BEFORE.length + typed.length);
    const ask = await asks.build({ document, cursor, selected: undefined, kind: "automatic", shapedAs: "automatic", loaded, settings: { ...settings, ...changes }, ...more });
    return ask!;
  };
  return { asks, at, recent };
}

const before = (prompt: Prompt | undefined): string => (prompt?.kind === "fim" ? prompt.prefix : "");
/** Computes what is worth it, one after the other, up to the whole window: its prompt. */
function prepare(asks: AskBuilder): Prompt {
  for (let last: Prompt | null = null, times = 0; times < 3; times++) {
    const next = asks.ahead();
    if (!next) return last!;
    asks.noteComputed((last = next.prompt));
  }
  throw new Error("it is never computed");
}
/** Computes the short prompt, unless it is: the whole one, which is worth it then. */
function prepareShort(asks: AskBuilder): Prompt {
  const { prompt } = asks.ahead()!;
  if (before(prompt).length > 1_000) return prompt;
  asks.noteComputed(prompt);
  return asks.ahead()!.prompt;
}
const written = (steps = 3) => ({ totals: { promptTokens: 10, steps } }) as GenerateResult;

describe("AskBuilder, prepared", () => {
  it("asks with a short prompt, names that and then the whole window as worth computing, and asks with it once it is computed", async () => {
    const { asks, at } = make();
    const first = await at("const a = ");
    expect(before(first.prompt).length).toBeLessThan(1_000);
    expect(asks.ahead()?.prompt).toEqual({ ...first.prompt, suffix: "" });
    asks.learn({ prompt: first.prompt, computed: 1, result: { ...written(), totals: { promptTokens: 0, steps: 3 } } as GenerateResult, firstCandidateMs: 1 });
    const ahead = asks.ahead();
    expect(ahead).toMatchObject({ lanes: 8, draftLength: "auto", sampling: first.sampling, maxTokens: first.shape.maxTokens, prompt: { kind: "fim", suffix: "" } });
    expect(before(ahead?.prompt).length).toBeGreaterThan(5_000);
    expect(before(ahead?.prompt)).toMatch(/^const value\d+[^]*const a = $/);

    asks.noteComputed(ahead!.prompt);
    expect(asks.ahead()).toBeNull();
    const second = await at("const a = b");
    expect(before(second.prompt)).toBe(`${before(ahead?.prompt)}b`);
    // What stands behind the cursor is computed with every request, and is no longer for that.
    expect((second.prompt as { suffix: string }).suffix).toBe((first.prompt as { suffix: string }).suffix);
    expect(asks.ahead()).toBeNull();
  });

  it("whatever its prompt, a request is of the same place", async () => {
    const { asks, at } = make();
    const short = await at("const a = ");
    prepare(asks);
    const long = await at("const a = b");
    expect(typedBetween(short.key, long.key)?.text).toBe("b");
    expect(before(long.prompt).length).toBeGreaterThan(5 * before(short.prompt).length);
  });

  it("a part that is computed is not enough, unless what is left takes about as long as the short prompt", async () => {
    const { asks, at } = make();
    await at("a");
    // The short one is computed by now, so that it would be answered at once.
    const prompt = prepareShort(asks);
    asks.noteComputed(prompt, 0.8);
    expect(before((await at("ab")).prompt).length).toBeLessThan(1_000);
    expect(asks.ahead()).not.toBeNull();
    asks.noteComputed(prompt, 0.97);
    expect(before((await at("abc")).prompt).length).toBeLessThan(1_000);
    asks.noteComputed(prompt, 0.99);
    expect(before((await at("abcd")).prompt).length).toBeGreaterThan(5_000);
  });

  it("a request that wrote has computed its prompt, one that ended before that has not", async () => {
    const { asks, at } = make(fast);
    const { prompt } = await at("a");
    expect(before(prompt).length).toBeGreaterThan(5_000);
    const fresh = asks.ahead();
    expect(before(fresh?.prompt)).toBe(before(prompt)); // a fast machine, too, is spared it when the next request comes
    asks.learn({ prompt, computed: 0, result: written(0), firstCandidateMs: null });
    expect(asks.ahead()).toEqual(fresh);
    asks.learn({ prompt, computed: 1, result: written(), firstCandidateMs: null });
    expect(asks.ahead()).toBeNull();
  });

  it("a request that ended within its prompt tells how much of it the worker holds, whatever it held before", async () => {
    const { asks, at } = make();
    await at("a");
    prepare(asks);
    const { prompt } = await at("ab");
    expect(before(prompt).length).toBeGreaterThan(5_000);
    asks.learn({ prompt, computed: 0.1, result: written(0), firstCandidateMs: null }); // solutions took its room, say
    expect(before((await at("abc")).prompt).length).toBeLessThan(1_000);
    expect(asks.ahead()).not.toBeNull();
  });

  it("where the user looks about, the windows of what was asked last stay, and a request at the place that was prepared finds its own", async () => {
    const { asks, at } = make();
    const document = new TextDocument(BEFORE + AFTER, { uri: "file:///a.ts", languageId: "typescript" });
    const lookAt = async (line: number): Promise<string> => {
      await at("", { document, cursor: { line, character: 0 }, preparing: true });
      return before(prepareShort(asks));
    };
    const line = 395;
    const first = await at("", { document, cursor: { line, character: 0 } });
    prepare(asks);
    const whole = await at("", { document, cursor: { line: line + 1, character: 0 } });
    expect(before(whole.prompt).length).toBeGreaterThan(5_000);
    const elsewhere = await lookAt(150);
    expect(elsewhere.length).toBeGreaterThan(3_000);

    const back = await at("", { document, cursor: { line: line + 2, character: 0 } });
    expect(before(back.prompt).startsWith(before(whole.prompt))).toBe(true);
    asks.noteComputed(back.prompt, 0.1); // lost, so that a short one is asked with
    const short = await at("", { document, cursor: { line: line + 2, character: 0 } });
    expect(before(short.prompt).startsWith(before(first.prompt))).toBe(true);

    expect(await lookAt(150)).toBe(elsewhere);
    asks.noteComputed({ kind: "fim", prefix: elsewhere, suffix: "" });
    const there = await at("", { document, cursor: { line: 152, character: 3 } });
    expect(before(there.prompt).startsWith(elsewhere)).toBe(true);
  });

  it("looking at another file leaves the places of the first as they are", async () => {
    const { at, recent } = make(fast);
    const first = await at("a");
    const other = new TextDocument("export const somethingElse = compute(1, 2);\n", { uri: "file:///b.ts", languageId: "typescript" });
    await at("", { document: other, cursor: { line: 1, character: 0 }, preparing: true });
    recent.visit(other, 0);
    expect(before((await at("ab")).prompt)).toBe(`${before(first.prompt)}b`);
  });

  it("what is prepared is cut as what is asked", async () => {
    const { asks, at } = make({ ...slow, longest: () => Infinity }, {}, async (text) => text.length); // more tokens than anybody expects
    const small = { kind: "explicit", shapedAs: "explicit", loaded: { ...loaded, fim: false, contextTokens: 512 } } as const;
    await at("", small);
    const ask = await at("typed // ".repeat(18), small);
    expect((ask.prompt as { text: string }).text.length).toBeLessThan(256);
    expect(asks.ahead()?.prompt).toEqual(ask.prompt);
  });

  it("where there is nothing to continue, nothing is prepared", async () => {
    const { asks, at } = make();
    await at("a");
    expect(asks.ahead()).not.toBeNull();
    await at("", { document: new TextDocument("", { uri: "file:///b.ts", languageId: "typescript" }), cursor: { line: 0, character: 0 } });
    expect(asks.ahead()).toBeNull();
  });

  it("other models have computed nothing, nor the same loaded anew", async () => {
    const { asks, at } = make();
    await at("a");
    prepare(asks);
    expect(before((await at("ab")).prompt).length).toBeGreaterThan(5_000);
    expect(before((await at("abc", { loaded: { ...loaded } })).prompt).length).toBeLessThan(1_000);
  });

  it("nothing is prepared where the user does not want it, with a seed, or where nothing is known of the machine", async () => {
    for (const changes of [{ preparePrompts: false }, { seed: 7 }]) {
      const { asks, at } = make(slow, changes);
      expect(before((await at("a")).prompt).length).toBeLessThan(1_000);
      expect(asks.ahead()).toBeNull();
    }
    const { asks, at } = make({ longest: () => Infinity, ms: () => null as never });
    expect(before((await at("a")).prompt).length).toBeGreaterThan(5_000);
    expect(asks.ahead()).toBeNull();
  });

  it("edits above move the windows along", async () => {
    const { asks, at } = make();
    await at("a");
    const { prompt } = asks.ahead()!;
    asks.noteComputed(prompt);
    asks.documentChanged("file:///a.ts", [{ range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } }, text: "// one\n// two\n" }]);
    const document = new TextDocument(`// one\n// two\n${BEFORE}ab${AFTER}`, { uri: "file:///a.ts", languageId: "typescript" });
    const cursor = document.positionAt(document.positionAt(0).character + `// one\n// two\n${BEFORE}ab`.length);
    const ask = await at("", { document, cursor });
    expect(before(ask.prompt)).toBe(`${before(prompt)}b`);
    asks.forget("file:///a.ts");
    asks.documentChanged("file:///a.ts", []);
  });
});

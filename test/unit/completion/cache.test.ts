import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CompletionCache, type Batch } from "../../../extension/completion/cache";
import type { Candidate } from "../../../extension/completion/candidates";
import { isWorthKeeping, matchingLanes } from "../../../extension/completion/inFlight";
import { openedBy, suffixVariants, typedBetween, type RequestKey } from "../../../extension/completion/requestKey";

const key = (prefix: string, suffix = ""): RequestKey => ({ model: "m", uri: "file:///a.ts", languageId: "typescript", prefix, suffix });
const candidate = (text: string, overlap = 0): Candidate => ({ text, overlap, cutOff: false, lanes: [0], meanLogprob: -1, balanced: true });
const batch = (...texts: string[]): Batch => ({ candidates: texts.map((text) => candidate(text)), complete: true, multiline: false });
const textsOf = (hit: { candidates: Candidate[] } | null) => hit?.candidates.map(({ text }) => text);

describe("CompletionCache", () => {
  it("serves the whole batch again for cycling", () => {
    const cache = new CompletionCache();
    cache.put(key("x = "), batch("1;", "2;"));
    expect(textsOf(cache.lookup(key("x = ")))).toEqual(["1;", "2;"]);
  });

  it("follows typing, and deleting back", () => {
    const cache = new CompletionCache();
    cache.put(key("x = "), batch("first();", "second();"));
    expect(textsOf(cache.lookup(key("x = f")))).toEqual(["irst();"]);
    expect(textsOf(cache.lookup(key("x = ")))).toEqual(["first();", "second();"]);
    expect(cache.lookup(key("x = q"))).toBeNull();
    expect(cache.lookup(key("x ="))).toBeNull();
  });

  it.each([
    ["another suffix", key("x = ", "y")],
    ["another file", { ...key("x = "), uri: "file:///b.ts" }],
    ["another model", { ...key("x = "), model: "n" }],
    ["text before it that ends alike", key("\nx = ")],
  ])("knows nothing for %s", (_, other) => {
    const cache = new CompletionCache();
    cache.put(key("x = "), batch("1;"));
    expect(cache.lookup(other)).toBeNull();
  });

  it("finds a batch whose window has moved since", () => {
    const cache = new CompletionCache();
    const text = Array.from({ length: 100 }, (_, at) => `line ${at}`).join("\n");
    cache.put(key(text), batch(" and more"));
    expect(textsOf(cache.lookup(key(`${text.slice(200)} and`)))).toEqual([" more"]);
  });

  it("remembers that nothing came of a request, at its place only", () => {
    const cache = new CompletionCache();
    cache.put(key("x = "), batch());
    expect(cache.lookup(key("x = "))).toMatchObject({ candidates: [] });
    expect(cache.lookup(key("x = 1"))).toBeNull();
  });

  it("leaves out single lines where several are asked for", () => {
    const cache = new CompletionCache();
    cache.put(key("x = "), batch("1;"));
    expect(cache.lookup(key("x = "), { multilineOnly: true })).toBeNull();
  });

  it("merges candidates that typing has made equal", () => {
    const cache = new CompletionCache();
    cache.put(key(""), { ...batch(), candidates: [candidate("ab"), candidate("ab", 1), candidate("ac")] });
    expect(textsOf(cache.lookup(key("a")))).toEqual(["b", "c"]);
  });

  it("forgets the least recently used", () => {
    const cache = new CompletionCache(2);
    for (const prefix of ["a", "b", "c"]) cache.put(key(prefix), batch("1"));
    expect([cache.lookup(key("a")), cache.lookup(key("c"))?.typed]).toEqual([null, ""]);
  });

  it("sees through brackets and quotes that the editor closed", () => {
    const cache = new CompletionCache();
    cache.put(key("x = ", ";"), { ...batch("call(first, [1]) + 1", 'log("text")', "run(() => {\n  go()\n})"), multiline: true });
    expect(cache.lookup(key("x = call(", ");"))?.candidates[0]).toMatchObject({ text: "first, [1]) + 1", overlap: 1 });
    expect(cache.lookup(key("x = log(", ");"))?.candidates[0]).toMatchObject({ text: '"text"', overlap: 0 });
    expect(cache.lookup(key('x = log("', '");'))?.candidates[0]).toMatchObject({ text: "text", overlap: 0 });
    expect(cache.lookup(key("x = run(() => {", "});"))?.candidates[0]).toMatchObject({ text: "\n  go()\n", overlap: 0 });
    expect(cache.lookup(key("x = call", ");"))).toBeNull();
  });

  it("never loses a candidate that is typed through", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 1_000 }), fc.string({ minLength: 1, maxLength: 400 }), fc.constantFrom("", ")", ");\n}"), (prefix, text, suffix) => {
        fc.pre(text.trim() !== "");
        const cache = new CompletionCache();
        cache.put(key(prefix, suffix), batch(text));
        for (let length = 0; length < text.trimEnd().length; length++) {
          const hit = cache.lookup(key(prefix + text.slice(0, length), suffix));
          expect(textsOf(hit)).toContain(text.slice(length));
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe("typedBetween", () => {
  it("says what was typed", () => {
    expect(typedBetween(key("a", "z"), key("abc", "z"))).toEqual({ text: "bc", autoClosed: "" });
    expect(typedBetween(key("", ""), key("abc"))).toEqual({ text: "abc", autoClosed: "" });
    expect(typedBetween(key("f", ""), key("f(", ")"))).toEqual({ text: "(", autoClosed: ")" });
  });

  it("is nothing for deletions, other text and other suffixes", () => {
    expect(typedBetween(key("ab"), key("a"))).toBeNull();
    expect(typedBetween(key("ab"), key("xabc"))).toBeNull();
    expect(typedBetween(key("a", "z"), key("ab", "y"))).toBeNull();
    expect(typedBetween(key("f", ""), key("fx", ")"))).toBeNull();
  });

  it("knows what an editor closes", () => {
    expect(openedBy("f([{")).toBe("}])");
    expect(openedBy("f([1], ")).toBe(")");
    expect(openedBy('"a" + "')).toBe('"');
    expect(suffixVariants(")];x")).toEqual(["", ")", ")]"]);
  });
});

describe("requests in flight", () => {
  const lane = (text: string, finished = false) => ({ lane: 0, text, meanLogprob: null, finishReason: finished ? ("stop" as const) : null });

  it("match while their text and the typed text agree", () => {
    const lanes = [lane("first("), lane("fi"), lane("second"), lane("f", true), lane("")];
    expect(matchingLanes(lanes, "fir").map(({ text }) => text)).toEqual(["first(", "fi"]);
    expect(matchingLanes([lane("  fir")], "f")).toHaveLength(1);
  });

  it("are worth keeping while a lane matches", () => {
    expect(isWorthKeeping(key("x"), key("xf"), [lane("fi")])).toBe(true);
    expect(isWorthKeeping(key("x"), key("xg"), [lane("fi")])).toBe(false);
    expect(isWorthKeeping(key("x"), key("x"), [])).toBe(true);
    expect(isWorthKeeping(key("x"), key("xg"), [])).toBe(false);
    expect(isWorthKeeping(key("x"), key("y"), [lane("fi")])).toBe(false);
    expect(isWorthKeeping(key("x"), key("xf"), [lane("fi"), lane("go")], { least: 2 })).toBe(false);
  });
});

// What octet generate keeps of a prompt that is longer than the context, and what it says about the rest.
import { describe, expect, it } from "vitest";
import type { LoadResult, Prompt } from "../../protocol/worker";
import { fitToContext, type FitOptions, type Fitted } from "../../extension/cli/fit";
import { LOADED } from "./solutionsFakes";

const trained = (trainedContext: number) => ({ ...LOADED.target, trainedContext });
const loaded: LoadResult = { ...LOADED, target: trained(100), draft: null, contextTokens: 100, cacheTokens: 1000, lanes: 8, fim: true };
const options: FitOptions = { lanes: 8, maxTokens: 20, maxTokensGiven: false, context: 0, oneText: true };
/** A token is a character. */
const perCharacter = async (text: string): Promise<number> => [...text].length;
const fit = (prompt: Prompt, given: Partial<FitOptions> = {}, by: Partial<LoadResult> = {}, count = perCharacter): Promise<Fitted> =>
  fitToContext(prompt, { ...loaded, ...by }, { ...options, ...given }, count);
const text = (content: string): Prompt => ({ kind: "text", text: content });
const fim = (prefix: string, suffix: string): Prompt => ({ kind: "fim", prefix, suffix });
/** Lines "l00......\n" of ten characters. */
const lines = (count: number, first = 0): string =>
  Array.from({ length: count }, (_, at) => `l${String(first + at).padStart(2, "0")}......\n`).join("");

describe("a prompt that fits", () => {
  it.each([["a text", text("x".repeat(80))], ["prefix and suffix", fim("x".repeat(40), "y".repeat(37))], ["an empty suffix", fim("x".repeat(77), "")]])(
    "%s: is given as it stands, to the last token", async (_what, prompt) => {
      expect(await fit(prompt)).toEqual({ prompt, notice: null });
    });
  it("keeps its characters whatever they are", async () => {
    const prompt = fim("a\r\n\tb  ", "\r\n}\r\n");
    expect((await fit(prompt)).prompt).toBe(prompt);
  });
  it("is given as it stands where each token is long", async () => {
    const prompt = text("x".repeat(70 * 200));
    expect(await fit(prompt, {}, {}, async (content) => Math.ceil(content.length / 200))).toEqual({ prompt, notice: null });
  });
  it("is the worker's to refuse where the model cannot fill in", async () => {
    const prompt = fim(lines(50), "");
    expect(await fit(prompt, {}, { fim: false })).toEqual({ prompt, notice: null });
  });
});

describe("a text that does not fit", () => {
  it("is cut to its end, at the start of a line", async () => {
    expect(await fit(text(lines(20)))).toEqual({
      prompt: text(lines(7, 13)),
      notice: "The prompt was cut to its last 70 tokens (lines 14 to 20 of 20): the context holds 100, 20 of them for the completions.",
    });
    expect((await fit(text(`${lines(20)}last`))).notice).toMatch(/its last 74 tokens \(lines 14 to 21 of 21\)/);
  });
  it("is cut when one token is too many", async () => {
    expect((await fit(text(`x${lines(8)}`))).notice).toMatch(/its last 70 tokens \(lines 2 to 8 of 8\)/);
  });
  it("is cut within a line that is too long, at a whole character", async () => {
    const { prompt, notice } = await fit(text("😀".repeat(200)), {}, {}, async (content) => content.length);
    expect(prompt).toEqual(text("😀".repeat(39)));
    expect(notice).toMatch(/its last 78 tokens \(line 1 of 1, in part\)/);
    const minified = await fit(text(`${"x".repeat(500)}\n}\n`));
    expect(minified.prompt).toEqual(text(`${"x".repeat(76)}\n}\n`));
    expect(minified.notice).toMatch(/\(lines 1 to 2 of 2, the first in part\)/);
  });
  it("takes what fits where tokens are long, and does not count all of a long text", async () => {
    const counted: number[] = [];
    const long = "x".repeat(30).concat("\n").repeat(1_000_000);
    const { prompt } = await fit(text(long), {}, {}, async (content) => {
      counted.push(content.length);
      return Math.ceil(content.length / 31);
    });
    expect(prompt).toEqual(text(long.slice(-79 * 31)));
    expect(Math.max(...counted)).toBeLessThan(10_000);
  });
});

describe("the text around a place that does not fit", () => {
  it("is the end of what is before it, and for a quarter the start of what is after it", async () => {
    expect(await fit(fim(lines(20), lines(20, 20)))).toEqual({
      prompt: fim(lines(6, 14), lines(1, 20)),
      notice: "The prompt was cut to the last 60 tokens before the completion (lines 15 to 20 of 40) and the first 10 tokens after it " +
        "(line 21 of 40): the context holds 100, 20 of them for the completions.",
    });
  });
  it("gives one side what the other does not need", async () => {
    expect(await fit(fim("l00...", `...\n${lines(20, 1)}`))).toEqual({
      prompt: fim("l00...", `...\n${lines(6, 1)}`),
      notice: "The prompt was cut to the 6 tokens before the completion and the first 64 tokens after it (lines 1 to 7 of 21): " +
        "the context holds 100, 20 of them for the completions.",
    });
    expect((await fit(fim(lines(20), "}\n"))).prompt).toEqual(fim(lines(7, 13), "}\n"));
  });
  it("may lie at the very start or end", async () => {
    expect((await fit(fim("", lines(20)))).notice).toMatch(/^The prompt was cut to the first 70 tokens after the completion \(lines 1 to 7 of 20\): /);
    expect((await fit(fim(lines(20), ""))).notice).toMatch(/^The prompt was cut to the last 70 tokens before the completion \(lines 14 to 20 of 20\): /);
  });
  it("has lines of its own where what follows is another text", async () => {
    expect((await fit(fim(lines(20), lines(30)), { oneText: false })).notice)
      .toMatch(/before the completion \(lines 15 to 20 of 20\) and the first 10 tokens after it \(line 1 of 30\)/);
    expect((await fit(fim(lines(20), "y".repeat(90)), { oneText: false })).notice).toMatch(/the first 19 tokens after it \(line 1 of 1, in part\)/);
  });
});

describe("the room that is left for completions", () => {
  const leaves = async (given: Partial<FitOptions>, by: Partial<LoadResult> = {}): Promise<string | undefined> =>
    /holds (.*)\./.exec((await fit(text(lines(40)), given, by)).notice ?? "")?.[1];

  it("is at most half of the context, or three quarters where so much is asked for", async () => {
    expect(await leaves({ maxTokens: 128 })).toBe("100, 50 of them for the completions");
    expect(await leaves({ maxTokens: 60, maxTokensGiven: true })).toBe("100, 60 of them for the completions");
    expect(await leaves({ maxTokens: 5000, maxTokensGiven: true })).toBe("100, 75 of them for the completions");
  });
  it("is no more than the cache has for every lane", async () => {
    expect(await leaves({ maxTokens: 60, maxTokensGiven: true }, { cacheTokens: 310 })).toBe("100, 30 of them for the completions");
    expect(await leaves({ lanes: 1, maxTokens: 60, maxTokensGiven: true }, { cacheTokens: 110 })).toBe("100, 60 of them for the completions");
  });
  it("costs a prompt nothing that fits beside that much", async () => {
    expect((await fit(text("x".repeat(49)), { maxTokens: 128 })).notice).toBeNull();
    expect((await fit(text("x".repeat(51)), { maxTokens: 128 })).notice).not.toBeNull();
  });
  it("is refused in one line where the context holds no prompt", async () => {
    await expect(fit(text("ab"), { maxTokens: 1 }, { contextTokens: 2 })).rejects.toThrow("A context of 2 tokens has no room for a prompt");
    await expect(fit(fim("ab", "c"), {}, { contextTokens: 4 })).rejects.toThrow("A context of 4 tokens has no room for a prompt");
    await expect(fit(text("漢漢"), {}, { contextTokens: 6 }, async (content) => 3 * content.length)).rejects.toThrow(/no room/);
  });
});

describe("the advice", () => {
  const advice = async (given: Partial<FitOptions>, by: Partial<LoadResult>): Promise<string> =>
    (await fit(text(lines(40)), given, by)).notice?.split("completions.")[1] ?? "";

  it("is to raise --context where the models can hold more", async () => {
    expect(await advice({}, { target: trained(32_768) })).toBe(" Raise --context for more; these models hold up to 32,768.");
    expect(await advice({ context: 100 }, { target: trained(32_768), draft: trained(4096) })).toBe(" Raise --context for more; these models hold up to 4,096.");
  });
  it("is none where they cannot, or where memory is short", async () => {
    expect(await advice({}, {})).toBe("");
    expect(await advice({}, { target: trained(32_768), draft: trained(100) })).toBe("");
    expect(await advice({ context: 2048 }, { target: trained(32_768) })).toBe("");
  });
});

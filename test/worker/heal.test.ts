// Token healing through a real worker: completions that go on within a word, whatever tokens the vocabulary cuts it into.

import { beforeEach, expect, it } from "vitest";
import type { WorkerClient } from "../../extension/worker/client";
import type { GenerateParams, Prompt } from "../../protocol/worker";
import { addons, request, startLoaded, useWorkerBundle } from "./harness";

useWorkerBundle();
const real = addons.find(({ name }) => name === "real");

const code = "export function parse(text: string): number[] {\n  const found: number[] = [];\n  if (text === \"\") re";
let client: WorkerClient;

async function write(prompt: Prompt, changes: Partial<GenerateParams> = {}): Promise<string[]> {
  const params = request({ prompt, maxTokens: 12, stop: ["\n"], draftLength: "auto", sampling: { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1 }, ...changes });
  return (await client.generate(params)).sequences.map(({ text }) => text);
}

beforeEach(async () => {
  if (real) client = await startLoaded(real);
});

it.skipIf(!real)("goes on within a word", async () => {
  const [healed] = await write({ kind: "text", text: code }, { heal: true });
  expect(healed).toMatch(/^turn\b/);
  const [asItStands] = await write({ kind: "text", text: code });
  expect(asItStands).not.toMatch(/^turn\b/); // else this test shows nothing
});

it.skipIf(!real)("every lane, in the text behind the cursor alone: what is there already is in no lane, and no stop string is sought in it", async () => {
  const lanes = await write({ kind: "text", text: code }, { heal: true, stop: ["re", "\n"], sampling: { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 3 } });
  expect(lanes.filter((text) => /^turn\b/.test(text)).length).toBeGreaterThan(4);
  expect(lanes.filter((text) => text.includes("re"))).toEqual([]);
});

it.skipIf(!real)("with what follows the cursor, too", async () => {
  const prompt: Prompt = { kind: "fim", prefix: "const a = 1;\ncons", suffix: ";\n}\n" };
  expect((await write(prompt, { heal: true }))[0]).toMatch(/^t\b/);
  expect((await write(prompt))[0]).not.toMatch(/^t\b/);
});

it.skipIf(!real)("counts the tokens it writes anew as the lane's own", async () => {
  const params = request({ prompt: { kind: "text", text: code }, maxTokens: 5, lanes: 3, heal: true });
  const { sequences, totals } = await client.generate(params);
  expect(sequences.map(({ tokens, tokenLogprobs }) => [tokens.length, tokenLogprobs.length])).toEqual([[5, 5], [5, 5], [5, 5]]);
  expect(totals.tokens).toBe(15);
  expect(totals.promptTokens).toBe((await client.tokenize(code)).tokens.length);
});

it.skipIf(!real)("leaves prompts of tokens, and prompts to be scored, as they are", async () => {
  const { tokens } = await client.tokenize(code);
  expect(await write({ kind: "tokens", tokens }, { heal: true })).toEqual(await write({ kind: "tokens", tokens }));
  const scored = await client.generate(request({ prompt: { kind: "text", text: code }, lanes: 1, maxTokens: 1, score: "target", heal: true }));
  expect(scored.promptLogprobs).toHaveLength(tokens.length - 1);
});

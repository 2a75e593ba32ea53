// Requests that measure: a prompt computed anew, and a text scored by target and draft.

import { expect, it } from "vitest";
import { addons, request, start, startLoaded, useWorkerBundle } from "./harness";

useWorkerBundle();

const real = addons.find(({ name }) => name === "real");
const prompt = { kind: "text", text: "def area(width, height):\n    return width *" } as const;

it.skipIf(!real)("computes a prompt anew where that is asked for", async () => {
  if (!real) return;
  const client = await startLoaded(real);
  const reused = async (freshPrompt?: boolean): Promise<number> =>
    (await client.generate(request({ prompt, lanes: 2, maxTokens: 4, freshPrompt }))).totals.reusedTokens;
  expect(await reused()).toBe(0);
  expect(await reused()).toBeGreaterThan(5);
  expect(await reused(true)).toBe(0);
  expect(await reused()).toBeGreaterThan(5);
});

it.skipIf(!real)("scores a text as the same model would have written it", async () => {
  if (!real) return;
  const { tokens: promptTokens } = await (await startLoaded(real)).tokenize(prompt.text);
  for (const scorer of ["target", "draft"] as const) {
    // The writer is the scorer loaded alone; the pair then scores what was written.
    const writer = start(real);
    await writer.hello();
    await writer.load({ ...real.load, target: (scorer === "target" ? real.load.target : real.load.draft) ?? "", draft: null, kvType: "f32" });
    const written = await writer.generate(request({ prompt: { kind: "tokens", tokens: promptTokens }, lanes: 1, maxTokens: 60, draftLength: "none" }));
    const [sequence] = written.sequences;
    const pair = start(real);
    await pair.hello();
    await pair.load({ ...real.load, kvType: "f32" });
    const tokens = [...promptTokens, ...(sequence?.tokens ?? [])];
    const scored = await pair.generate(request({ prompt: { kind: "tokens", tokens }, lanes: 1, maxTokens: 1, score: scorer }));
    expect(scored.promptLogprobs).toHaveLength(tokens.length - 1);
    const tail = scored.promptLogprobs?.slice(-60) ?? [];
    for (const [index, logprob] of tail.entries()) expect(logprob).toBeCloseTo(sequence?.tokenLogprobs[index] ?? 0, 1);
    expect(scored.totals).toMatchObject({ promptTokens: tokens.length, tokens: 0, steps: 0 });
  }
});

it.skipIf(!real)("scores while other requests run, and refuses a draft that is not there", async () => {
  if (!real) return;
  const client = await startLoaded(real);
  const running = client.generate(request({ maxTokens: 64, lanes: 4 }));
  const scored = client.generate(request({ prompt, lanes: 1, maxTokens: 1, score: "target" }));
  expect((await running).sequences.every(({ finishReason }) => finishReason === "length")).toBe(true);
  expect((await scored).promptLogprobs?.every((logprob) => logprob <= 0)).toBe(true);
  expect((await client.status()).running).toBe(0);
  await client.load({ ...real.load, draft: null });
  await expect(client.generate(request({ prompt, lanes: 1, maxTokens: 1, score: "draft", draftLength: "none" }))).rejects.toMatchObject({ code: "badParams" });
});

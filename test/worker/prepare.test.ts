// Prompts computed for requests to come, through a real worker.

import { expect, it } from "vitest";
import { addons, request, startLoaded, useWorkerBundle } from "./harness";

useWorkerBundle();

const real = addons.find(({ name }) => name === "real");
const line = "export const total = (first: number, second: number): number => first + second;\n";
const prompt = { kind: "text", text: line.repeat(20) } as const;
const short = { lanes: 4, maxTokens: 8, stop: ["\n"], sampling: { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1 } };

it.skipIf(!real)("a request that begins with a prepared prompt finds it computed, and writes what it would have written", async () => {
  if (!real) return;
  const plain = await (await startLoaded(real)).generate(request({ ...short, prompt: { ...prompt, text: `${prompt.text}export` }, heal: true }));
  const client = await startLoaded(real);
  const prepared = await client.generate(request({ ...short, prompt, prepare: true, heal: true }));
  expect(prepared.sequences.map(({ text, tokens, finishReason }) => [text, tokens, finishReason])).toEqual(Array(4).fill(["", [], "end"]));
  expect(prepared.totals).toMatchObject({ promptTokens: (await client.tokenize(prompt.text)).tokens.length, reusedTokens: 0, tokens: 0, steps: 0 });
  const asked = await client.generate(request({ ...short, prompt: { ...prompt, text: `${prompt.text}export` }, heal: true }));
  expect(asked.totals.reusedTokens).toBeGreaterThan(prepared.totals.promptTokens - 5);
  expect(asked.sequences.map(({ text }) => text)).toEqual(plain.sequences.map(({ text }) => text));
  expect(await client.status()).toMatchObject({ running: 0, queued: 0, lanesInUse: 0 });
});

it.skipIf(!real)("with what stands behind the cursor, too", async () => {
  if (!real) return;
  const client = await startLoaded(real);
  await client.generate(request({ ...short, prompt: { kind: "fim", prefix: prompt.text, suffix: "" }, prepare: true }));
  const asked = await client.generate(request({ ...short, prompt: { kind: "fim", prefix: `${prompt.text}const a = `, suffix: `;\n${line}` } }));
  expect(asked.totals.reusedTokens).toBeGreaterThan((await client.tokenize(prompt.text)).tokens.length - 5);
});

it.skipIf(!real)("a request ends it, and what was computed until then is kept; beside a request that runs nothing is prepared", async () => {
  if (!real) return;
  const client = await startLoaded(real);
  const long = { kind: "text", text: line.repeat(70) } as const;
  let begun = (): void => undefined;
  const computing = new Promise<void>((resolve) => (begun = resolve));
  const preparing = client.generate(request({ ...short, prompt: long, prepare: true }), { onProgress: ({ prefill }) => prefill && begun() });
  await computing;
  const [prepared, asked] = await Promise.all([preparing, client.generate(request({ ...short, prompt: { kind: "text", text: "x = " } }))]);
  expect(asked.sequences.every(({ finishReason }) => finishReason !== "cancelled")).toBe(true);
  expect(new Set(prepared.sequences.map(({ finishReason }) => finishReason))).toEqual(new Set(["cancelled"]));
  const again = await client.generate(request({ ...short, prompt: long, prepare: true }));
  expect(again.totals.reusedTokens).toBeGreaterThan(0);
  expect(again.sequences[0]?.finishReason).toBe("end");

  let writes = (): void => undefined;
  const writing = new Promise<void>((resolve) => (writes = resolve));
  const abort = new AbortController();
  const running = client.generate(request({ maxTokens: 1_000 }), { signal: abort.signal, onProgress: ({ steps }) => steps.length > 0 && writes() });
  await writing;
  const beside = await client.generate(request({ ...short, prompt: { kind: "text", text: `y${long.text}` }, prepare: true }));
  expect(beside.sequences[0]?.finishReason).toBe("cancelled");
  expect((await client.status()).lanesInUse).toBe(8);
  abort.abort();
  await running;
});

it.skipIf(!real)("a pass ends where the text before the cursor does, so that a request given up behind it has not computed it in vain", async () => {
  if (!real) return;
  const client = await startLoaded(real);
  const done: number[] = [];
  const fim = { kind: "fim", prefix: line.repeat(12), suffix: line.repeat(20) } as const;
  const { totals } = await client.generate(request({ ...short, prompt: fim }), { onProgress: ({ prefill }) => prefill && done.push(prefill.done) });
  const before = (await client.tokenize(fim.prefix)).tokens.length;
  expect(totals.promptTokens).toBeGreaterThan(2 * before);
  expect(done.some((tokens) => tokens >= before && tokens <= before + 4), `${done.join()} of ${totals.promptTokens}, ${before} before the cursor`).toBe(true);
});

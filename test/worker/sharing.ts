// A benchmark, no test: what it costs a window that its worker is shared, and what it saves the second one. The same questions and
// requests to a worker of the window's own and to a shared one, in turns.
// node scripts/run-ts.mjs test/worker/sharing.ts [TARGET.gguf [DRAFT.gguf]]
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { WorkerClient } from "../../extension/worker/client";
import { forkWorker } from "../../extension/worker/process";
import { shareWorker } from "../../extension/worker/shared/connect";
import type { GenerateParams, LoadParams } from "../../protocol/worker";

const QUESTIONS = 400;
const REQUESTS = 40;

const dist = path.resolve("dist");
const bundle = path.join(dist, "worker.js");
const env = { OCTET_ADDON: path.join(dist, "octet.node"), XDG_RUNTIME_DIR: mkdtempSync(path.join(os.tmpdir(), "octet-sharing-")) };
const starter = ["models/octet-starter-6M-q8_0.gguf", "models/octet-starter-1M-draft-q8_0.gguf"];
const [target = "", draft = null] = (process.argv.length > 2 ? process.argv.slice(2) : starter).map((file) => path.resolve(file));
const load: LoadParams = { target, draft, device: "cpu", threads: 0, lanes: 8, contextTokens: 2048, kvType: "f16" };
const request = (index: number): GenerateParams => ({
  id: `r${index}`, prompt: { kind: "text", text: "def fibonacci(n):\n" }, lanes: 8, maxTokens: 16, stop: [], stopTokens: [], budgetMs: null,
  sampling: { temperature: 0.6, topK: 0, topP: 0.95, minP: 0, seed: index + 1 }, draftLength: "none", ignoreEnd: true,
});

const fail = (reason: string): never => {
  throw new Error(reason);
};
const window = (): WorkerClient => new WorkerClient(shareWorker({ bundle, host: path.join(dist, "workerHost.js"), gpus: false, env, onPrivate: fail }));

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

async function ready(client: WorkerClient): Promise<WorkerClient> {
  await client.hello();
  await client.load(load);
  return client;
}

async function run(): Promise<void> {
  let own!: WorkerClient;
  let shared!: WorkerClient;
  let second!: WorkerClient;
  const firstMs = await timed(async () => (own = await ready(new WorkerClient(forkWorker(bundle, env, { gpus: false })))));
  const startMs = await timed(async () => (shared = await ready(window())));
  const secondMs = await timed(async () => (second = await ready(window())));
  const clients = [own, shared];
  const questions: number[][] = [[], []];
  const requests: number[][] = [[], []];
  for (let turn = 0; turn < QUESTIONS; turn++)
    for (const [kind, client] of clients.entries()) questions[kind]!.push(await timed(() => client.tokenize("x")));
  for (let turn = 0; turn < REQUESTS; turn++)
    for (const [kind, client] of clients.entries()) requests[kind]!.push(await timed(() => client.generate(request(turn))));
  const line = (what: string, [one, other]: number[], digits: number): void =>
    console.log(`${what.padEnd(34)} own ${one!.toFixed(digits).padStart(8)} ms   shared ${other!.toFixed(digits).padStart(8)} ms   ratio ${(other! / one!).toFixed(2)}`);
  line("models ready, first window", [firstMs, startMs], 0);
  line("models ready, second window", [firstMs, secondMs], 0);
  line("a question, median", questions.map(median), 2);
  line("a request of 8 x 16 tokens, median", requests.map(median), 2);
  await Promise.all([own.leave(), second.leave(), shared.leave()]);
}

await run().finally(() => rmSync(env.XDG_RUNTIME_DIR, { recursive: true, force: true }));

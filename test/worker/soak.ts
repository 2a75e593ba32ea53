// A measurement, no test: the memory of a worker that works without a pause, as over a day of typing. Requests of every kind follow each
// other, most of them given up midway; models are unloaded and loaded again. A table of its memory as it grows older, with little room for
// JavaScript's garbage, so that what grows is kept by somebody.
// node scripts/run-ts.mjs test/worker/soak.ts [MINUTES [TARGET.gguf [DRAFT.gguf]]]
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { WorkerClient } from "../../extension/worker/client";
import { forkWorker } from "../../extension/worker/process";
import type { GenerateParams, LoadParams } from "../../protocol/worker";

const SAMPLES = 20;
/** Requests between two loads: as many as a day of typing may have. */
const UNLOAD_EVERY = 500;

const [minutes = "5", ...models] = process.argv.slice(2);
const [target = "models/octet-starter-6M-q8_0.gguf", draft] = models.length > 0 ? models : [undefined, "models/octet-starter-1M-draft-q8_0.gguf"];
if (!(Number(minutes) > 0)) {
  console.error("usage: node scripts/run-ts.mjs test/worker/soak.ts [MINUTES [TARGET.gguf [DRAFT.gguf]]]");
  process.exit(2);
}
const load: LoadParams = {
  target: path.resolve(target), draft: draft ? path.resolve(draft) : null, device: "cpu", threads: 0, lanes: 8, spareLanes: 8, contextTokens: 2048, kvType: "f16",
};

let state = 1;
/** A repeatable draw, from 0 up to but not `below`. */
function draw(below: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

const folder = "extension/completion";
const files = readdirSync(folder).filter((name) => name.endsWith(".ts")).map((name) => readFileSync(path.join(folder, name), "utf8"));
let file = "";
let cursor = 0;
/** Someone types on, or goes elsewhere. */
function type(): string {
  if (cursor === 0 || draw(30) === 0) {
    file = files[draw(files.length)]!;
    cursor = 200 + draw(file.length - 200);
  }
  cursor = Math.min(cursor + 1 + draw(4), file.length);
  return file.slice(Math.max(0, cursor - 2_000), cursor);
}

let asked = 0;
function params(changes: Partial<GenerateParams>): GenerateParams {
  return {
    id: `r${asked++}`, prompt: { kind: "text", text: type() }, lanes: 8, maxTokens: 24, stop: ["\n\n"], stopTokens: [], budgetMs: null, heal: true,
    sampling: { temperature: [0, 0.2, 0.6, 0.8][draw(4)]!, topK: 0, topP: 0.95, minP: 0, seed: asked }, draftLength: (["auto", "auto", "bass", "fixed:3", "none"] as const)[draw(5)]!, ...changes,
  };
}

/** One request, given up after so many messages of it. */
async function ask(client: WorkerClient, request: GenerateParams, until = Infinity): Promise<void> {
  const abort = new AbortController();
  let heard = 0;
  if (until === 0) setTimeout(() => abort.abort(), draw(3));
  await client.generate(request, {
    signal: abort.signal,
    onProgress: () => {
      if (draw(20) === 0) client.cancelLane(request.id, draw(8));
      if (++heard === until) abort.abort();
    },
  }).catch((error: unknown) => {
    if (!abort.signal.aborted) throw error;
  });
}

async function moment(client: WorkerClient): Promise<void> {
  const kind = draw(20);
  if (kind < 13) await ask(client, params({}), draw(3) === 0 ? Infinity : draw(4));
  else if (kind < 15) await ask(client, params({ prepare: true }), draw(2));
  else if (kind < 16) await client.tokenize(type());
  else if (kind < 17) await ask(client, params({ budgetMs: 1 + draw(20) }));
  else if (kind < 18) await ask(client, params({ stopTokens: [draw(8_000)], stop: [] }));
  else await Promise.all([ask(client, params({ maxTokens: 64, lanes: 1 + draw(8) }), 1 + draw(30)), ask(client, params({})), ask(client, params({}), draw(3))]);
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

const client = new WorkerClient(forkWorker(path.resolve("dist/worker.js"), {
  OCTET_ADDON: path.resolve("dist/octet.node"), NODE_OPTIONS: "--max-old-space-size=16 --max-semi-space-size=1",
}, { gpus: false }));
await client.hello();
await client.load(load);
const end = performance.now() + Number(minutes) * 60_000;
const started = performance.now();
console.log("| minutes | requests | MiB loaded | MiB unloaded |\n|---:|---:|---:|---:|");
let reload = UNLOAD_EVERY;
for (let sample = 1; sample <= SAMPLES; sample++) {
  const next = started + ((end - started) * sample) / SAMPLES;
  let unloaded: number | null = null;
  while (performance.now() < next) {
    await moment(client);
    if (asked < reload) continue;
    reload += UNLOAD_EVERY;
    await client.unload();
    unloaded = (await client.status()).residentBytes;
    await client.load(load);
  }
  const { residentBytes, running, queued, lanesInUse } = await client.status();
  if (running + queued + lanesInUse > 0) throw new Error(`left behind: ${running} running, ${queued} queued, ${lanesInUse} lanes`);
  const row = [((performance.now() - started) / 60_000).toFixed(1), asked, mebibytes(residentBytes), unloaded === null ? "–" : mebibytes(unloaded)];
  console.log(`| ${row.join(" | ")} |`);
}
await client.leave();

// A benchmark, no test: someone opens a long file and types, with pauses, as the editor hears of it; a real worker completes. How many
// pauses bring a completion, how soon, and with how much of the file before the model: with prompts as long as there is room for, with
// prompts as long as there is time for, and with prompts that are computed in the pauses.
// node scripts/run-ts.mjs test/worker/typing.ts TARGET.gguf [DRAFT.gguf]
import { readFileSync } from "node:fs";
import path from "node:path";
import { AskBuilder, type AskSettings } from "../../extension/completion/askBuilder";
import { Completer } from "../../extension/completion/completer";
import { TextDocument } from "../../extension/completion/document";
import { Preparation } from "../../extension/completion/preparation";
import { PromptSpeed } from "../../extension/completion/promptSpeed";
import { RecentPlaces } from "../../extension/completion/recentPlaces";
import { SessionGenerator } from "../../extension/completion/sessionGenerator";
import { WorkerClient } from "../../extension/worker/client";
import { forkWorker } from "../../extension/worker/process";
import { Session } from "../../extension/worker/session";
import { WorkerSupervisor } from "../../extension/worker/supervisor";
import type { LoadParams } from "../../protocol/worker";

const FILE = "extension/completion/completer.ts";
const BEFORE = "  private release(";
/** Where someone pauses for PAUSE_MS: `‸`, and for THINKING_MS: `⁁`. */
const TYPED = "  private helper(‸key: RequestKey): boolean {\n⁁    const { running } =‸ this;\n⁁    if (!running) return ‸";
const KEY_MS = 150;
const PAUSE_MS = 3_500;
const THINKING_MS = 10_000;
const SETTINGS: AskSettings = { candidates: 8, maxTokens: 256, temperature: 0.6, topP: 0.95, draftLength: "auto", contextTokens: 4_096, debounce: undefined, preparePrompts: false };

interface Pause {
  /** From the last key to the first candidates; null: none came. */
  ms: number | null;
  /** Of the prompt; null as above. */
  promptTokens: number | null;
}

type Prompts = "room" | "time" | "prepared";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function type(load: LoadParams, prompts: Prompts): Promise<{ pauses: Pause[]; tokensPerSecond: number | null }> {
  const dist = path.resolve("dist");
  const supervisor = new WorkerSupervisor({ start: () => new WorkerClient(forkWorker(path.join(dist, "worker.js"), { OCTET_ADDON: path.join(dist, "octet.node") })) });
  const session = new Session(supervisor, () => load);
  const speed = new PromptSpeed();
  session.onRequest((news) => speed.request(news));
  const loaded = await session.ready();
  const asks = new AskBuilder(new RecentPlaces(), async (text) => (await supervisor.tokenize(text)).tokens.length, prompts === "room" ? undefined : speed);
  const settings = { ...SETTINGS, preparePrompts: prompts === "prepared" };
  const preparation = new Preparation({
    prepare: (ahead, options) => session.prepare(ahead, options),
    onComputed: (prompt, share, result) => {
      asks.noteComputed(prompt, share);
      if (result) speed.prepared(result);
    },
  });
  const pauses: Pause[] = [];
  const completer = new Completer(new SessionGenerator(session, () => FILE), {
    onReport: (report) => {
      asks.learn(report);
      const { promptTokens, steps } = report.result.totals;
      if (steps > 0 && pauses.length > 0) pauses.at(-1)!.promptTokens = promptTokens;
    },
  });
  const file = readFileSync(FILE, "utf8");
  const at = file.indexOf(BEFORE);
  let typed = "";
  let abort = new AbortController();
  for (const [index, key] of [...TYPED].entries()) {
    if (pausing(key)) continue;
    typed += key;
    abort.abort();
    abort = new AbortController();
    const { signal } = abort;
    const pause: Pause = { ms: null, promptTokens: null };
    const keyAt = performance.now();
    asks.typed();
    const document = new TextDocument(file.slice(0, at) + typed + file.slice(at), { uri: `file:///${FILE}`, languageId: "typescript", version: index });
    const cursor = document.positionAt(at + typed.length);
    const build = (preparing = false) =>
      asks.build({ document, cursor, selected: undefined, kind: "automatic", shapedAs: "automatic", loaded, settings, preparing });
    const answer = async (): Promise<void> => {
      preparation.stop();
      const ask = await build();
      const hit = ask && !signal.aborted ? await completer.offer(ask, signal) : null;
      if (hit && hit.candidates.length > 0 && !signal.aborted) pause.ms = performance.now() - keyAt;
      if (signal.aborted) return;
      preparation.rest(async () => {
        await completer.idle();
        await build(true);
        return asks.ahead();
      });
    };
    const next = [...TYPED][index + 1];
    if (pausing(next)) pauses.push(pause);
    void answer();
    await sleep(next === "‸" ? PAUSE_MS : next === "⁁" ? THINKING_MS : KEY_MS);
  }
  abort.abort();
  preparation.stop();
  await completer.idle();
  await session.dispose();
  return { pauses, tokensPerSecond: speed.tokensPerSecond };
}

const pausing = (key: string | undefined): boolean => key === "‸" || key === "⁁";

const [target, draft] = process.argv.slice(2);
if (!target) {
  console.error("usage: node scripts/run-ts.mjs test/worker/typing.ts TARGET.gguf [DRAFT.gguf]");
  process.exit(2);
}
const load: LoadParams = { target, draft: draft ?? null, device: "cpu", threads: 0, lanes: 8, contextTokens: SETTINGS.contextTokens, kvType: "f16" };
const names: Record<Prompts, string> = { room: "as long as there is room for", time: "as long as there is time for", prepared: "computed in the pauses" };
console.log("| prompts | pauses | with a completion | median ms | tokens of each prompt | tokens of prompts a second |\n|---|---:|---:|---:|---|---:|");
for (const prompts of ["room", "time", "prepared"] as const) {
  const { pauses, tokensPerSecond } = await type(load, prompts);
  const times = pauses.flatMap(({ ms }) => (ms === null ? [] : [ms])).sort((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)];
  const tokens = pauses.map(({ promptTokens }) => promptTokens ?? "–").join(", ");
  console.log(`| ${[names[prompts], pauses.length, times.length, median?.toFixed(0) ?? "–", tokens, tokensPerSecond?.toFixed(0) ?? "–"].join(" | ")} |`);
}

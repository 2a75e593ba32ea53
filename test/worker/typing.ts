// A benchmark, no test: someone opens a long file and types, with pauses, as the editor hears of it; a real worker completes. How many
// pauses bring a completion, and how soon, with prompts as long as there is room for and with prompts as long as there is time for.
// node scripts/run-ts.mjs test/worker/typing.ts TARGET.gguf [DRAFT.gguf]
import { readFileSync } from "node:fs";
import path from "node:path";
import { AskBuilder, type AskSettings } from "../../extension/completion/askBuilder";
import { Completer } from "../../extension/completion/completer";
import { TextDocument } from "../../extension/completion/document";
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
/** Where someone pauses, each for PAUSE_MS: `‸`. */
const TYPED = "  private helper(‸key: RequestKey): boolean {\n‸    const { running } =‸ this;\n‸    if (!running) return ‸";
const KEY_MS = 150;
const PAUSE_MS = 3_500;
const SETTINGS: AskSettings = { candidates: 8, maxTokens: 256, temperature: 0.6, topP: 0.95, draftLength: "auto", contextTokens: 4_096, debounce: undefined };

interface Pause {
  /** From the last key to the first candidates; null: none came. */
  ms: number | null;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function type(load: LoadParams, limited: boolean): Promise<{ pauses: Pause[]; promptTokens: number; tokensPerSecond: number | null }> {
  const dist = path.resolve("dist");
  const supervisor = new WorkerSupervisor({ start: () => new WorkerClient(forkWorker(path.join(dist, "worker.js"), { OCTET_ADDON: path.join(dist, "octet.node") })) });
  const session = new Session(supervisor, () => load);
  const speed = new PromptSpeed();
  session.onRequest((news) => speed.request(news));
  const loaded = await session.ready();
  const asks = new AskBuilder(new RecentPlaces(), async (text) => (await supervisor.tokenize(text)).tokens.length, limited ? speed : undefined);
  let promptTokens = 0;
  const completer = new Completer(new SessionGenerator(session, () => FILE), {
    onReport: (report) => {
      asks.learn(report);
      ({ promptTokens } = report.result.totals);
    },
  });
  const file = readFileSync(FILE, "utf8");
  const at = file.indexOf(BEFORE);
  const pauses: Pause[] = [];
  let typed = "";
  let abort = new AbortController();
  for (const [index, key] of [...TYPED].entries()) {
    if (key === "‸") continue;
    typed += key;
    abort.abort();
    abort = new AbortController();
    const { signal } = abort;
    const pause: Pause = { ms: null };
    const keyAt = performance.now();
    asks.typed();
    const document = new TextDocument(file.slice(0, at) + typed + file.slice(at), { uri: `file:///${FILE}`, languageId: "typescript", version: index });
    const answer = async (): Promise<void> => {
      const cursor = document.positionAt(at + typed.length);
      const ask = await asks.build({ document, cursor, selected: undefined, kind: "automatic", shapedAs: "automatic", loaded, settings: SETTINGS });
      const hit = ask && !signal.aborted ? await completer.offer(ask, signal) : null;
      if (hit && hit.candidates.length > 0 && !signal.aborted) pause.ms = performance.now() - keyAt;
    };
    void answer();
    const pausing = TYPED[index + 1] === "‸";
    if (pausing) pauses.push(pause);
    await sleep(pausing ? PAUSE_MS : KEY_MS);
  }
  abort.abort();
  await completer.idle();
  await session.dispose();
  return { pauses, promptTokens, tokensPerSecond: speed.tokensPerSecond };
}

const [target, draft] = process.argv.slice(2);
if (!target) {
  console.error("usage: node scripts/run-ts.mjs test/worker/typing.ts TARGET.gguf [DRAFT.gguf]");
  process.exit(2);
}
const load: LoadParams = { target, draft: draft ?? null, device: "cpu", threads: 0, lanes: 8, contextTokens: SETTINGS.contextTokens, kvType: "f16" };
console.log("| prompts | tokens of the last | pauses | with a completion | median ms | tokens of prompts a second |\n|---|---:|---:|---:|---:|---:|");
for (const limited of [false, true]) {
  const { pauses, promptTokens, tokensPerSecond } = await type(load, limited);
  const times = pauses.flatMap(({ ms }) => (ms === null ? [] : [ms])).sort((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)];
  const cells = [limited ? "as long as there is time for" : "as long as there is room for", promptTokens, pauses.length, times.length, median?.toFixed(0) ?? "–", tokensPerSecond?.toFixed(0) ?? "–"];
  console.log(`| ${cells.join(" | ")} |`);
}

// octet doctor: what this machine has, what Octet will use and why, and whether it works.
import type { Command } from "commander";
import { version } from "../../package.json";
import type { DeviceInfo } from "../../protocol/worker";
import { withWorker, type CliContext } from "./context";
import { describeLoaded, gpuCheck, machineChecks, modelChecks, type Check } from "./doctorChecks";
import { errorLine, ExitCode } from "./errors";
import { formatDuration, formatMs, formatPercent } from "./format";
import { choosePair, type Pair } from "./models";
import { addModelOptions, type ModelOptions } from "./options";
import { oneLine } from "./sanitize";
import { hangingLines } from "./table";
import type { Theme } from "./terminal";
import type { WorkerApi } from "./workerApi";
import { writeJson, writeLines } from "./write";

const LANES = 8;
const TEST_TOKENS = 16;
const TEST_PROMPT = "function add(a, b) {\n  return";

interface DoctorOptions extends ModelOptions {
  json?: boolean;
}

export function addDoctor(program: Command, run: (command: (context: CliContext) => Promise<number>) => Promise<void>): void {
  const command = program.command("doctor")
    .description("check devices, runtimes, memory and models, and try a short generation");
  addModelOptions(command, { anyFile: true })
    .option("--json", "one JSON document on standard output")
    .addHelpText("after", "\nExit code 1 where something essential is broken; each such line says what to do.")
    .action((options: DoctorOptions) => run((context) => doctor(options, context)));
}

async function doctor(options: DoctorOptions, context: CliContext): Promise<number> {
  const checks: Check[] = [{ name: "octet", state: "ok", text: `${version} on Node ${process.versions.node}, ${process.platform} ${process.arch}` }];
  const pair = choosePair(options, context.root);
  try {
    await withWorker(context, options.device, async (worker) => {
      const models = await modelChecks(worker, pair);
      const test = await selfTest(worker, pair, options, context.signal);
      checks.push(...machineChecks(worker.hello), ...gpuCheck(worker, test.device), ...models, ...test.checks);
    });
  } catch (error) {
    context.signal.throwIfAborted();
    checks.push(broken("worker", error));
  }
  const healthy = checks.every((check) => check.state !== "broken");
  const { theme } = context.terminal;
  const width = context.terminal.width();
  if (options.json) await writeJson(context.stdout, { healthy, checks });
  else await writeLines(context.stdout, doctorLines(checks, theme, width), theme);
  return healthy ? ExitCode.done : ExitCode.failure;
}

function broken(name: string, error: unknown): Check {
  const { message, advice } = error as { message?: string; advice?: string };
  return { name, state: "broken", text: message ?? errorLine(error), advice: advice ?? "octet doctor --verbose shows the worker's log." };
}

interface SelfTest {
  checks: Check[];
  /** What the models were on; null: they could not be loaded. */
  device: DeviceInfo | null;
}

/** Loads the pair as `octet generate` would, and writes a few tokens. */
async function selfTest(worker: WorkerApi, pair: Pair, options: DoctorOptions, signal: AbortSignal): Promise<SelfTest> {
  const checks: Check[] = [];
  let used: DeviceInfo | null = null;
  try {
    const { device, threads, context: contextTokens, kv: kvType } = options;
    const loaded = await worker.load({ ...pair, device, threads, lanes: LANES, contextTokens, kvType }, { signal });
    used = loaded.device;
    checks.push(...describeLoaded(loaded, options.device, worker));
    const { totals } = await worker.generate({
      id: "doctor",
      prompt: { kind: "text", text: TEST_PROMPT },
      lanes: loaded.lanes,
      maxTokens: TEST_TOKENS,
      sampling: { temperature: 0.8, topK: 0, topP: 0.95, minP: 0, seed: 1 },
      stop: [],
      stopTokens: [],
      budgetMs: null,
      draftLength: "auto",
    }, { signal });
    signal.throwIfAborted();
    const accepted = totals.acceptanceRate === null ? "" : `, ${formatPercent(totals.acceptanceRate)} of drafted tokens accepted`;
    checks.push({
      name: "self-test",
      state: "ok",
      text: `${totals.tokens} tokens in ${formatDuration(totals.wallMs)}, ${formatMs(totals.msPerToken.all)} ms per token and lane${accepted}`,
    });
  } catch (error) {
    signal.throwIfAborted();
    checks.push(broken("self-test", error));
  }
  return { checks, device: used };
}

export function doctorLines(checks: readonly Check[], theme: Theme, maxWidth: number): string[] {
  const marks = {
    ok: theme.good(theme.marks.yes),
    info: theme.dim("-"),
    caution: theme.warn(theme.marks.caution),
    broken: theme.bad(theme.marks.no),
  };
  const width = Math.max(...checks.map((check) => check.name.length)) + 2;
  return checks.flatMap(({ name, state, text, advice }) => [
    ...hangingLines(`${marks[state]} ${theme.dim(name.padEnd(width))}`, oneLine(text), maxWidth),
    ...(advice ? hangingLines(`${" ".repeat(width + 2)}${theme.unicode ? "→" : ">"} `, oneLine(advice), maxWidth) : []),
  ]);
}

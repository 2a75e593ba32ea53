// What the suites have in common: load, run, and print what was done, also when it was cut short.
import type { LoadResult } from "../../../protocol/worker";
import { deviceKey } from "../../worker/deviceWords";
import { withWorker, type CliContext } from "../context";
import { badInput, ExitCode, isCancelled } from "../errors";
import { formatDuration, plural } from "../format";
import { choosePair } from "../models";
import type { WorkerApi } from "../workerApi";
import type { DecodeSettings, EvalMethod } from "./attempt";
import type { ProblemRecord } from "./metrics";
import { chooseMethods, type SuiteOptions } from "./options";
import { openRecords } from "./records";
import { checkOutput, print, type Table } from "./report";
import { runSuite, type Problem } from "./suite";
import { cellsOf, columnsOf, compare, comparisonLine, halvesOf, summarise } from "./table";

/** Room for a draft that runs beyond the last token, and for a prompt's special tokens. */
export const SLACK_TOKENS = 64;

export interface Suite {
  name: "humaneval" | "infill";
  /** What fixes the problems: part of the results file's settings. */
  identity: Record<string, unknown>;
  /** Tokens of prompt and completion to load for, where the user did not say. */
  contextTokens: number;
  /** Whether requests ask for token healing, where the suite lets the user choose. */
  heal?: boolean;
  makeProblems(worker: WorkerApi, loaded: LoadResult): Promise<Problem[]>;
  /** Groups of the first table, and of the second, which shows the last method alone. */
  groups: { first: readonly string[]; second?: readonly string[] };
  /** What "right" means. */
  right: string;
}

export async function runEval(suite: Suite, options: SuiteOptions, context: CliContext): Promise<number> {
  checkOutput(options);
  const pair = choosePair(options, context.root);
  const methods = chooseMethods(options);
  const { lanes, maxTokens, budgetMs, temperature, topP, seed, draftLength = "auto" } = options;
  const settings: DecodeSettings = { lanes, maxTokens, budgetMs, draftLength, temperature, topP, ...(suite.heal === undefined ? {} : { heal: suite.heal }) };
  const into: ProblemRecord[] = [];
  let done: { loaded: LoadResult; problems: number } | undefined;
  let failed: Error | undefined;
  try {
    await withWorker(context, options.device, async (worker) => {
      const loaded = await load(worker, options, pair, suite.contextTokens, context);
      const problems = await suite.makeProblems(worker, loaded);
      done = { loaded, problems: problems.length };
      const records = await openRecords(options.results, {
        suite: suite.name, ...suite.identity, ...settings, methods, seed, problems: problems.length, kvType: options.kv,
        target: modelIdentity(loaded.target), draft: loaded.draft && modelIdentity(loaded.draft), device: deviceKey(loaded),
      });
      try {
        await runSuite({ worker, problems, methods, settings, seed, records, into }, context);
      } finally {
        await records.close();
      }
    });
  } catch (error) {
    if (!isCancelled(error)) failed = error as Error;
  }
  if (done && (into.length > 0 || !failed)) await report(suite, options, settings, methods, done.loaded, into, done.problems, context);
  if (failed) throw failed; // what was done before is printed all the same
  return context.signal.aborted ? ExitCode.cancelled : ExitCode.done;
}

const modelIdentity = ({ name, quantization, fileBytes }: LoadResult["target"]): unknown => ({ name, quantization, fileBytes });

async function load(
  worker: WorkerApi, options: SuiteOptions, pair: ReturnType<typeof choosePair>, contextTokens: number, { signal }: CliContext,
): Promise<LoadResult> {
  const { device, threads, lanes, context, kv } = options;
  const loaded = await worker.load({ ...pair, device, threads, lanes, contextTokens: context || contextTokens, kvType: kv }, { signal });
  if (loaded.lanes < lanes) {
    throw badInput(`Memory holds ${plural(loaded.lanes, "lane")}, not ${lanes}`, "Use -n with fewer, or a shorter --context.");
  }
  return loaded;
}

async function report(
  suite: Suite, options: SuiteOptions, settings: DecodeSettings, methods: readonly EvalMethod[], loaded: LoadResult,
  records: readonly ProblemRecord[], wanted: number, context: CliContext,
): Promise<void> {
  const { groups: { first, second } } = suite;
  const rows = summarise(records, first, methods);
  const bySecond = second ? summarise(records, second, methods) : [];
  const table = (by: readonly string[], shown: typeof rows): Table =>
    ({ columns: columnsOf(by), rows: shown.map(cellsOf), parts: halvesOf(by) });
  const last = methods.at(-1);
  const comparisons = compare(rows);
  const notices = [...loaded.notices];
  if (records.length < wanted) notices.push(`Stopped after ${records.length} of ${plural(wanted, "problem")}.`);
  const reused = records.some(({ methods: made }) => Object.values(made).some(({ figures }) => figures.reusedTokens > 0));
  if (reused) notices.push("Some prompts were found in the cache: the methods' times are not comparable.");
  const { lanes, budgetMs, maxTokens, temperature, topP, draftLength, heal } = settings;
  await print({
    loaded,
    work: `${suite.name}, ${plural(records.length, "problem")}, ${plural(lanes, "candidate")} within ` +
      `${formatDuration(budgetMs)} (prompt included), at most ${plural(maxTokens, "token")}, temperature ${temperature}, top-p ${topP}, draft length ${draftLength}, seed ${options.seed}${heal ? ", token healing" : ""}.`,
    legend: `Pass@First: the best-ranked finished candidate is right, by mean log-probability; Pass@All: any finished one is; ` +
      `Pass@Finished: share of the finished that are; right: ${suite.right}. finished: lanes of a problem that came to their own end. ` +
      `first, last, all: milliseconds per token of the first lane to end, the last, and all. In brackets: 95 % intervals.`,
    tables: [table(first, rows), ...(second ? [table(second, bySecond.filter(({ method }) => method === last))] : [])],
    lines: comparisons.map(comparisonLine),
    notices,
    json: {
      suite: suite.name,
      parameters: { ...settings, methods, seed: options.seed, contextTokens: loaded.contextTokens, kvType: options.kv, ...suite.identity },
      complete: records.length === wanted,
      summary: rows,
      ...(second ? { breakdown: bySecond } : {}),
      comparisons,
      problems: records,
    },
  }, options, context);
}

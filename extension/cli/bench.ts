// octet bench: the BASS paper's table on this machine. Methods take turns within every repeat; a first round warms up.
import type { Command } from "commander";
import { MAX_LANES, MAX_NEW_TOKENS, type DraftLength, type LoadResult } from "../../protocol/worker";
import { methodNames, methods, type Method, type Workload } from "./benchMethods";
import { benchJson, benchLines, type BenchReport } from "./benchReport";
import { rotated, summarize, type Run } from "./benchTable";
import { withWorker, type CliContext } from "./context";
import { badInput, ExitCode, isCancelled } from "./errors";
import { formatFigure } from "./format";
import { choosePair } from "./models";
import { parseChoiceList, parseIntegerList } from "./numbers";
import { addDraftLengthOption, addModelOptions, integer, list, real, type ModelOptions } from "./options";
import { statusLine } from "./statusLine";
import type { WorkerApi } from "./workerApi";
import { writeJson, writeLines } from "./write";

/** Room for a draft that runs beyond the last token. */
const SLACK_TOKENS = 64;
const MAX_REPEATS = 1000;
const MAX_PROMPT = 1_000_000;

export interface BenchOptions extends ModelOptions {
  batch: number[];
  promptTokens: number;
  newTokens: number;
  methods?: string[];
  draftLength?: DraftLength;
  repeat: number;
  temperature: number;
  topP: number;
  seed: number;
  json?: boolean;
  markdown?: boolean;
}

/** examples/bench-prompt.ts, put here by scripts/build.mjs. */
declare const OCTET_BENCH_PROMPT: string;

const help = `
Methods: regular (the batch, one token a step), speculative-single (the sequences one after another, each speculative),
bass (the batch, speculative). Every lane writes exactly --new-tokens tokens. Columns first, last and all are milliseconds
per token of the first lane to finish, the last, and the mean over all; ratio is tokens per second over regular decoding in
the same repeat.

Examples:
  octet bench --batch 1,8 --repeat 3
  octet bench --draft-length fixed:4 --temperature 0 --markdown`;

export function addBench(program: Command, run: (command: (context: CliContext) => Promise<number>) => Promise<void>): void {
  const command = program.command("bench")
    .description("measure regular, single-sequence speculative and batched speculative decoding")
    .addOption(list("--batch <LIST>", "batch sizes", (text) => parseIntegerList("--batch", text, { min: 1, max: MAX_LANES }), [1, 2, 4, 8, 16]))
    .option("--methods <LIST>", `any of ${methodNames.join(",")}`, (text) => parseChoiceList("--methods", text, methodNames))
    .option("--prompt-tokens <N>", "length of the prompt", integer("--prompt-tokens", 1, MAX_PROMPT), 256)
    .option("--new-tokens <N>", "tokens each lane writes", integer("--new-tokens", 1, MAX_NEW_TOKENS), 64)
    .option("--repeat <R>", "counted runs of each method", integer("--repeat", 1, MAX_REPEATS), 3)
    .option("--temperature <T>", "0 is greedy", real("--temperature", 0, 100), 0.8)
    .option("--top-p <P>", "nucleus sampling; 1: off", real("--top-p", 0, 1, true), 0.95)
    .option("--seed <S>", "seed of the first repeat", integer("--seed", 0, 2 ** 48), 1);
  addDraftLengthOption(command);
  addModelOptions(command);
  command
    .option("--json", "one JSON document on standard output")
    .option("--markdown", "the table as Markdown")
    .addHelpText("after", help)
    .action((options: BenchOptions) => run((context) => bench(options, context)));
}

async function bench(options: BenchOptions, context: CliContext): Promise<number> {
  if (options.json && options.markdown) throw badInput("--json and --markdown exclude each other");
  if (options.draftLength === "none") throw badInput("--draft-length none is what the method regular does", "Leave it out.");
  const pair = choosePair(options, context.root);
  const chosen = options.methods ? methods.filter(({ name }) => options.methods?.includes(name)) : methods;
  const runs: Run[] = [];
  let setting: Setting | undefined;
  try {
    await withWorker(context, options.device, async (worker) => {
      setting = await prepare(worker, options, pair, context);
      await measureAll(worker, options, chosen, setting, context, runs);
    });
  } catch (error) {
    if (!isCancelled(error)) throw error;
  }
  if (setting && runs.length > 0) await print({ ...setting, options, rows: summarize(runs, setting.batches, methodNames) }, context);
  return context.signal.aborted ? ExitCode.cancelled : ExitCode.done;
}

export interface Setting {
  loaded: LoadResult;
  workload: Workload;
  batches: number[];
  notices: string[];
}

async function prepare(worker: WorkerApi, options: BenchOptions, pair: ReturnType<typeof choosePair>, context: CliContext): Promise<Setting> {
  const needed = options.promptTokens + options.newTokens;
  const loaded = await worker.load({
    ...pair,
    device: options.device,
    threads: options.threads,
    lanes: Math.max(...options.batch),
    contextTokens: options.context || needed + SLACK_TOKENS,
    kvType: options.kv,
  }, { signal: context.signal });
  if (needed > loaded.contextTokens) {
    throw badInput(`${options.promptTokens} prompt tokens and ${options.newTokens} new ones do not fit into a context of ${loaded.contextTokens}`);
  }
  const notices = [...loaded.notices];
  const batches = options.batch.filter((batch) => batch <= loaded.lanes);
  if (batches.length < options.batch.length) notices.push(`Batches above ${loaded.lanes} were left out: memory holds no more lanes.`);
  const { tokens } = await worker.tokenize(OCTET_BENCH_PROMPT);
  if (tokens.length < options.promptTokens) notices.push(`The prompt's ${tokens.length} tokens were repeated to make ${options.promptTokens}.`);
  const prompt = Array.from({ length: options.promptTokens }, (_, index) => tokens[index % tokens.length] ?? 0);
  const { newTokens, temperature, topP, draftLength = "auto" } = options;
  return { loaded, batches, notices, workload: { prompt, newTokens, draftLength, temperature, topP } };
}

/** Repeat 0 warms up and is not counted. A cancelled run leaves the counted ones in `runs`. */
async function measureAll(
  worker: WorkerApi, options: BenchOptions, chosen: readonly Method[], { batches, workload, notices }: Setting, context: CliContext, runs: Run[],
): Promise<void> {
  const status = statusLine(context);
  const short = new Set<string>();
  try {
    for (let repeat = 0; repeat <= options.repeat; repeat++) {
      for (const [place, batch] of batches.entries()) {
        for (const method of rotated(chosen, repeat + place)) {
          const round = repeat === 0 ? "warm-up" : `repeat ${repeat} of ${options.repeat}`;
          status.show(`${round}, batch ${batch}, ${method.name}`);
          const sample = await method.run({ worker, workload, batch, seed: options.seed + repeat * MAX_LANES, signal: context.signal });
          if (repeat > 0) runs.push({ repeat, batch, method: method.name, sample });
          if (sample.tokens !== batch * workload.newTokens) short.add(`${method.name} at batch ${batch}`);
          status.detail(`${formatFigure(sample.tokensPerSecond)} tok/s`);
        }
      }
    }
  } finally {
    status.clear();
    if (short.size > 0) notices.push(`Lanes ended before ${workload.newTokens} tokens: ${[...short].join(", ")}.`);
  }
}

async function print(report: BenchReport, context: CliContext): Promise<void> {
  const { terminal } = context;
  if (report.options.json) await writeJson(context.stdout, benchJson(report));
  else await writeLines(context.stdout, benchLines(report, terminal.theme, terminal.width()), terminal.theme);
}

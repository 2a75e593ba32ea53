// octet eval loss: how well the models foretell held-out files, in bits per byte of UTF-8.
import type { Command } from "commander";
import type { GenerateParams, LoadResult, Prompt } from "../../../protocol/worker";
import type { CliContext } from "../context";
import { failure } from "../errors";
import { formatCount, plural } from "../format";
import { choosePair } from "../models";
import type { ModelOptions } from "../options";
import { statusLine } from "../statusLine";
import type { WorkerApi } from "../workerApi";
import { lossRows, type LossRow, type LossSample } from "./loss";
import { remaining, runMeasurement } from "./measurement";
import { addCommonOptions } from "./options";
import { seededRandom, shuffled } from "./random";
import { checkOutput, print, type OutputOptions } from "./report";
import { SLACK_TOKENS } from "./runEval";
import { readSourceFiles, type SourceFile } from "./sourceFiles";
import { windows } from "./window";

interface LossOptions extends ModelOptions, OutputOptions {
  files: string;
  seed: number;
  limit?: number;
}

type Scorer = "target" | "draft";

const CONTEXT_TOKENS = 2048;

export function addLoss(parent: Command, run: (command: (context: CliContext) => Promise<number>) => Promise<void>): void {
  const command = parent.command("loss")
    .description("bits per byte of held-out files under the target and the draft")
    .requiredOption("--files <DIR>", "folder with source files the models were not trained on");
  addCommonOptions(command).action((options: LossOptions) => run((context) => loss(options, context)));
}

async function loss(options: LossOptions, context: CliContext): Promise<number> {
  checkOutput(options);
  const pair = choosePair(options, context.root);
  const all = await readSourceFiles(options.files, context.signal);
  const files = shuffled(all, seededRandom(options.seed, "files")).slice(0, options.limit);
  const samples: LossSample[] = [];
  const { device, threads, kv: kvType } = options;
  return runMeasurement({
    load: { ...pair, device, threads, lanes: 1, contextTokens: options.context || CONTEXT_TOKENS, kvType },
    measure: (worker, loaded) => scoreAll(worker, loaded, files, samples, context),
    hasResults: () => samples.length > 0,
    report: (loaded) => report(loaded, files.length, options, samples, context),
  }, context);
}

async function scoreAll(
  worker: WorkerApi, loaded: LoadResult, files: readonly SourceFile[], samples: LossSample[], context: CliContext,
): Promise<void> {
  const scorers: Scorer[] = loaded.draft ? ["target", "draft"] : ["target"];
  const tokenize = async (text: string): Promise<number[]> => (await worker.tokenize(text)).tokens;
  const newline = await tokenize("\n");
  const status = statusLine(context);
  const start = performance.now();
  try {
    for (const [index, { name, language, text }] of files.entries()) {
      status.show(`file ${index + 1} of ${files.length}${remaining(start, index, files.length)}`);
      const draft = loaded.draft ? 0 : null;
      const sample: LossSample = { file: name, language, bytes: Buffer.byteLength(text), tokens: 0, target: 0, draft };
      for (const piece of await windows(text, loaded.contextTokens - SLACK_TOKENS, tokenize)) {
        for (const scorer of scorers) {
          const bits = await bitsOf(piece, scorer, newline, worker, context.signal);
          sample[scorer] = (sample[scorer] ?? 0) + bits;
        }
        sample.tokens += piece.tokens.length;
      }
      samples.push(sample);
    }
  } finally {
    status.clear();
  }
}

/**
 * Bits of all tokens of the text. Its first one is foretold from the model's begin-of-text token; where the model starts
 * texts with none, from a newline.
 */
async function bitsOf(
  { text, tokens }: { text: string; tokens: number[] }, scorer: Scorer, newline: readonly number[], worker: WorkerApi, signal: AbortSignal,
): Promise<number> {
  const count = tokens.length;
  let logprobs = await score(worker, { kind: "text", text }, scorer, signal);
  if (logprobs.length < count) logprobs = await score(worker, { kind: "tokens", tokens: [...newline, ...tokens] }, scorer, signal);
  return -logprobs.slice(-count).reduce((sum, logprob) => sum + logprob, 0) / Math.LN2;
}

async function score(worker: WorkerApi, prompt: Prompt, scorer: Scorer, signal: AbortSignal): Promise<number[]> {
  const params: GenerateParams = {
    id: "eval", prompt, score: scorer, lanes: 1, maxTokens: 1, sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 0 },
    stop: [], stopTokens: [], budgetMs: null, draftLength: "none",
  };
  const { promptLogprobs } = await worker.generate(params, { signal });
  signal.throwIfAborted();
  if (!promptLogprobs?.every(Number.isFinite)) throw failure("The model gave no log-probabilities of a text");
  return promptLogprobs;
}

async function report(
  loaded: LoadResult, wanted: number, options: LossOptions, samples: readonly LossSample[], context: CliContext,
): Promise<void> {
  const rows = lossRows(samples);
  const windowTokens = loaded.contextTokens - SLACK_TOKENS;
  const notices = [...loaded.notices];
  if (samples.length < wanted) notices.push(`Stopped after ${samples.length} of ${plural(wanted, "file")}.`);
  const column = (header: string): { header: string; align: "right" } => ({ header, align: "right" });
  await print({
    loaded,
    work: `loss, ${plural(samples.length, "file")}, in windows of at most ${plural(windowTokens, "token")}, each scored from its own beginning.`,
    legend: "target, draft: bits per byte of UTF-8, at temperature 1 without truncation; fewer are better.",
    tables: [{
      columns: [{ header: "language", align: "left" }, ...["files", "bytes", "bytes/token", "target", "draft"].map(column)],
      rows: rows.map(cells),
    }],
    lines: [],
    notices,
    json: {
      suite: "loss",
      parameters: { seed: options.seed, contextTokens: loaded.contextTokens, windowTokens, kvType: options.kv },
      complete: samples.length === wanted,
      summary: rows,
      files: samples,
    },
  }, options, context);
}

const bits = (value: number | null): string => (value === null ? "–" : value.toFixed(3));
const cells = (row: LossRow): string[] => [
  row.language, String(row.files), formatCount(row.bytes), row.bytesPerToken === null ? "–" : row.bytesPerToken.toFixed(2),
  bits(row.target), bits(row.draft),
];

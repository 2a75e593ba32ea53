// octet generate: several completions of one prompt, live on a terminal, ranked at the end.
import type {
  DraftLength, GenerateParams, GenerateResult, LoadParams, LoadResult, Prompt, TextSpan,
} from "../../protocol/worker";
import { unlessCancelled, withWorker, type CliContext } from "./context";
import { badInput, ExitCode } from "./errors";
import { fitToContext } from "./fit";
import { readPrompt } from "./input";
import { LiveView } from "./liveView";
import { choosePair, type Pair } from "./models";
import type { Place } from "./numbers";
import { randomSeed, type ModelOptions, type SamplingOptions } from "./options";
import { ProgressLines, silentProgress, type ProgressView } from "./progress";
import { reportLines } from "./report";
import { writeJson, writeLines } from "./write";

/** Rules and totals are no wider; the completions themselves are never wrapped. */
const MAX_COLUMNS = 100;

export interface GenerateOptions extends ModelOptions, SamplingOptions {
  suffixFile?: string;
  at?: Place;
  lanes: number;
  maxTokens: number;
  /** --max-tokens was given. */
  maxTokensGiven: boolean;
  heal: boolean;
  budgetMs?: number;
  stop?: string[];
  draftLength?: DraftLength;
  json?: boolean;
}

export async function generate(file: string | undefined, options: GenerateOptions, context: CliContext): Promise<number> {
  if (file === undefined && context.stdin.isTTY) throw badInput("There is no prompt", "Name a file, or pipe some code in.");
  const pair = choosePair(options, context.root);
  const prompt = await readPrompt({ file: file ?? "-", suffixFile: options.suffixFile, at: options.at }, context.stdin, context.signal);
  const seed = options.seed ?? randomSeed();
  const budgetMs = options.budgetMs ?? null;
  const view = makeView(options, budgetMs, context);
  let done: Done | null;
  try {
    done = await withWorker(context, options.device, async (worker) => {
      const loaded = await worker.load(loadParams(options, pair), { signal: context.signal, onProgress: (progress) => view.onLoad(progress) });
      const fitted = await fitToContext(prompt, loaded, { ...options, oneText: options.at !== undefined }, async (text) => {
        context.signal.throwIfAborted();
        return (await worker.tokenize(text)).tokens.length;
      });
      const params = generateParams(options, fitted.prompt, loaded, seed);
      view.onLoaded(loaded, params.lanes);
      const result = await unlessCancelled(worker.generate(params, {
        signal: context.signal,
        onProgress: (progress) => view.onProgress(progress),
      }));
      const notices = [...loaded.notices, ...(fitted.notice === null ? [] : [fitted.notice]), ...(result?.notices ?? [])];
      return result && { loaded, params, result, notices };
    });
  } finally {
    view.close();
  }
  if (done) await print(done, view, options, context);
  return context.signal.aborted ? ExitCode.cancelled : ExitCode.done;
}

function makeView(options: GenerateOptions, budgetMs: number | null, context: CliContext): ProgressView {
  const wanted = { lanes: options.lanes, maxTokens: options.maxTokens, budgetMs };
  if (context.terminal.live && !options.json) return new LiveView(context.stdout, context.terminal, wanted);
  return options.json && !context.terminal.watched ? silentProgress : new ProgressLines(context.stderr, wanted);
}

function loadParams(options: GenerateOptions, pair: Pair): LoadParams {
  return {
    ...pair,
    device: options.device,
    threads: options.threads,
    lanes: options.lanes,
    contextTokens: options.context,
    kvType: options.kv,
  };
}

function generateParams(options: GenerateOptions, prompt: Prompt, loaded: LoadResult, seed: number): GenerateParams {
  const { temperature, topP, topK, minP } = options;
  return {
    id: "generate",
    prompt,
    lanes: Math.min(options.lanes, loaded.lanes),
    maxTokens: options.maxTokens,
    sampling: { temperature, topP, topK, minP, seed },
    stop: options.stop ?? [],
    stopTokens: [],
    budgetMs: options.budgetMs ?? null,
    draftLength: options.draftLength ?? "auto",
    heal: options.heal,
  };
}

interface Done {
  loaded: LoadResult;
  params: GenerateParams;
  result: GenerateResult;
  /** Of the load, of the prompt that was cut, and of the request. */
  notices: string[];
}

async function print(done: Done, view: ProgressView, options: GenerateOptions, context: CliContext): Promise<void> {
  if (options.json) return writeJson(context.stdout, jsonDocument(done, options));
  const spans = new Map<number, readonly TextSpan[]>(
    view instanceof LiveView ? view.state.lanes.map((lane) => [lane.lane, lane.spans]) : [],
  );
  const { loaded, params, result, notices } = done;
  const columns = Math.min(context.terminal.width(), MAX_COLUMNS);
  const { theme } = context.terminal;
  await writeLines(context.stdout, reportLines({ result, loaded, notices, seed: params.sampling.seed, spans }, theme, columns), theme);
}

/** The document of --json; docs/generate.schema.json describes it. */
function jsonDocument({ loaded, params, result, notices }: Done, options: GenerateOptions): unknown {
  const { prompt, sampling, id: _id, ...rest } = params;
  const { alone: _alone, ...totals } = result.totals; // its worker has no other
  return {
    sequences: result.sequences,
    totals,
    models: { target: loaded.target, draft: loaded.draft },
    device: loaded.device,
    ...(loaded.split ? { split: loaded.split } : {}),
    parameters: {
      prompt: prompt.kind,
      ...rest,
      ...sampling,
      device: options.device,
      runtime: loaded.runtime,
      threads: loaded.threads,
      contextTokens: loaded.contextTokens,
      kvType: options.kv,
    },
    memory: loaded.memory,
    loadMs: loaded.loadMs,
    notices,
  };
}

// Runs a suite: every problem by every method, judged, in turns so that drift hits all methods alike. What is done is kept,
// whatever ends the run.
import os from "node:os";
import { MAX_LANES, type Prompt } from "../../../protocol/worker";
import { rotated } from "../benchTable";
import type { CliContext } from "../context";
import { statusLine } from "../statusLine";
import type { WorkerApi } from "../workerApi";
import { attempt, type Attempt, type DecodeSettings, type EvalMethod } from "./attempt";
import { remaining } from "./measurement";
import { hasFinished, type Judged, type JudgedCandidate, type ProblemRecord } from "./metrics";
import type { Records } from "./records";

export interface Problem {
  id: string;
  groups: Record<string, string>;
  prompt: Prompt;
  stop: readonly string[];
  maxTokens: number;
  /** Whether a completion is right; asked once for each different text. */
  judge(completion: string, signal: AbortSignal): Promise<{ right: boolean; detail?: string }>;
}

export interface SuiteRun {
  worker: WorkerApi;
  problems: readonly Problem[];
  methods: readonly EvalMethod[];
  settings: DecodeSettings;
  seed: number;
  records: Records;
  /** Where finished records go, those of earlier runs first. */
  into: ProblemRecord[];
}

const WARM_UP_TOKENS = 4;

/** Rejects when cancelled; `into` then holds the problems done. */
export async function runSuite(run: SuiteRun, context: CliContext): Promise<void> {
  const { problems, records, into } = run;
  for (const { id } of problems) {
    const record = records.done.get(id);
    if (record) into.push(record);
  }
  const left = problems.map((problem, place) => ({ problem, place })).filter(({ problem }) => !records.done.has(problem.id));
  const [first] = left;
  if (!first) return;
  await warmUp(run, first.problem, context.signal);
  const status = statusLine(context);
  const start = performance.now();
  try {
    for (const [count, { problem, place }] of left.entries()) {
      const record: ProblemRecord = { problem: problem.id, groups: problem.groups, methods: {} };
      const verdicts = new Map<string, Verdict>();
      for (const method of rotated(run.methods, place)) {
        status.show(`${into.length + 1} of ${problems.length}, ${method}${remaining(start, count, left.length)}`);
        record.methods[method] = await judgeAll(await decode(run, problem, place, method, context.signal), problem, verdicts, context.signal);
      }
      await records.add(record);
      into.push(record);
    }
  } finally {
    status.clear();
  }
}

/** The first pass of a process is slower than all others: its pages are not in memory yet. */
async function warmUp(run: SuiteRun, problem: Problem, signal: AbortSignal): Promise<void> {
  for (const method of run.methods) {
    await attempt(method, run.worker, { ...run.settings, maxTokens: WARM_UP_TOKENS, lanes: 1 }, { ...problem, seed: run.seed }, signal);
  }
}

function decode(run: SuiteRun, problem: Problem, place: number, method: EvalMethod, signal: AbortSignal): Promise<Attempt> {
  const settings = { ...run.settings, maxTokens: problem.maxTokens };
  return attempt(method, run.worker, settings, { ...problem, seed: run.seed + place * MAX_LANES }, signal);
}

type Verdict = Awaited<ReturnType<Problem["judge"]>>;

/** Nothing is decoded meanwhile, so judging costs no method any time. */
async function judgeAll(made: Attempt, problem: Problem, verdicts: Map<string, Verdict>, signal: AbortSignal): Promise<Judged> {
  const texts = [...new Set(made.candidates.filter(hasFinished).map(({ text }) => text))].filter((text) => !verdicts.has(text));
  const next = texts.values();
  const work = async (): Promise<void> => {
    for (const text of next) verdicts.set(text, await problem.judge(text, signal));
  };
  await Promise.all(Array.from({ length: Math.min(texts.length, os.availableParallelism()) }, work));
  return {
    figures: made.figures,
    candidates: made.candidates.map((candidate): JudgedCandidate => ({
      ...candidate, right: null, ...(hasFinished(candidate) ? verdicts.get(candidate.text) : undefined),
    })),
  };
}

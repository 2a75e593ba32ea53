// Pass@First, Pass@All and Pass@Finished of the BASS paper, and the speed that goes with them, over a set of problems.
import { mean, ratio } from "../statistics";
import type { Candidate, EvalMethod, Figures } from "./attempt";
import { bootstrap, wilson, type Interval } from "./intervals";

export interface JudgedCandidate extends Candidate {
  /** Whether it solves the problem; null where it did not finish, which nobody judges. */
  right: boolean | null;
  /** Why not, where a program said. */
  detail?: string;
}

/** What one method made of one problem. */
export interface Judged {
  candidates: JudgedCandidate[];
  figures: Figures;
}

export interface ProblemRecord {
  problem: string;
  /** What the problem counts with, e.g. { kind: "single-line", language: "python" }. */
  groups: Record<string, string>;
  methods: Partial<Record<EvalMethod, Judged>>;
}

/** A lane has finished when it came to its own end: end of text or a stop string, not the budget or the token limit. */
export const hasFinished = ({ finishReason }: Pick<Candidate, "finishReason">): boolean => finishReason === "end" || finishReason === "stop";

/** The finished candidate with the best mean log-probability, the earlier lane on a tie. */
export function bestFinished<T extends Candidate>(candidates: readonly T[]): T | undefined {
  return candidates.filter(hasFinished).reduce<T | undefined>(
    (best, candidate) => (best && (best.meanLogprob ?? -Infinity) >= (candidate.meanLogprob ?? -Infinity) ? best : candidate), undefined);
}

export interface Estimate {
  value: number;
  interval: Interval | null;
}

export interface Metrics {
  problems: number;
  /** Share of problems whose best-ranked finished candidate is right; a problem without one counts as wrong. */
  passFirst: Estimate | null;
  /** Share of problems with a finished candidate that is right. */
  passAll: Estimate | null;
  /** Share of all finished candidates that are right. */
  passFinished: Estimate | null;
  /** Finished candidates of a problem, mean. */
  finished: Estimate | null;
  /** Means over problems. */
  msPerToken: { first: number | null; last: number | null; all: number | null };
  /** All tokens over all decoding time, prompts left out. */
  tokensPerSecond: Estimate | null;
  acceptanceRate: number | null;
  prefillMs: number | null;
}

export function metricsOf(attempts: readonly Judged[]): Metrics {
  const isRight = (judged: Judged): boolean => bestFinished(judged.candidates)?.right === true;
  const anyRight = (judged: Judged): boolean => judged.candidates.some(({ right }) => right === true);
  const finished = (judged: Judged): number => judged.candidates.filter(hasFinished).length;
  const right = (judged: Judged): number => judged.candidates.filter((candidate) => candidate.right === true).length;
  const overMs = (value: (figures: Figures) => number | null): number | null =>
    mean(attempts.map(({ figures }) => value(figures)).filter((ms): ms is number => ms !== null));
  return {
    problems: attempts.length,
    passFirst: proportion(attempts, isRight),
    passAll: proportion(attempts, anyRight),
    passFinished: estimate(attempts, (sample) => ratio(sum(sample, right), sum(sample, finished))),
    finished: estimate(attempts, (sample) => ratio(sum(sample, finished), sample.length)),
    msPerToken: { first: overMs(({ first }) => first), last: overMs(({ last }) => last), all: overMs(({ all }) => all) },
    tokensPerSecond: estimate(attempts, tokensPerSecond),
    acceptanceRate: ratio(sum(attempts, ({ figures }) => figures.accepted), sum(attempts, ({ figures }) => figures.drafted)),
    prefillMs: overMs(({ prefillMs }) => prefillMs),
  };
}

const tokensPerSecond = (sample: readonly Judged[]): number | null => {
  const perMs = ratio(sum(sample, ({ figures }) => figures.tokens), sum(sample, ({ figures }) => figures.decodeMs));
  return perMs === null ? null : perMs * 1000;
};

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

export function proportion<T>(items: readonly T[], holds: (item: T) => boolean): Estimate | null {
  const count = items.filter(holds).length;
  return items.length === 0 ? null : { value: count / items.length, interval: wilson(count, items.length) };
}

export function estimate<T>(items: readonly T[], figure: (sample: readonly T[]) => number | null): Estimate | null {
  const value = figure(items);
  return value === null ? null : { value, interval: bootstrap(items, figure) };
}

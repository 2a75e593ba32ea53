// Solutions as a host would send them, made up but lifelike: code that eight lanes write, cut into tokens, drafts that are
// mostly accepted, and steps of about the same time. The same seed makes the same run.

import type { SolutionsChange, SolutionsLane, SolutionsLaneChange, SolutionsState, SolutionsTotals } from "../../protocol/solutionsView";
import { SPARKLINE_POINTS } from "../../protocol/solutionsView";
import type { FinishReason, TextSpan } from "../../protocol/worker";

export const BODIES = [
  `  let best: [Point, Point] | undefined;
  let shortest = Infinity;
  for (let i = 0; i < points.length; i++) {
    for (let j = i + 1; j < points.length; j++) {
      const d = distance(points[i], points[j]);
      if (d < shortest) { shortest = d; best = [points[i], points[j]]; }
    }
  }
  return best;
}`,
  `  if (points.length < 2) return undefined;
  const sorted = [...points].sort((a, b) => a.x - b.x);
  return divide(sorted, 0, sorted.length - 1);
}`,
  `  return points
    .flatMap((a, i) => points.slice(i + 1).map((b) => [a, b] as [Point, Point]))
    .reduce((best, pair) => (!best || distance(...pair) < distance(...best) ? pair : best), undefined);
}`,
  `  // Bucket the points on a grid of the shortest distance seen so far.
  const grid = new Map<string, Point[]>();
  let closest: [Point, Point] | undefined;
  let radius = Number.POSITIVE_INFINITY;
  for (const point of shuffle(points)) {
    const near = neighbours(grid, point, radius);
    for (const other of near) {
      const d = distance(point, other);
      if (d < radius) {
        radius = d;
        closest = [point, other];
        rebuild(grid, points, radius);
      }
    }
    insert(grid, point, radius);
  }
  if (closest === undefined) throw new Error(\`no pair among \${points.length} points\`);
  return closest;
}`,
];

/** A stream of numbers from 0 to 1 that depends on the seed alone. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const ORIGIN: SolutionsState["origin"] = {
  uri: "file:///project/geometry.ts",
  file: "geometry.ts",
  symbol: "closestPair",
  line: 9,
  languageId: "typescript",
  tabSize: 2,
  leadIn: "export function closestPair(points: Point[]): [Point, Point] | undefined {\n",
};

export const TOTALS: SolutionsTotals = {
  msPerToken: null,
  tokensPerSecond: null,
  acceptanceRate: null,
  tokensPerStep: null,
  draftLength: null,
  ratioToPlain: null,
  tokens: 0,
  elapsedMs: 0,
  budgetMs: 4000,
};

export const emptyLane = (id: number, state: SolutionsLane["state"] = "waiting"): SolutionsLane => ({
  id,
  state,
  rank: null,
  duplicateOf: null,
  text: [],
  tokens: 0,
  meanLogprob: null,
  msPerToken: null,
  drafted: 0,
  accepted: 0,
  latencies: [],
  repetitive: false,
});

export const emptyState = (lanes: number): SolutionsState => ({
  origin: ORIGIN,
  phase: { kind: "prefill", done: 0, total: 812, reused: 0 },
  totals: TOTALS,
  lanes: Array.from({ length: lanes }, (_, id) => emptyLane(id)),
  notices: [],
});

const tokenise = (text: string): string[] => text.match(/\n\s*|\s?[A-Za-z0-9_]+|\s?[^\sA-Za-z0-9_]{1,2}|\s+/g) ?? [];

interface Writer {
  lane: SolutionsLane;
  tokens: string[];
  at: number;
  logprobs: number;
  elapsed: number;
}

export interface RunOptions {
  lanes: number;
  bodies?: readonly string[];
  seed?: number;
  stepMs?: number;
  draftLength?: number;
  reason?: FinishReason;
}

/** A run that is written step by step; the host's state, and the changes that a view is sent. */
export class SyntheticRun {
  readonly state: SolutionsState;
  private readonly writers: Writer[];
  private readonly random: () => number;
  private steps = 0;
  private readonly stepMs: number;
  private readonly draftLength: number;
  private readonly reason: FinishReason;

  constructor({ lanes, bodies = BODIES, seed = 7, stepMs = 5, draftLength = 6, reason = "end" }: RunOptions) {
    this.state = emptyState(lanes);
    this.random = random(seed);
    this.stepMs = stepMs;
    this.draftLength = draftLength;
    this.reason = reason;
    this.writers = this.state.lanes.map((lane, index) => ({
      lane,
      tokens: tokenise(bodies[index % bodies.length] ?? ""),
      at: 0,
      logprobs: 0,
      elapsed: 0,
    }));
  }

  get done(): boolean {
    return this.state.phase.kind === "done";
  }

  /** Some steps as one change, as a host would batch them. */
  advance(steps: number): SolutionsChange {
    const changes = new Map<number, SolutionsLaneChange>();
    for (let step = 0; step < steps && !this.done; step++) this.step(changes);
    return { phase: this.state.phase, totals: this.state.totals, lanes: [...changes.values()] };
  }

  private step(changes: Map<number, SolutionsLaneChange>): void {
    this.steps++;
    const stepMs = this.stepMs * (0.9 + 0.2 * this.random()) * (this.steps % 29 === 0 ? 1.7 : 1);
    for (const writer of this.writers) {
      if (writer.lane.state !== "waiting" && writer.lane.state !== "writing") continue;
      this.write(writer, stepMs, changes);
    }
    this.rank(changes);
    const { state } = this;
    const live = state.lanes.some(({ state: at }) => at === "waiting" || at === "writing");
    const tokens = state.lanes.reduce((sum, lane) => sum + lane.tokens, 0);
    const drafted = state.lanes.reduce((sum, lane) => sum + lane.drafted, 0);
    const accepted = state.lanes.reduce((sum, lane) => sum + lane.accepted, 0);
    const elapsedMs = state.totals.elapsedMs + stepMs;
    const latencies = state.lanes.map(({ msPerToken }) => msPerToken ?? 0);
    state.phase = { kind: live ? "writing" : "done" };
    state.totals = {
      msPerToken: latencies.reduce((a, b) => a + b, 0) / latencies.length,
      tokensPerSecond: (tokens / elapsedMs) * 1000,
      acceptanceRate: accepted / drafted,
      tokensPerStep: 1 + (accepted / drafted) * this.draftLength,
      draftLength: this.draftLength,
      ratioToPlain: 2.4,
      tokens,
      elapsedMs,
      budgetMs: state.totals.budgetMs,
    };
  }

  private write(writer: Writer, stepMs: number, changes: Map<number, SolutionsLaneChange>): void {
    const { lane, tokens } = writer;
    let kept = 0;
    while (kept < this.draftLength && this.random() < 0.74) kept++;
    const gained = tokens.slice(writer.at, writer.at + kept + 1);
    writer.at += gained.length;
    writer.elapsed += stepMs;
    for (const _ of gained) writer.logprobs -= this.random() ** 3 * (0.6 + 0.25 * lane.id);
    const text: TextSpan[] = gained.map((token, index) => ({ text: token, accepted: index < kept }));
    const latency = stepMs / Math.max(1, gained.length);
    lane.tokens += gained.length;
    lane.drafted += this.draftLength;
    lane.accepted += Math.min(kept, gained.length);
    lane.msPerToken = writer.elapsed / lane.tokens;
    lane.meanLogprob = writer.logprobs / lane.tokens;
    lane.state = writer.at >= tokens.length ? this.reason : "writing";
    lane.text.push(...text);
    lane.latencies = [...lane.latencies, latency].slice(-SPARKLINE_POINTS);
    const change = changes.get(lane.id) ?? { id: lane.id, text: [], latencies: [] };
    const { tokens: count, drafted, accepted, msPerToken, meanLogprob, state } = lane;
    Object.assign(change, { tokens: count, drafted, accepted, msPerToken, meanLogprob, state });
    change.text?.push(...text);
    change.latencies?.push(latency);
    changes.set(lane.id, change);
  }

  private rank(changes: Map<number, SolutionsLaneChange>): void {
    const ended = this.state.lanes.filter(({ state }) => state !== "waiting" && state !== "writing");
    ended.sort((a, b) => (b.meanLogprob ?? -Infinity) - (a.meanLogprob ?? -Infinity) || a.id - b.id);
    const bestOf = new Map<string, SolutionsLane>();
    let rank = 0;
    for (const lane of ended) {
      const text = lane.text.map((span) => span.text).join("");
      const best = bestOf.get(text);
      const [place, duplicateOf] = best ? [best.rank, best.id] : [++rank, null];
      if (!best) bestOf.set(text, lane);
      if (lane.rank === place && lane.duplicateOf === duplicateOf) continue;
      lane.rank = place;
      lane.duplicateOf = duplicateOf;
      changes.set(lane.id, { ...(changes.get(lane.id) ?? { id: lane.id }), rank: place, duplicateOf });
    }
  }
}

// What the worker's events mean for the Solutions view: which lane writes what how fast, ranks, totals, phases.
import type { RunPhase, SolutionsChange, SolutionsLane, SolutionsOrigin, SolutionsState } from "../../protocol/solutionsView";
import type { ErrorReport } from "../../protocol/webview";
import type { GenerateProgressParams, GenerateResult, LaneEvent, StepEvent } from "../../protocol/worker";
import type { CursorContext } from "../completion/context";
import { isRepetitive } from "../completion/repetition";
import type { ViewSource } from "../views/channel";
import { systemClock, type Clock } from "../worker/async";
import { Block } from "./block";
import { hasEnded, ranking, textOf } from "./ranking";
import { TrackedSolutions } from "./tracked";

/** One request's share of the run. */
export interface Batch {
  /** Panel ids in order of the worker's lanes. */
  readonly ids: readonly number[];
  /** Of each lane, where lanes end by their block. */
  readonly blocks: readonly Block[] | null;
  decodeStartMs: number | null;
  decodeMs: number;
}

export class SolutionsRun implements ViewSource<SolutionsState, SolutionsChange> {
  private readonly state: TrackedSolutions;
  private readonly batches: Batch[] = [];
  private readonly logprobs = new Map<number, number>();
  /** Over all steps: how many, their draft lengths, the lanes that were live in them, and the tokens that these gained. */
  private readonly sums = { steps: 0, draftLengths: 0, laneSteps: 0, gained: 0 };
  private next: number;
  private startedAt: number;

  /** `first` is the id of the first lane. */
  constructor(
    origin: SolutionsOrigin, private readonly onChange: () => void = () => undefined, private readonly clock: Clock = systemClock, readonly first = 0,
  ) {
    this.next = first;
    this.startedAt = clock.now();
    this.state = new TrackedSolutions(origin, () => this.elapsedMs);
  }

  /** A run as a view remembered it: what had not ended was cut off. */
  static restored(state: SolutionsState, onChange?: () => void, clock?: Clock): SolutionsRun {
    const run = new SolutionsRun(state.origin, onChange, clock);
    run.state.restore({ ...state, phase: state.phase.kind === "failed" ? state.phase : { kind: "done" } });
    run.next = Math.max(0, ...state.lanes.map(({ id }) => id + 1));
    const { tokens, tokensPerSecond } = state.totals;
    run.batches.push({ ids: [], blocks: null, decodeStartMs: 0, decodeMs: tokensPerSecond ? (tokens / tokensPerSecond) * 1000 : 0 });
    run.close(state.lanes.map(({ id }) => id), "cancelled");
    return run;
  }

  /** A run of another place in the same panel: its lanes have other ids. */
  renewed(origin: SolutionsOrigin): SolutionsRun {
    return new SolutionsRun(origin, this.onChange, this.clock, this.next);
  }

  get running(): boolean {
    return this.state.running;
  }

  get origin(): SolutionsOrigin {
    return this.state.origin;
  }

  get lanes(): readonly SolutionsLane[] {
    return this.state.lanes;
  }

  get elapsedMs(): number {
    return this.clock.now() - this.startedAt;
  }

  lane(id: number): SolutionsLane | undefined {
    return this.state.lane(id);
  }

  /** More lanes, waiting; returns their ids. The clock of the run starts again. */
  begin(lanes: number, budgetMs: number | null): number[] {
    const ids = Array.from({ length: lanes }, () => this.next++);
    for (const id of ids) this.state.add(id);
    this.startedAt = this.clock.now();
    this.state.setPhase({ kind: "queued" });
    this.state.setTotals({ elapsedMs: 0, budgetMs, draftLength: null });
    this.onChange();
    return ids;
  }

  /** Takes away the lanes that failed; returns how many. */
  removeFailed(): number {
    const failed = this.lanes.filter(({ state }) => state === "failed").map(({ id }) => id);
    this.state.remove(failed);
    this.onChange();
    return failed.length;
  }

  setOrigin(origin: Partial<SolutionsOrigin>): void {
    this.state.setOrigin(origin);
    this.onChange();
  }

  phase(phase: Extract<RunPhase, { kind: "loading" | "queued" }>): void {
    if (!this.running) return;
    if (phase.kind === "queued") this.startedAt = this.clock.now(); // loading is not the run's time
    this.state.setPhase(phase);
    this.onChange();
  }

  measured(ratioToPlain: number | null): void {
    this.state.setTotals({ ratioToPlain });
    this.onChange();
  }

  notice(sentences: readonly string[]): void {
    this.state.notice(sentences);
    this.onChange();
  }

  /** One request now writes these lanes; with `context` each until its block ends. */
  batch(ids: readonly number[], context: CursorContext | null = null): Batch {
    const batch: Batch = { ids, blocks: context && ids.map(() => new Block(context)), decodeStartMs: null, decodeMs: 0 };
    this.batches.push(batch);
    return batch;
  }

  /** Returns the worker's lanes that have just gone past their block and write on. */
  progress(batch: Batch, { prefill, steps }: GenerateProgressParams): number[] {
    if (!this.running) return [];
    const past: number[] = [];
    if (prefill && steps.length === 0 && batch.decodeStartMs === null) this.state.setPhase({ kind: "prefill", ...prefill });
    if (steps.length > 0 && this.state.kind !== "writing") this.state.setPhase({ kind: "writing" });
    let ended = false;
    for (const step of steps) ended = this.step(batch, step, past) || ended;
    if (ended) this.rank();
    const last = steps.findLast(({ lanes }) => lanes.some(({ tokens }) => tokens.length > 0));
    if (last) this.state.setTotals({ draftLength: last.draftLength });
    if (steps.length > 0) this.sum();
    this.onChange();
    return past;
  }

  /** The request's result corrects what was summed up on the way. */
  ended(batch: Batch, { sequences, totals, notices }: GenerateResult): void {
    for (const { lane: at, text, finishReason: state, tokens, drafted, accepted, msPerToken, meanLogprob } of sequences) {
      const lane = this.laneOf(batch, at);
      const block = batch.blocks?.[at];
      if (!lane || (block?.ended && lane.state === "stop")) continue;
      this.complete(lane, text, block);
      this.state.set(lane, { state: block?.ended ? "stop" : state, drafted, accepted, msPerToken, meanLogprob, tokens: tokens.length });
    }
    batch.decodeMs = totals.decodeMs;
    this.state.notice(notices);
    this.rank();
    this.sum();
    this.onChange();
  }

  /** The text as the result has it, or what of it belongs to the block. */
  private complete(lane: SolutionsLane, text: string, block: Block | undefined): void {
    const written = block ? block.written : textOf(lane);
    const rest = text.startsWith(written) ? [{ text: text.slice(written.length), accepted: false }] : null;
    if (!block || !rest) return rest ? this.state.write(lane, rest[0]!) : this.state.rewrite(lane, text);
    for (const span of [...block.add(rest), ...block.finish()]) this.state.write(lane, span);
  }

  /** Ends lanes that have not ended by themselves. */
  close(ids: readonly number[], state: "cancelled" | "budget" | "failed"): void {
    for (const id of ids) {
      const lane = this.lane(id);
      if (lane && !hasEnded(lane)) this.state.set(lane, { state });
    }
    this.rank();
    this.onChange();
  }

  done(): void {
    this.finish({ kind: "done" }, "cancelled");
  }

  failed(error: ErrorReport): void {
    this.finish({ kind: "failed", error }, "failed");
  }

  snapshot(): SolutionsState {
    return this.state.snapshot();
  }

  take(): SolutionsChange | "all" | null {
    return this.state.take();
  }

  drop(): void {
    this.state.drop();
  }

  private step(batch: Batch, step: StepEvent, past: number[]): boolean {
    batch.decodeStartMs ??= step.atMs - step.stepMs;
    batch.decodeMs = step.atMs - batch.decodeStartMs;
    const wrote = step.lanes.some(({ tokens }) => tokens.length > 0); // else it only tells of lanes that ended
    this.sums.steps += wrote ? 1 : 0;
    this.sums.draftLengths += wrote ? step.draftLength : 0;
    let ended = false;
    for (const event of step.lanes) {
      const lane = this.laneOf(batch, event.lane);
      if (!lane || hasEnded(lane)) continue;
      this.sums.laneSteps += wrote ? 1 : 0;
      this.sums.gained += event.tokens.length;
      const block = batch.blocks?.[event.lane];
      const text = block ? [...block.add(event.text), ...(event.finishReason === undefined ? [] : block.finish())] : event.text;
      const finishReason = block?.ended ? "stop" : event.finishReason;
      this.advance(lane, { ...event, text, ...(finishReason === undefined ? {} : { finishReason }) }, step.stepMs, batch.decodeMs);
      if (block?.ended && event.finishReason === undefined) past.push(event.lane);
      ended ||= finishReason !== undefined;
    }
    return ended;
  }

  private advance(lane: SolutionsLane, event: LaneEvent, stepMs: number, decodeMs: number): void {
    for (const span of event.text) this.state.write(lane, span);
    this.state.set(lane, {
      state: event.finishReason ?? "writing",
      drafted: lane.drafted + event.drafted,
      accepted: lane.accepted + event.accepted,
    });
    const gained = event.tokens.length;
    if (gained === 0) return;
    const tokens = lane.tokens + gained;
    const logprobs = event.logprobs.reduce((sum, logprob) => sum + logprob, this.logprobs.get(lane.id) ?? 0);
    this.logprobs.set(lane.id, logprobs);
    this.state.set(lane, { tokens, meanLogprob: logprobs / tokens, msPerToken: decodeMs / tokens });
    this.state.latency(lane, stepMs / gained);
  }

  private rank(): void {
    for (const lane of this.lanes) {
      const repetitive = hasEnded(lane) && isRepetitive(textOf(lane));
      if (lane.repetitive !== repetitive) this.state.set(lane, { repetitive });
    }
    for (const { id, rank, duplicateOf } of ranking(this.lanes)) {
      const lane = this.lane(id);
      if (lane && (lane.rank !== rank || lane.duplicateOf !== duplicateOf)) this.state.set(lane, { rank, duplicateOf });
    }
  }

  private sum(): void {
    const { lanes } = this;
    const total = (value: (lane: SolutionsLane) => number): number => lanes.reduce((sum, lane) => sum + value(lane), 0);
    const speeds = lanes.flatMap(({ msPerToken }) => msPerToken ?? []);
    const decodeMs = this.batches.reduce((sum, batch) => sum + batch.decodeMs, 0);
    const [tokens, drafted] = [total((lane) => lane.tokens), total((lane) => lane.drafted)];
    this.state.setTotals({
      msPerToken: speeds.length > 0 ? speeds.reduce((sum, speed) => sum + speed, 0) / speeds.length : null,
      tokensPerSecond: decodeMs > 0 ? (tokens / decodeMs) * 1000 : null,
      acceptanceRate: drafted > 0 ? total((lane) => lane.accepted) / drafted : null,
      tokensPerStep: this.sums.laneSteps > 0 ? this.sums.gained / this.sums.laneSteps : null,
      tokens,
    });
  }

  private finish(phase: RunPhase, state: "cancelled" | "failed"): void {
    if (!this.running) return;
    const { steps, draftLengths } = this.sums;
    this.state.setTotals({ elapsedMs: this.elapsedMs, ...(steps > 0 ? { draftLength: draftLengths / steps } : {}) });
    this.state.setPhase(phase);
    this.close(this.lanes.map(({ id }) => id), state);
  }

  private laneOf(batch: Batch, lane: number): SolutionsLane | undefined {
    const id = batch.ids[lane];
    return id === undefined ? undefined : this.lane(id);
  }
}

// Candidates for a place: from the cache, from the request that runs if the text typed since still matches it, or from a new
// one after the debounce. At most one generation is alive: one that no longer matches is cancelled and awaited first.
import type { DraftLength, GenerateResult, Prompt, SamplingParams } from "../../protocol/worker";
import { systemClock, type Clock, type Disposable } from "../worker/async";
import { CompletionCache, type Hit } from "./cache";
import type { CursorContext } from "./context";
import { isWorthKeeping } from "./inFlight";
import { keepShown, type Offered } from "./keepShown";
import type { RequestKey } from "./requestKey";
import type { RequestShape } from "./requestShape";
import { RunningRequest, type Generator } from "./runningRequest";

export interface Ask {
  key: RequestKey;
  context: CursorContext;
  prompt: Prompt;
  shape: RequestShape;
  lanes: number;
  sampling: SamplingParams;
  draftLength: DraftLength;
  budgetMs: number | null;
  /** Debounce before a new request. */
  waitMs: number;
  /** Every lane's candidates, not just the first to be done: for explicit triggers and cycling. */
  all: boolean;
  /**
   * Without `all`: offer once so many lanes have given a candidate. The first lane to be done is often the shortest, seldom
   * the best. Default 1.
   */
  enough?: number;
}

export interface RequestReport {
  prompt: Prompt;
  /** How much of the prompt is computed, 0 to 1; 0 where that is not known. */
  computed: number;
  result: GenerateResult;
  /** From the request's start to its first candidate; null where none came. */
  firstCandidateMs: number | null;
}

export interface CompleterOptions {
  cache?: CompletionCache;
  clock?: Clock;
  onReport?: (report: RequestReport) => void;
}

/** How long a request that nobody waits for may run: the next key asks for it again well within. */
const GRACE_MS = 150;

export class Completer {
  readonly cache: CompletionCache;
  private readonly clock: Clock;
  private readonly onReport: (report: RequestReport) => void;
  /** The latest request, until it has ended. */
  private running: RunningRequest | null = null;
  /** Set while nobody waits for the request that runs. */
  private grace: Disposable | null = null;
  private requests = 0;
  /** Of the latest offer: only it may start a request. */
  private turn = 0;
  private offered: Offered | null = null;

  constructor(private readonly generator: Generator, options: CompleterOptions = {}) {
    this.cache = options.cache ?? new CompletionCache();
    this.clock = options.clock ?? systemClock;
    this.onReport = options.onReport ?? (() => undefined);
  }

  /** null: cancelled, or overtaken by a later call. Rejects as the worker does; a hit may be without candidates. */
  async offer(ask: Ask, signal: AbortSignal): Promise<Hit | null> {
    const turn = ++this.turn;
    const current = () => turn === this.turn && !signal.aborted;
    const cancelled = aborted(signal);
    this.release(ask.key);
    let [waited, started] = [false, false];
    while (current()) {
      const known = this.known(ask);
      if (known) {
        const hit = ask.all ? known : keepShown(known, ask.key, this.offered);
        this.offered = { key: ask.key, hit };
        return hit;
      }
      const { running } = this;
      if (running && this.isOfUse(running, ask.key) && hasLinesFor(ask, running.context)) {
        await this.whileRunning(running, turn, cancelled, signal);
        if (running.error) throw running.error;
      } else if (started) {
        return { candidates: [], complete: false, multiline: ask.shape.multiline, typed: "" };
      } else if (!waited) {
        running?.cancel();
        waited = true;
        await this.wait(ask.waitMs, cancelled);
      } else {
        running?.cancel();
        await running?.ended;
        if (!current()) break;
        this.start(ask);
        started = true;
      }
    }
    return null;
  }

  /** The cursor has come to `key`, or where nothing is completed: ends what is of no use there, without asking for anything. */
  at(key: RequestKey | null): void {
    if (this.release(key)) this.turn += 1;
  }

  /** Ends what runs; later calls of {@link offer} work on. */
  cancel(): void {
    this.turn += 1;
    this.release(null);
  }

  /** For a test that no lane is left: resolves when none runs. */
  async idle(): Promise<void> {
    await this.running?.ended;
  }

  private known(ask: Ask): Hit | null {
    const hit = this.cache.lookup(ask.key, { multilineOnly: needsLines(ask) });
    if (!hit || hit.complete) return hit;
    const { running } = this;
    const mayGrow = running !== null && this.isOfUse(running, ask.key);
    return ask.all || (mayGrow && lanesWith(hit) < (ask.enough ?? 1)) ? null : hit;
  }

  private start({ key, context, prompt, shape, lanes, sampling, draftLength, budgetMs }: Ask): void {
    const startedAt = this.clock.now();
    let firstCandidateMs: number | null = null;
    const { maxTokens, stop } = shape;
    const id = `inline-${++this.requests}`;
    const params = { id, prompt, lanes, maxTokens, sampling, stop, stopTokens: [], budgetMs, draftLength };
    const request: RunningRequest = new RunningRequest(this.generator, key, context, params, {
      onCandidates: (candidates, complete) => {
        if (candidates.length > 0) firstCandidateMs ??= this.clock.now() - startedAt;
        this.cache.put(key, { candidates, complete, multiline: shape.multiline });
      },
      onResult: (result, computed) => this.onReport({ prompt, computed, result, firstCandidateMs }),
    });
    this.running = request;
    void request.ended.then(() => {
      if (this.running === request) this.running = null;
    });
  }

  private isOfUse(running: RunningRequest, key: RequestKey): boolean {
    return !running.done && !running.cancelled && isWorthKeeping(running.key, key, running.lanes);
  }

  /** Cancels what runs unless it is of use at `key`; true where it was cancelled. */
  private release(key: RequestKey | null): boolean {
    this.stopGrace();
    const { running } = this;
    if (!running || running.cancelled || (key && this.isOfUse(running, key))) return false;
    running.cancel();
    return true;
  }

  /** Where the caller gives up waiting, the request has a moment to be taken over by the next. */
  private async whileRunning(running: RunningRequest, turn: number, cancelled: Promise<void>, signal: AbortSignal): Promise<void> {
    await Promise.race([running.changed, cancelled]);
    if (!signal.aborted || turn !== this.turn) return;
    this.stopGrace();
    this.grace = this.clock.setTimeout(() => running.cancel(), GRACE_MS);
  }

  private stopGrace(): void {
    this.grace?.dispose();
    this.grace = null;
  }

  private async wait(ms: number, cancelled: Promise<void>): Promise<void> {
    if (ms <= 0) return;
    let timer: Disposable | undefined;
    const slept = new Promise<void>((resolve) => (timer = this.clock.setTimeout(resolve, ms)));
    await Promise.race([slept, cancelled]);
    timer?.dispose();
  }
}

const lanesWith = ({ candidates }: Hit): number => candidates.reduce((sum, { lanes }) => sum + lanes.length, 0);

/** Automatic triggers take a single line that is known or under way where they would ask for several. */
const needsLines = ({ all, shape }: Ask): boolean => all && shape.multiline;
const hasLinesFor = (ask: Ask, { multiline }: CursorContext): boolean => multiline || !needsLines(ask);

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve(), { once: true })));

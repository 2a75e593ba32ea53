// Worker events and a session that the tests of the views' host side make up.
import fc from "fast-check";
import { Emitter } from "vscode-jsonrpc/node";
import type { FinishReason, GenerateProgressParams, GenerateResult, LaneEvent, LoadProgressParams, LoadResult, StepEvent, Totals } from "../../protocol/worker";
import type { SolutionsOrigin, SolutionsState } from "../../protocol/solutionsView";
import type { OctetError } from "../../extension/worker/errors";
import { cancelled } from "../../extension/worker/errors";
import type { SessionRequest } from "../../extension/worker/session";

export const ORIGIN: SolutionsOrigin = {
  uri: "file:///a.ts", file: "a.ts", symbol: null, line: 3, languageId: "typescript", tabSize: 2, leadIn: "// sort\n",
};

export class TestClock {
  private at = 0;
  private timers: { at: number; callback: () => void }[] = [];

  now = (): number => this.at;

  setTimeout = (callback: () => void, ms: number): { dispose(): void } => {
    const timer = { at: this.at + ms, callback };
    this.timers.push(timer);
    return { dispose: () => void (this.timers = this.timers.filter((other) => other !== timer)) };
  };

  advance(ms: number): void {
    const end = this.at + ms;
    for (;;) {
      const next = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.timers = this.timers.filter((other) => other !== next);
      this.at = Math.max(this.at, next.at);
      next.callback();
    }
    this.at = end;
  }
}

export const laneEvent = (lane: number, text: string, fields: Partial<LaneEvent> = {}): LaneEvent => ({
  lane, tokens: [1], logprobs: [-0.5], drafted: 2, accepted: 1, text: text === "" ? [] : [{ text, accepted: false }], ...fields,
});

export const stepEvent = (atMs: number, lanes: LaneEvent[], fields: Partial<StepEvent> = {}): StepEvent => ({
  atMs, stepMs: 5, draftMs: 1, verifyMs: 3, hostMs: 1, draftLength: 2, lanes, ...fields,
});

const finishReasons: FinishReason[] = ["end", "stop", "length", "budget", "cancelled"];

/** A step of some of `lanes` lanes; a lane may end in it. */
export const anyStep = (lanes: number): fc.Arbitrary<LaneEvent[]> =>
  fc.uniqueArray(
    fc.record({
      lane: fc.nat(lanes - 1),
      gained: fc.nat(4),
      text: fc.array(fc.record({ text: fc.constantFrom("a", "b\n", " ", "", "return x;"), accepted: fc.boolean() }), { maxLength: 3 }),
      reason: fc.option(fc.constantFrom(...finishReasons), { nil: undefined, freq: 8 }),
    }),
    { selector: ({ lane }) => lane, maxLength: lanes },
  ).map((events) => events.map(({ lane, gained, text, reason }) => ({
    lane,
    tokens: Array.from({ length: gained }, (_, at) => at),
    logprobs: Array.from({ length: gained }, (_, at) => -0.1 * (at + lane + 1)),
    drafted: 4,
    accepted: Math.max(0, gained - 1),
    text,
    ...(reason === undefined ? {} : { finishReason: reason }),
  })));

export const totals = (fields: Partial<Totals> = {}): Totals => ({
  promptTokens: 40, reusedTokens: 8, prefillMs: 7, decodeMs: 100, wallMs: 107, steps: 20, tokens: 80, drafted: 60, accepted: 40, acceptanceRate: 2 / 3,
  tokensPerStep: 2, tokensPerSecond: 800, msPerToken: { first: 1, last: 2, all: 1.5 }, draftMs: 20, verifyMs: 70, hostMs: 10,
  alone: { prompt: true, steps: true }, ...fields,
});

export const result = (texts: readonly string[], finishReason: FinishReason = "end", fields: Partial<Totals> = {}): GenerateResult => ({
  sequences: texts.map((text, lane) => ({
    lane, rank: lane + 1, text, tokens: [1, 2], tokenLogprobs: [-0.1, -0.1], meanLogprob: -0.1 * (lane + 1), finishReason,
    drafted: 4, accepted: 2, firstTokenMs: 3, msPerToken: 1.5,
  })),
  totals: totals(fields),
  notices: [],
});

/** Neighbouring spans of one kind joined: the same to every reader. */
export function joined(state: SolutionsState): SolutionsState {
  const lanes = state.lanes.map((lane) => ({
    ...lane,
    text: lane.text.reduce<SolutionsState["lanes"][number]["text"]>((spans, span) => {
      const last = spans.at(-1);
      return last?.accepted === span.accepted ? [...spans.slice(0, -1), { ...last, text: last.text + span.text }] : [...spans, span];
    }, []),
  }));
  return { ...state, lanes };
}

export const LOADED = { lanes: 8, contextTokens: 512, fim: true, draft: { path: "/d.gguf", fileBytes: 1 }, target: { path: "/t.gguf", fileBytes: 2, parameters: 1e9 }, device: { name: "CPU" }, runtime: "llama" } as LoadResult;

export interface FakeRequest {
  request: SessionRequest;
  progress: (progress: Omit<GenerateProgressParams, "id">) => void;
  resolve: (result: GenerateResult) => void;
  reject: (error: OctetError) => void;
  cancelledLanes: number[];
  completedLanes: number[];
  signal: AbortSignal | undefined;
}

/** Requests wait for the test to answer them. */
export class FakeSession {
  readonly requests: FakeRequest[] = [];
  readonly loads = new Emitter<LoadProgressParams>();
  readonly onLoadProgress = this.loads.event;
  loaded: Promise<LoadResult> = Promise.resolve(LOADED);

  ready = async ({ signal }: { signal?: AbortSignal } = {}): Promise<LoadResult> => {
    const aborted = new Promise<never>((_, reject) => signal?.addEventListener("abort", () => reject(cancelled("the load"))));
    return Promise.race([this.loaded, aborted]);
  };

  generate = (request: SessionRequest, options: { signal?: AbortSignal; onProgress?: (progress: GenerateProgressParams) => void } = {}) => {
    const id = `${this.requests.length}`;
    const cancelledLanes: number[] = [];
    const completedLanes: number[] = [];
    const promise = new Promise<GenerateResult>((resolve, reject) => {
      this.requests.push({
        request, resolve, reject, cancelledLanes, completedLanes, signal: options.signal,
        progress: (progress) => options.onProgress?.({ id, ...progress }),
      });
    });
    return {
      id,
      result: promise,
      cancelLane: (lane: number) => void cancelledLanes.push(lane),
      completeLane: (lane: number) => void completedLanes.push(lane),
    };
  };
}

export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

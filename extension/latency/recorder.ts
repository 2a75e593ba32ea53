// What the Latency view shows, from the news of every request: the one shown, the history, the worker, the benchmark.
import {
  HISTORY_REQUESTS, HISTORY_STEPS, type BenchmarkState, type LatencyChange, type LatencyState, type StepSample, type WorkerReport,
} from "../../protocol/latencyView";
import type { ViewSource } from "../views/channel";
import type { RequestNews } from "../worker/session";
import { RequestRecord } from "./record";
import { NO_WORKER } from "./workerReport";

interface News {
  worker: Partial<WorkerReport>;
  /** The request shown is another, or shown anew. */
  shown: boolean;
  following: boolean;
  figures: boolean;
  steps: StepSample[];
  history: Set<RequestRecord>;
  cleared: boolean;
  benchmark: boolean;
}

export class LatencyRecorder implements ViewSource<LatencyState, LatencyChange> {
  private worker: WorkerReport = NO_WORKER;
  private benchmark: BenchmarkState = { kind: "none" };
  /** Oldest first. */
  private history: RequestRecord[] = [];
  /** Requests without a step yet: a key that was typed on leaves no line. */
  private readonly waiting = new Map<string, RequestRecord>();
  private shown: RequestRecord | null = null;
  private following = true;
  private news = noNews();

  constructor(private readonly onChange: () => void = () => undefined) {}

  request(news: RequestNews): void {
    switch (news.type) {
      case "started":
        this.waiting.set(news.id, new RequestRecord(news));
        return;
      case "progress": {
        const record = this.known(news.id, news.progress.steps.length > 0);
        if (!record) return;
        const steps = record.progress(news.progress);
        if (this.history.includes(record)) this.changed(record, steps);
        return;
      }
      case "laneComplete": {
        const record = this.known(news.id, false);
        record?.completeLane(news.lane);
        if (record && this.history.includes(record)) this.changed(record, []);
        return;
      }
      case "ended": {
        const record = this.known(news.id, news.result.totals.tokens > 0);
        this.waiting.delete(news.id);
        record?.ended(news.result);
        if (record && this.history.includes(record)) this.changed(record, []);
        return;
      }
      case "failed": {
        const cancelled = news.error.code === "cancelled";
        const record = this.known(news.id, !cancelled);
        this.waiting.delete(news.id);
        record?.failed(cancelled);
        if (record && this.history.includes(record)) this.changed(record, []);
      }
    }
  }

  /** null: the newest, now and from now on. */
  show(id: string | null): void {
    const record = id === null ? this.history.at(-1) : this.history.find((one) => one.id === id);
    if (id !== null && !record) return;
    this.shown = record ?? null;
    this.following = id === null;
    Object.assign(this.news, { shown: true, following: true, steps: [] });
    this.onChange();
  }

  clear(): void {
    this.history = this.history.filter(({ summary }) => summary.state === "running");
    const shown = this.shown && this.history.includes(this.shown) ? this.shown : (this.history.at(-1) ?? null);
    Object.assign(this.news, { cleared: true, history: new Set(this.history), shown: this.news.shown || shown !== this.shown, following: true });
    this.shown = shown;
    this.following = true;
    this.onChange();
  }

  setWorker(worker: Partial<WorkerReport>): void {
    const fresh = Object.fromEntries(Object.entries(worker).filter(([key, value]) => this.worker[key as keyof WorkerReport] !== value));
    if (Object.keys(fresh).length === 0) return;
    this.worker = { ...this.worker, ...fresh };
    Object.assign(this.news.worker, fresh);
    this.onChange();
  }

  setBenchmark(benchmark: BenchmarkState): void {
    this.benchmark = benchmark;
    this.news.benchmark = true;
    this.onChange();
  }

  get benchmarkState(): BenchmarkState {
    return this.benchmark;
  }

  snapshot(): LatencyState {
    return {
      worker: this.worker,
      shown: this.shownNow(),
      following: this.following,
      history: this.history.map(({ summary }) => summary),
      benchmark: this.benchmark,
    };
  }

  take(): LatencyChange | null {
    const { news, shown } = this;
    this.drop();
    const change: LatencyChange = {};
    if (Object.keys(news.worker).length > 0) change.worker = news.worker;
    if (news.following) change.following = this.following;
    if (news.shown) change.shown = this.shownNow();
    else if (shown) {
      if (news.figures) change.figures = shown.figures();
      if (news.steps.length > 0) change.steps = news.steps;
    }
    if (news.cleared) change.historyCleared = true;
    const lines = this.history.filter((record) => news.history.has(record));
    if (lines.length > 0) change.history = lines.map(({ summary }) => summary);
    if (news.benchmark) change.benchmark = this.benchmark;
    return Object.keys(change).length > 0 ? change : null;
  }

  drop(): void {
    this.news = noNews();
  }

  /** `listed`: it is in the history from now on. */
  private known(id: string, listed: boolean): RequestRecord | undefined {
    const waiting = this.waiting.get(id);
    if (!waiting) return this.history.find((record) => record.id === id);
    if (!listed) return waiting;
    this.waiting.delete(id);
    this.history.push(waiting);
    this.news.history.add(waiting);
    const dropped = this.history.length > HISTORY_REQUESTS ? this.history.shift() : undefined;
    if (dropped && dropped === this.shown) this.following = this.news.following = true;
    if (this.following) [this.shown, this.news.shown] = [waiting, true];
    return waiting;
  }

  private changed(record: RequestRecord, steps: StepSample[]): void {
    this.news.history.add(record);
    if (record === this.shown && !this.news.shown) {
      this.news.figures = true;
      this.news.steps.push(...steps);
      if (this.news.steps.length > HISTORY_STEPS) this.news.steps.splice(0, this.news.steps.length - HISTORY_STEPS);
    }
    this.onChange();
  }

  private shownNow(): LatencyState["shown"] {
    return this.shown && { id: this.shown.id, figures: this.shown.figures(), steps: [...this.shown.steps] };
  }
}

const noNews = (): News => ({
  worker: {}, shown: false, following: false, figures: false, steps: [], history: new Set(), cleared: false, benchmark: false,
});

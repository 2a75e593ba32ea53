// The Solutions view's state, and what of it changed since it was last taken: every change goes through here.
import {
  SPARKLINE_POINTS, type RunPhase, type SolutionsChange, type SolutionsLane, type SolutionsLaneChange, type SolutionsOrigin, type SolutionsState, type SolutionsTotals,
} from "../../protocol/solutionsView";
import type { TextSpan } from "../../protocol/worker";
import type { ViewSource } from "../views/channel";

type LaneFigures = Partial<Omit<SolutionsLane, "id" | "text" | "latencies">>;

export class TrackedSolutions implements ViewSource<SolutionsState, SolutionsChange> {
  private phase: RunPhase = { kind: "queued" };
  private readonly totals: SolutionsTotals = {
    msPerToken: null, tokensPerSecond: null, acceptanceRate: null, tokensPerStep: null, draftLength: null, ratioToPlain: null, tokens: 0, elapsedMs: 0, budgetMs: null,
  };
  private readonly byId = new Map<number, SolutionsLane>();
  private readonly notices: string[] = [];

  private news = noNews();
  private laneNews = new Map<number, SolutionsLaneChange>();
  /** More has changed than a change can say. */
  private everything = false;

  /** `elapsed` is the time of the run now. */
  constructor(private where: SolutionsOrigin, private readonly elapsed: () => number) {}

  get origin(): SolutionsOrigin {
    return this.where;
  }

  get running(): boolean {
    return this.phase.kind !== "done" && this.phase.kind !== "failed";
  }

  get kind(): RunPhase["kind"] {
    return this.phase.kind;
  }

  get lanes(): SolutionsLane[] {
    return [...this.byId.values()];
  }

  lane(id: number): SolutionsLane | undefined {
    return this.byId.get(id);
  }

  /** Everything at once, as a view remembered it. */
  restore({ lanes, notices, totals, phase }: SolutionsState): void {
    for (const lane of structuredClone(lanes)) this.byId.set(lane.id, lane);
    this.notices.push(...notices);
    Object.assign(this.totals, totals);
    this.phase = phase;
    this.everything = true;
  }

  add(id: number): void {
    this.byId.set(id, newLane(id));
    this.news.added.add(id);
  }

  remove(ids: readonly number[]): void {
    for (const id of ids) this.byId.delete(id);
    this.everything = true;
  }

  setOrigin(origin: Partial<SolutionsOrigin>): void {
    this.where = { ...this.where, ...origin };
    this.everything = true;
  }

  setPhase(phase: RunPhase): void {
    this.phase = phase;
    this.news.phase = true;
  }

  setTotals(totals: Partial<SolutionsTotals>): void {
    for (const key of Object.keys(totals) as (keyof SolutionsTotals)[]) if (this.totals[key] !== totals[key]) this.news.totals.add(key);
    Object.assign(this.totals, totals);
  }

  notice(sentences: readonly string[]): void {
    const fresh = sentences.filter((sentence) => !this.notices.includes(sentence));
    this.notices.push(...fresh);
    this.news.notices.push(...fresh);
  }

  set(lane: SolutionsLane, figures: LaneFigures): void {
    Object.assign(lane, figures);
    Object.assign(this.changeOf(lane), figures);
  }

  write(lane: SolutionsLane, span: TextSpan): void {
    if (span.text === "") return;
    append(lane.text, span);
    append((this.changeOf(lane).text ??= []), span);
  }

  rewrite(lane: SolutionsLane, text: string): void {
    lane.text = text === "" ? [] : [{ text, accepted: false }];
    this.everything = true;
  }

  latency(lane: SolutionsLane, ms: number): void {
    push(lane.latencies, ms);
    push((this.changeOf(lane).latencies ??= []), ms);
  }

  snapshot(): SolutionsState {
    if (this.running) this.totals.elapsedMs = this.elapsed();
    const { where: origin, phase, totals, lanes, notices } = this;
    return structuredClone({ origin, phase, totals, lanes, notices });
  }

  take(): SolutionsChange | "all" | null {
    const { news, laneNews, everything } = this;
    this.drop();
    if (everything) return "all";
    const change: SolutionsChange = {};
    if (news.phase) change.phase = this.phase;
    if (news.totals.size > 0) {
      if (this.running) this.totals.elapsedMs = this.elapsed();
      news.totals.add("elapsedMs");
      change.totals = Object.fromEntries([...news.totals].map((key) => [key, this.totals[key]]));
    }
    if (news.added.size > 0) change.added = [...news.added].map((id) => structuredClone(this.byId.get(id)!));
    const lanes = [...laneNews.values()].filter(({ id }) => !news.added.has(id));
    if (lanes.length > 0) change.lanes = lanes;
    if (news.notices.length > 0) change.notices = news.notices;
    return Object.keys(change).length > 0 ? change : null;
  }

  drop(): void {
    this.news = noNews();
    this.laneNews = new Map();
    this.everything = false;
  }

  private changeOf({ id }: SolutionsLane): SolutionsLaneChange {
    let change = this.laneNews.get(id);
    if (!change) this.laneNews.set(id, (change = { id }));
    return change;
  }
}

const noNews = (): { phase?: true; totals: Set<keyof SolutionsTotals>; added: Set<number>; notices: string[] } => ({
  totals: new Set(), added: new Set(), notices: [],
});

const newLane = (id: number): SolutionsLane => ({
  id, state: "waiting", rank: null, duplicateOf: null, text: [], tokens: 0, meanLogprob: null, msPerToken: null, drafted: 0, accepted: 0, latencies: [], repetitive: false,
});

function append(spans: TextSpan[], { text, accepted }: TextSpan): void {
  const last = spans.at(-1);
  if (last?.accepted === accepted) last.text += text;
  else spans.push({ text, accepted });
}

function push(latencies: number[], latency: number): void {
  latencies.push(latency);
  if (latencies.length > SPARKLINE_POINTS) latencies.shift();
}

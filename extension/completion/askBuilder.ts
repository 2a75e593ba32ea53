// From a place in a document to what the completer is asked: context within the model's budget, prompt, shape and wait.
import type { DraftLength, LoadResult } from "../../protocol/worker";
import type { Ask, RequestReport } from "./completer";
import { atCursor, ContextBuilder, type SelectedItem } from "./context";
import { Debounce } from "./debounce";
import type { DocumentView, Position } from "./document";
import { buildPrompt, fillsIn, fitPrompt, needsCount, promptChars } from "./prompt";
import type { PromptSpeed } from "./promptSpeed";
import type { RecentPlaces } from "./recentPlaces";
import { requestKey } from "./requestKey";
import { requestShape } from "./requestShape";
import { contextBudget, TokenEstimate } from "./tokens";
import type { TriggerKind } from "./trigger";

export interface AskSettings {
  candidates: number;
  maxTokens: number;
  temperature: number;
  topP: number;
  /** undefined: another for every request. */
  seed?: number | undefined;
  draftLength: DraftLength;
  /** Longest prompt and completion together. */
  contextTokens: number;
  /** undefined: adapts. */
  debounce: number | undefined;
}

export interface AskInput {
  document: DocumentView;
  cursor: Position;
  selected: SelectedItem | undefined;
  kind: TriggerKind;
  /** The kind that shapes the request: cycling asks for more of what is shown. */
  shapedAs: TriggerKind;
  loaded: LoadResult;
  settings: AskSettings;
}

const BUDGET_MS: Record<TriggerKind, number> = { automatic: 3_000, explicit: 5_000 };
/** Of BUDGET_MS, for the prompt. One length for both: its windows, and so what is cached of it, are the same. */
const PROMPT_MS = 1_500;
const SPECIAL_TOKENS = 8;
/** Automatic requests are answered when one lane in so many has given a candidate. */
const ENOUGH_SHARE = 4;

export class AskBuilder {
  readonly contexts: ContextBuilder;
  private estimate = new TokenEstimate();
  private estimated = "";
  private readonly adaptive = new Debounce();
  private fixed: { ms: number; debounce: Debounce } | null = null;

  /** `count` is the worker's tokenizer; without `speed` prompts are as long as there is room for. */
  constructor(recent: RecentPlaces, private readonly count: (text: string) => Promise<number>, private readonly speed?: Pick<PromptSpeed, "longest">) {
    this.contexts = new ContextBuilder(recent);
  }

  typed(): void {
    this.adaptive.typed();
    this.fixed?.debounce.typed();
  }

  learn({ prompt, result, firstCandidateMs }: RequestReport): void {
    this.estimate.observe(promptChars(prompt), result.totals);
    if (firstCandidateMs !== null) this.adaptive.answered(firstCandidateMs);
  }

  /** null where there is nothing to continue. The document is read before the first wait. */
  async build({ document, cursor, selected, kind, shapedAs, loaded, settings }: AskInput): Promise<Ask | null> {
    const model = modelKey(loaded, settings);
    if (loaded.target.path !== this.estimated) [this.estimate, this.estimated] = [new TokenEstimate(), loaded.target.path];
    const { estimate } = this;
    const most = Math.min(settings.maxTokens, Math.floor(loaded.contextTokens / 2));
    const budget = contextBudget({
      contextTokens: loaded.contextTokens,
      maxTokens: most,
      promptTokens: Math.max(1, Math.min(settings.contextTokens - most, this.speed?.longest(loaded, PROMPT_MS) ?? Infinity)),
      fim: loaded.fim,
    });
    const context = this.contexts.build(document, cursor, estimate, budget, selected);
    const { languageId, linePrefix, lineSuffix } = context;
    const shape = requestShape({ kind: shapedAs, languageId, linePrefix, lineSuffix });
    shape.maxTokens = Math.min(shape.maxTokens, most);
    const debounce = this.debounceOf(settings.debounce);
    const waitMs = kind === "explicit" ? 0 : debounce.waitMs({ linePrefix, lineSuffix, endOfFile: context.suffix.trim() === "" });
    const prompt = buildPrompt(context, fillsIn(loaded, context));
    if (!prompt) return null;
    const limit = loaded.contextTokens - shape.maxTokens - SPECIAL_TOKENS;
    return {
      key: requestKey(context, model),
      context: atCursor(context, shape.multiline),
      prompt: needsCount(prompt, estimate, limit) ? await fitPrompt(prompt, limit, this.count) : prompt,
      shape,
      lanes: settings.candidates,
      sampling: { temperature: settings.temperature, topK: 0, topP: settings.topP, minP: 0, seed: settings.seed ?? randomSeed() },
      draftLength: loaded.draft ? settings.draftLength : "none",
      budgetMs: BUDGET_MS[kind],
      waitMs,
      all: kind === "explicit",
      enough: Math.ceil(settings.candidates / ENOUGH_SHARE),
    };
  }

  private debounceOf(ms: number | undefined): Debounce {
    if (ms === undefined) return this.adaptive;
    if (this.fixed?.ms !== ms) this.fixed = { ms, debounce: new Debounce({ leastMs: ms, mostMs: ms }) };
    return this.fixed.debounce;
  }
}

/** Names what shapes the text of a completion, so that others' are not served. */
const modelKey = ({ target }: LoadResult, { candidates, temperature, topP, seed }: AskSettings): string =>
  [target.path, candidates, temperature, topP, seed].join(" ");

const randomSeed = (): number => Math.floor(Math.random() * 2 ** 32);

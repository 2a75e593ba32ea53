// From a place in a document to what the completer is asked: context within the model's budget, prompt, shape and wait.
import type { DraftLength, LoadResult, Prompt } from "../../protocol/worker";
import type { Ask, RequestReport } from "./completer";
import { ComputedPrompts } from "./computedPrompts";
import { atCursor, ContextBuilder, type SelectedItem } from "./context";
import { Debounce } from "./debounce";
import type { DocumentView, Position, TextEdit } from "./document";
import type { Ahead } from "./preparation";
import { buildPrompt, fillsIn, fitPrompt, needsCount, promptChars } from "./prompt";
import type { PromptSpeed } from "./promptSpeed";
import type { RecentPlaces } from "./recentPlaces";
import { requestKey } from "./requestKey";
import { requestShape } from "./requestShape";
import { contextBudget, TokenEstimate, type ContextBudget } from "./tokens";
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
  /** Whether prompts are computed in pauses, for requests to come. Not with a seed: what it gives is to hang on no pause. */
  preparePrompts: boolean;
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
  /** Nothing is asked yet: the windows of what was asked last stay as they are. */
  preparing?: boolean;
}

const BUDGET_MS: Record<TriggerKind, number> = { automatic: 3_000, explicit: 5_000 };
/** Of BUDGET_MS, for the prompt. One length for both: its windows, and so what is cached of it, are the same. */
const PROMPT_MS = 1_500;
/** What a pause is used for at most, all in all, each time that the window of a file is a new one. */
const PREPARED_MS = 20_000;
/** Less is computed when it is asked for. */
const WORTH_PREPARING_MS = 200;
/** A longer prompt may make its answer so much later. */
const WORTH_WAITING_MS = 300;
const SPECIAL_TOKENS = 8;
/** Automatic requests are answered when one lane in so many has given a candidate. */
const ENOUGH_SHARE = 4;

/** How long the parts of a prompt may be. */
interface Budgets {
  /** Of a prompt that is computed when it is asked for. */
  quick: ContextBudget;
  /** Of one that was prepared; `quick` itself where that is as long as there is room for. */
  whole: ContextBudget;
}

export class AskBuilder {
  private readonly contexts: ContextBuilder;
  /** Of prompts that are computed before they are asked for, where those are longer. */
  private readonly wholeContexts: ContextBuilder;
  private readonly computed = new ComputedPrompts();
  private estimate = new TokenEstimate();
  private loaded: LoadResult | null = null;
  private readonly adaptive = new Debounce();
  private fixed: { ms: number; debounce: Debounce } | null = null;
  /** Of the latest ask: the whole window, and what is asked with while that is not computed, where they differ. */
  private latest: { whole: Ahead; short: Ahead | null; loaded: LoadResult } | null = null;

  /** `count` is the worker's tokenizer; without `speed` prompts are as long as there is room for. */
  constructor(recent: RecentPlaces, private readonly count: (text: string) => Promise<number>, private readonly speed?: Pick<PromptSpeed, "longest" | "ms">) {
    this.contexts = new ContextBuilder(recent);
    this.wholeContexts = new ContextBuilder(recent);
  }

  typed(): void {
    this.adaptive.typed();
    this.fixed?.debounce.typed();
  }

  documentChanged(uri: string, edits: readonly TextEdit[]): void {
    for (const contexts of [this.contexts, this.wholeContexts]) contexts.documentChanged(uri, edits);
  }

  forget(uri: string): void {
    for (const contexts of [this.contexts, this.wholeContexts]) contexts.forget(uri);
  }

  learn({ prompt, computed, result, firstCandidateMs }: RequestReport): void {
    this.estimate.observe(promptChars(prompt), result.totals);
    this.noteComputed(prompt, computed);
    if (firstCandidateMs !== null) this.adaptive.answered(firstCandidateMs);
  }

  /** The worker's cache now holds the first `share` of this prompt; 0: that is not known. */
  noteComputed(prompt: Prompt, share = 1): void {
    this.computed.note(prompt, share);
  }

  /** What is worth computing next, before the next request where the last one was made; null: nothing. */
  ahead(): Ahead | null {
    if (!this.latest) return null;
    const { whole, short, loaded } = this.latest;
    const isWorth = ({ prompt }: Ahead): boolean => this.missingMs(loaded, prompt) > WORTH_PREPARING_MS;
    if (!isWorth(whole)) return null;
    return short && isWorth(short) ? short : whole;
  }

  /** null where there is nothing to continue. The document is read before the first wait. */
  async build({ document, cursor, selected, kind, shapedAs, loaded, settings, preparing = false }: AskInput): Promise<Ask | null> {
    this.follow(loaded);
    this.latest = null;
    const { estimate } = this;
    const most = Math.min(settings.maxTokens, Math.floor(loaded.contextTokens / 2));
    const prepares = settings.preparePrompts && settings.seed === undefined;
    const { quick, whole } = this.budgets(loaded, settings.contextTokens - most, most, prepares);
    const quickContext = this.contexts.build(document, cursor, estimate, quick, selected, preparing);
    const context = quick === whole ? quickContext : this.wholeContexts.build(document, cursor, estimate, whole, selected, preparing);
    const { languageId, linePrefix, lineSuffix } = context;
    const shape = requestShape({ kind: shapedAs, languageId, linePrefix, lineSuffix });
    shape.maxTokens = Math.min(shape.maxTokens, most);
    const debounce = this.debounceOf(settings.debounce);
    const waitMs = kind === "explicit" ? 0 : debounce.waitMs({ linePrefix, lineSuffix, endOfFile: context.suffix.trim() === "" });
    const fim = fillsIn(loaded, context);
    const limit = loaded.contextTokens - shape.maxTokens - SPECIAL_TOKENS;
    const fitted = async (prompt: Prompt): Promise<Prompt> =>
      needsCount(prompt, estimate, limit) ? fitPrompt(prompt, limit, this.count) : prompt;
    const built = buildPrompt(context, fim);
    if (!built) return null;
    // As it is to be asked: cut, a prompt begins with other text.
    let prompt = await fitted(built);
    const lanes = Math.min(settings.candidates, loaded.lanes);
    const request = {
      lanes,
      sampling: { temperature: settings.temperature, topK: 0, topP: settings.topP, minP: 0, seed: settings.seed ?? randomSeed() },
      draftLength: settings.draftLength,
    };
    const ahead = (of: Prompt): Ahead => ({ ...request, prompt: of.kind === "fim" ? { ...of, suffix: "" } : of, maxTokens: shape.maxTokens });
    const short = quick === whole ? null : buildPrompt(quickContext, fim);
    this.latest = prepares ? { whole: ahead(prompt), short: short && ahead(short), loaded } : null;
    if (short && this.missingMs(loaded, prompt) > this.missingMs(loaded, short) + WORTH_WAITING_MS) prompt = await fitted(short);
    return {
      ...request,
      // Of the whole window, whatever is asked: what was asked with another prompt is of the same place.
      key: requestKey(context, modelKey(loaded, settings)),
      context: atCursor(context, shape.multiline),
      prompt,
      shape,
      budgetMs: BUDGET_MS[kind],
      waitMs,
      all: kind === "explicit",
      enough: Math.ceil(lanes / ENOUGH_SHARE),
    };
  }

  /** What computing the prompt takes; 0 where that is not known. */
  private missingMs(loaded: LoadResult, prompt: Prompt): number {
    return this.speed?.ms(loaded, this.computed.missingChars(prompt) / this.estimate.charsPerToken) ?? 0;
  }

  private follow(loaded: LoadResult): void {
    if (this.loaded === loaded) return;
    if (this.loaded?.target.path !== loaded.target.path) this.estimate = new TokenEstimate();
    this.loaded = loaded;
    this.latest = null;
    this.computed.clear();
  }

  private budgets(loaded: LoadResult, room: number, maxTokens: number, prepares: boolean): Budgets {
    const budget = (ms: number): ContextBudget => contextBudget({
      contextTokens: loaded.contextTokens,
      maxTokens,
      promptTokens: Math.max(1, Math.min(room, this.speed?.longest(loaded, ms) ?? Infinity)),
      fim: loaded.fim,
    });
    const quick = budget(PROMPT_MS);
    if (!prepares) return { quick, whole: quick };
    const whole = budget(PREPARED_MS);
    const total = ({ prefix, suffix, places }: ContextBudget): number => prefix + suffix + places;
    if (total(whole) <= total(quick)) return { quick, whole: quick };
    // What comes behind the cursor is computed with every request, so it stays as short.
    return { quick, whole: { ...whole, prefix: whole.prefix + whole.suffix - quick.suffix, suffix: quick.suffix } };
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

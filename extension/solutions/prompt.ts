// The prompt of a run of solutions: as much of the file around its place, and of places in other files, as the model's context
// has room for and the machine computes in a part of the run's time.
import type { LoadResult, Prompt } from "../../protocol/worker";
import { atCursor, ContextBuilder, type CompletionContext, type CursorContext } from "../completion/context";
import type { DocumentView, Position } from "../completion/document";
import { buildPrompt, fillsIn, fitPrompt, promptChars } from "../completion/prompt";
import type { PromptSpeed } from "../completion/promptSpeed";
import type { RecentPlaces } from "../completion/recentPlaces";
import { contextBudget, TokenEstimate } from "../completion/tokens";

export interface PromptInput {
  document: DocumentView;
  cursor: Position;
  loaded: Pick<LoadResult, "contextTokens" | "fim" | "target">;
  maxTokens: number;
  /** Tokens of the longest prompt that there is time for. */
  longest?: number;
  /** Pieces of other files that the user visited lately; null: of none. */
  places: RecentPlaces | null;
  /** The worker's tokenizer. */
  count: (text: string) => Promise<number>;
}

export interface SolutionsPrompt {
  prompt: Prompt;
  context: CursorContext;
  /** Sentences for the user: what was left out, and why. */
  notices?: string[];
}

/** Of a run's time, for its prompt. */
const PROMPT_SHARE = 0.4;
const SPECIAL_TOKENS = 8;
/** A token is a byte at least, and a UTF-16 unit three bytes at most: shorter prompts need no count. */
const MOST_TOKENS_PER_CHAR = 3;

/** Tokens of the longest prompt that leaves most of `budgetMs` for writing. */
export const longestPrompt = (speed: Pick<PromptSpeed, "longest">, loaded: LoadResult, budgetMs: number | null): number =>
  budgetMs === null ? Infinity : speed.longest(loaded, budgetMs * PROMPT_SHARE);

/** null where there is nothing to continue. */
export async function solutionsPrompt(input: PromptInput): Promise<SolutionsPrompt | null> {
  const { longest = Infinity } = input;
  const asked = await promptWithin(input, longest);
  if (!asked || longest >= input.loaded.contextTokens) return asked;
  const whole = await promptWithin(input, Infinity);
  const cut = whole !== null && promptChars(asked.prompt) < promptChars(whole.prompt);
  return cut ? { ...asked, notices: ["The models see only what is near the place: more would take this machine too long to read."] } : asked;
}

async function promptWithin({ document, cursor, loaded, maxTokens, places, count }: PromptInput, longest: number): Promise<SolutionsPrompt | null> {
  const estimate = new TokenEstimate();
  const { contextTokens, fim } = loaded;
  const budget = contextBudget({ contextTokens, maxTokens, promptTokens: Math.min(contextTokens, longest), fim });
  const build = (placesTokens: number): CompletionContext => new ContextBuilder(places).build(
    document, cursor, estimate, { ...budget, prefix: budget.prefix + budget.places - placesTokens, places: placesTokens },
  );
  // What other files do not need is the file's own.
  const context = build(places ? estimate.tokens(build(budget.places).places) + 1 : 0);
  const prompt = buildPrompt(context, fillsIn(loaded, context));
  if (!prompt) return null;
  const limit = contextTokens - maxTokens - SPECIAL_TOKENS;
  const fits = promptChars(prompt) * MOST_TOKENS_PER_CHAR <= limit;
  return { prompt: fits ? prompt : await fitPrompt(prompt, limit, count), context: atCursor(context, true) };
}

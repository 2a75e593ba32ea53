// The prompt of a run of solutions: all of the file around its place that the model's context has room for.
import type { LoadResult, Prompt } from "../../protocol/worker";
import { ContextBuilder } from "../completion/context";
import type { DocumentView, Position } from "../completion/document";
import { buildPrompt, fitPrompt, promptChars } from "../completion/prompt";
import { contextBudget, TokenEstimate } from "../completion/tokens";

export interface PromptInput {
  document: DocumentView;
  cursor: Position;
  loaded: Pick<LoadResult, "contextTokens" | "fim">;
  maxTokens: number;
  /** The worker's tokenizer. */
  count: (text: string) => Promise<number>;
}

const SPECIAL_TOKENS = 8;
/** A token is a byte at least, and a UTF-16 unit three bytes at most: shorter prompts need no count. */
const MOST_TOKENS_PER_CHAR = 3;

/** null where there is nothing to continue. */
export async function solutionsPrompt({ document, cursor, loaded, maxTokens, count }: PromptInput): Promise<Prompt | null> {
  const estimate = new TokenEstimate();
  const { contextTokens, fim } = loaded;
  const budget = contextBudget({ contextTokens, maxTokens, promptTokens: contextTokens, fim });
  const whole = { ...budget, prefix: budget.prefix + budget.places, places: 0 };
  const prompt = buildPrompt(new ContextBuilder().build(document, cursor, estimate, whole), fim);
  const limit = contextTokens - maxTokens - SPECIAL_TOKENS;
  return prompt && promptChars(prompt) * MOST_TOKENS_PER_CHAR > limit ? fitPrompt(prompt, limit, count) : prompt;
}

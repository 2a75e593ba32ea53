// The prompt of a request: prefix and suffix for models with fill-in-the-middle tokens, else the text before the cursor.
import type { LoadResult, ModelInfo, Prompt } from "../../protocol/worker";
import type { CompletionContext } from "./context";
import { cutToTokens, withoutFront, type CountTokens } from "./cut";
import { toModelText } from "./document";
import type { TokenEstimate } from "./tokens";

/** Smaller models continue a text far better than they fill in: what they begin a middle with hardly heeds the text before it. */
export const FEWEST_PARAMETERS = 50e6;

/** Whether a model is to see the text after the cursor, though there is text before it. */
export const fillsInWell = ({ fim, parameters }: Pick<ModelInfo, "fim" | "parameters">): boolean => fim && parameters >= FEWEST_PARAMETERS;

/** Whether the model is to see the text after the cursor. */
export const fillsIn = ({ fim, target }: Pick<LoadResult, "fim" | "target">, { prefix }: Pick<CompletionContext, "prefix">): boolean =>
  fim && (fillsInWell({ fim, parameters: target.parameters }) || prefix.trim() === "");

/** null where there is nothing to continue. */
export function buildPrompt(context: CompletionContext, fim: boolean): Prompt | null {
  const prefix = toModelText(context.places + context.prefix);
  if (fim) {
    const suffix = toModelText(context.suffix);
    return prefix.trim() === "" && suffix.trim() === "" ? null : { kind: "fim", prefix, suffix };
  }
  return prefix.trim() === "" ? null : { kind: "text", text: prefix };
}

export const promptChars = (prompt: Prompt): number => {
  if (prompt.kind === "fim") return prompt.prefix.length + prompt.suffix.length;
  return prompt.kind === "text" ? prompt.text.length : 0;
};

/** Estimates this close to the limit are checked by counting. */
const NEAR_LIMIT = 0.85;

export function needsCount(prompt: Prompt, estimate: TokenEstimate, limitTokens: number): boolean {
  return promptChars(prompt) / estimate.charsPerToken > limitTokens * NEAR_LIMIT;
}

/**
 * The prompt cut to `limitTokens` by exact count: whole lines go from the front of the prefix. The prompt's special tokens
 * are for the caller to leave room for.
 */
export async function fitPrompt(prompt: Prompt, limitTokens: number, count: CountTokens): Promise<Prompt> {
  if (prompt.kind === "tokens") return prompt;
  let suffix = prompt.kind === "fim" ? prompt.suffix : "";
  let suffixTokens = suffix === "" ? 0 : await count(suffix);
  if (suffixTokens > limitTokens / 2) {
    suffix = suffix.split("\n", 1)[0] ?? "";
    suffixTokens = await count(suffix);
    if (suffixTokens > limitTokens / 2) [suffix, suffixTokens] = ["", 0];
  }
  const whole = prompt.kind === "fim" ? prompt.prefix : prompt.text;
  const { text: prefix } = await cutToTokens(whole, limitTokens - suffixTokens, count, withoutFront);
  return prompt.kind === "fim" ? { kind: "fim", prefix, suffix } : { kind: "text", text: prefix };
}

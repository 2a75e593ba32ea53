// The filters in the order they run in: first what shapes the text, then what fits it to the text after the cursor.
import type { CursorContext } from "../context";
import { balanceBrackets } from "./balanceBrackets";
import { collapseLineAbove } from "./collapseLineAbove";
import { dropBrokenText } from "./dropBrokenText";
import { dropCutOffLine } from "./dropCutOffLine";
import { dropRepetition } from "./dropRepetition";
import { dropSameAsNextLines } from "./dropSameAsNextLines";
import { dropWorthless } from "./dropWorthless";
import type { Completion, Filter } from "./filter";
import { singleLine } from "./singleLine";
import { stopAtBlockEnd } from "./stopAtBlockEnd";
import { trimBlank } from "./trimBlank";
import { trimSuffixOverlap } from "./trimSuffixOverlap";

export const pipeline: readonly Filter[] = [
  trimBlank,
  singleLine,
  dropBrokenText,
  dropRepetition,
  collapseLineAbove,
  stopAtBlockEnd,
  dropCutOffLine,
  trimSuffixOverlap,
  balanceBrackets,
  dropSameAsNextLines,
  trimBlank,
  dropWorthless,
];

/** null: nothing worth showing is left. */
export function applyFilters(completion: Completion, context: CursorContext, filters: readonly Filter[] = pipeline): Completion | null {
  let current: Completion | null = completion.text.trim() === "" ? null : completion;
  for (const filter of filters) current = current && filter(current, context);
  return current;
}

// Options that the suites of octet eval share.
import type { Command } from "commander";
import { MAX_LANES, MAX_NEW_TOKENS, type DraftLength } from "../../../protocol/worker";
import { badInput } from "../errors";
import { parseChoiceList } from "../numbers";
import { addDraftLengthOption, addModelOptions, integer, real, type ModelOptions } from "../options";
import { evalMethods, type EvalMethod } from "./attempt";
import type { OutputOptions } from "./report";

export interface SuiteOptions extends ModelOptions, OutputOptions {
  lanes: number;
  budgetMs: number;
  maxTokens: number;
  methods?: EvalMethod[];
  draftLength?: DraftLength;
  temperature: number;
  topP: number;
  seed: number;
  limit?: number;
  results?: string;
}

const MAX_BUDGET_MS = 24 * 60 * 60 * 1000;
const MAX_LIMIT = 1_000_000;

export function addSuiteOptions(command: Command, maxTokens: number): Command {
  command
    .option("-n, --lanes <N>", `candidates of a problem, 1 to ${MAX_LANES}`, integer("-n", 1, MAX_LANES), 8)
    .option("--budget-ms <B>", "time for a problem, its prompt included", integer("--budget-ms", 1, MAX_BUDGET_MS), 2500)
    .option("--max-tokens <N>", "longest candidate", integer("--max-tokens", 1, MAX_NEW_TOKENS), maxTokens)
    .option("--methods <LIST>", `any of ${evalMethods.join(",")}`, (text) => parseChoiceList("--methods", text, evalMethods))
    .option("--temperature <T>", "0 is greedy", real("--temperature", 0, 100), 0.2)
    .option("--top-p <P>", "nucleus sampling; 1: off", real("--top-p", 0, 1, true), 0.95)
    .option("--results <FILE>", "keep each problem's result as a JSON line; a run that was cut goes on where the file ends");
  addDraftLengthOption(command);
  return addCommonOptions(command);
}

export function addCommonOptions(command: Command): Command {
  command
    .option("--seed <S>", "of all choices and draws", integer("--seed", 0, 2 ** 48), 1)
    .option("--limit <K>", "only K problems", integer("--limit", 1, MAX_LIMIT));
  addModelOptions(command);
  return command
    .option("--json [FILE]", "one JSON document, on standard output or into a file")
    .option("--markdown", "tables as Markdown");
}

/** In their own order. */
export function chooseMethods({ methods, draftLength }: Pick<SuiteOptions, "methods" | "draftLength">): EvalMethod[] {
  if (draftLength === "none") throw badInput("--draft-length none is what the method regular does", "Leave it out.");
  return evalMethods.filter((method) => !methods || methods.includes(method));
}

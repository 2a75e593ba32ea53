// octet eval infill: lines cut out of held-out files, written anew and compared with what was there.
import { createHash } from "node:crypto";
import type { Command } from "commander";
import type { LoadResult } from "../../../protocol/worker";
import { fitPrompt } from "../../completion/prompt";
import type { CliContext } from "../context";
import { badInput } from "../errors";
import { integer } from "../options";
import type { WorkerApi } from "../workerApi";
import { chooseHoles, holeStops, matches, type Hole } from "./holes";
import { addSuiteOptions, type SuiteOptions } from "./options";
import { seededRandom, shuffled } from "./random";
import { runEval, SLACK_TOKENS } from "./runEval";
import { readSourceFiles } from "./sourceFiles";
import type { Problem } from "./suite";
import { textAfter, textBefore } from "./window";

interface InfillOptions extends SuiteOptions {
  files: string;
  holes: number;
  heal: boolean;
}

const CONTEXT_TOKENS = 2048;
const MAX_HOLES = 1000;
/** A line has no more. */
const LINE_TOKENS = 64;

export function addInfill(parent: Command, run: (command: (context: CliContext) => Promise<number>) => Promise<void>): void {
  const command = parent.command("infill")
    .description("fill in lines cut out of held-out source files")
    .requiredOption("--files <DIR>", "folder with source files the models were not trained on")
    .option("--holes <H>", "holes of each kind in a file", integer("--holes", 1, MAX_HOLES), 2)
    .option("--heal", "the models may write the prompt's last word in other tokens, as in the editor", false);
  addSuiteOptions(command, 128).action((options: InfillOptions) => run((context) => infill(options, context)));
}

async function infill(options: InfillOptions, context: CliContext): Promise<number> {
  const files = await readSourceFiles(options.files, context.signal);
  const all = files.flatMap((file) => chooseHoles(file, options.holes, options.seed));
  if (all.length === 0) throw badInput(`The ${files.length} source files of ${options.files} are too short to cut lines out of`);
  const holes = shuffled(all, seededRandom(options.seed, "holes")).slice(0, options.limit);
  const digest = createHash("sha256").update(JSON.stringify(holes)).digest("hex").slice(0, 16);
  return runEval({
    name: "infill",
    identity: { digest, files: files.length, holes: options.holes },
    contextTokens: CONTEXT_TOKENS,
    heal: options.heal,
    makeProblems: (worker, loaded) => makeProblems(holes, options, worker, loaded, context.signal),
    groups: { first: ["kind"], second: ["kind", "language"] },
    right: "the text that was cut out, but for blanks at the ends of lines",
  }, options, context);
}

async function makeProblems(
  holes: readonly Hole[], options: InfillOptions, worker: WorkerApi, loaded: LoadResult, signal: AbortSignal,
): Promise<Problem[]> {
  if (!loaded.fim) throw badInput("The target has no fill-in-the-middle tokens", "Use a model trained for infilling.");
  const room = loaded.contextTokens - options.maxTokens - SLACK_TOKENS;
  if (room < 1) throw badInput(`A context of ${loaded.contextTokens} tokens has no room beside ${options.maxTokens} new ones`);
  const count = async (text: string): Promise<number> => (await worker.tokenize(text)).tokens.length;
  const problems: Problem[] = [];
  for (const { id, kind, language, prefix, middle, suffix } of holes) {
    signal.throwIfAborted();
    problems.push({
      id,
      groups: { kind, language },
      prompt: await fitPrompt({ kind: "fim", prefix: textBefore(prefix, room), suffix: textAfter(suffix, room) }, room, count),
      stop: holeStops(kind),
      maxTokens: kind === "single-line" ? Math.min(options.maxTokens, LINE_TOKENS) : options.maxTokens,
      judge: async (completion) => ({ right: matches(middle, completion) }),
    });
  }
  return problems;
}

// The arguments of octet generate.
import type { Command } from "commander";
import { MAX_LANES, MAX_NEW_TOKENS } from "../../protocol/worker";
import type { CliContext } from "./context";
import { generate, type GenerateOptions } from "./generate";
import { parsePlace, parseStops } from "./numbers";
import { addDraftLengthOption, addModelOptions, addSamplingOptions, existingFile, integer } from "./options";

const MAX_BUDGET_MS = 24 * 60 * 60 * 1000;

const examples = `
Examples:
  octet generate src/server.ts                     eight continuations of a file
  octet generate src/server.ts --at 40             fill in at the end of line 40
  octet generate head.py --suffix-file tail.py     fill in between two files
  git show HEAD:a.js | octet generate - -n 4 --stop '\\n\\n'
  octet generate a.ts --seed 7 --json | jq '.sequences[0].text'

A prompt longer than the context is cut to what fits beside --max-tokens, and a note says what was left out.
A --stop text may hold \\n, \\t, \\r and \\\\. Text tinted in the live view was drafted and accepted by the target.
Exit codes: 0 done, 1 failure, 2 bad usage or bad input, 130 cancelled.`;

export function addGenerate(program: Command, run: (command: (context: CliContext) => Promise<number>) => Promise<void>): void {
  const command = program.command("generate")
    .description("write several completions of one prompt, best first")
    .argument("[file]", "the prompt; - or nothing: standard input")
    .option("--suffix-file <FILE>", "what follows the completion: fill in the middle",
      (file) => (file === "-" ? file : existingFile("--suffix-file")(file)))
    .option("--at <LINE[:COL]>", "complete at this place of the file, the rest being what follows",
      (text) => parsePlace("--at", text))
    .option("-n, --lanes <N>", `completions, 1 to ${MAX_LANES}`, integer("-n", 1, MAX_LANES), 8)
    .option("--max-tokens <N>", "longest completion", integer("--max-tokens", 1, MAX_NEW_TOKENS), 128)
    .option("--budget-ms <B>", "stop when this time has gone by", integer("--budget-ms", 1, MAX_BUDGET_MS))
    .option("--stop <TEXT>", "a completion ends before this text; may be given again",
      (text, before: string[] | undefined) => parseStops("--stop", text, before));
  command.option("--no-heal", "the prompt's last word is given to the model as it stands");
  addSamplingOptions(command);
  addDraftLengthOption(command);
  addModelOptions(command);
  command
    .option("--json", "one JSON document on standard output and nothing else there")
    .addHelpText("after", examples)
    .action((file: string | undefined, options: GenerateOptions) => run((context) =>
      generate(file, { ...options, maxTokensGiven: command.getOptionValueSource("maxTokens") === "cli" }, context)));
}

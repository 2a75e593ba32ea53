// The commands of octet and what they take. Arguments can be judged without running anything: `npm run demo` does so before it
// builds what a command needs.
import { Command, CommanderError } from "commander";
import { version } from "../../package.json";
import { addBench } from "./bench";
import type { CliContext } from "./context";
import { addDoctor } from "./doctor";
import { addEval } from "./eval/command";
import { errorLine } from "./errors";
import { addGenerate } from "./generateCommand";
import { addInspect } from "./inspect";
import { addModels } from "./modelsCommand";
import { oneLine } from "./sanitize";

/** What every command takes. */
export interface CommonOptions {
  color: boolean;
  verbose?: boolean;
}

/** `execute` is called with the command whose arguments were found right. */
export function makeProgram(execute: (command: (context: CliContext) => Promise<number>, options: CommonOptions) => Promise<void>): Command {
  const program = new Command("octet")
    .description("Eight code completions at once, decoded on this machine by batched speculative sampling.")
    .version(version)
    .option("--no-color", "no colours; NO_COLOR in the environment does the same")
    .option("--verbose", "the worker's log on standard error")
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(`octet: ${oneLine(text.replace(/^error: /, ""))} (octet --help lists what there is)\n`),
    })
    .showSuggestionAfterError();
  const run = (command: (context: CliContext) => Promise<number>): Promise<void> => execute(command, program.opts());
  addGenerate(program, run);
  addBench(program, run);
  addEval(program, run);
  addInspect(program, run);
  addModels(program, run);
  addDoctor(program, run);
  for (const command of program.commands) command.copyInheritedSettings(program);
  return program;
}

/** False where the arguments ask for help or the version, which is then printed. Throws one line that says what is wrong. */
export async function judgeArguments(args: readonly string[]): Promise<boolean> {
  try {
    await makeProgram(async () => undefined).parseAsync(args, { from: "user" });
    return true;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return false;
    throw new Error(errorLine(error).replace(/^octet: (error: )?/, ""));
  }
}

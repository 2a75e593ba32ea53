// octet: the command line. Reads the arguments, runs one command, and ends with an exit code: 0 done, 1 failure, 2 bad usage
// or bad input, 130 cancelled.
import { Command, CommanderError } from "commander";
import { version } from "../../package.json";
import { addBench } from "./bench";
import { connectWorker } from "./connect";
import type { CliContext } from "./context";
import { addDoctor } from "./doctor";
import { addEval } from "./eval/command";
import { errorLine, exitCodeOf, ExitCode, failure } from "./errors";
import { addGenerate } from "./generateCommand";
import { addInspect } from "./inspect";
import { watchInterrupts } from "./interrupts";
import { packageRoot } from "./models";
import { addModels } from "./modelsCommand";
import { oneLine } from "./sanitize";
import { describeTerminal } from "./terminal";

/** What a command's module calls to run with a context and give its exit code back. */
export type Run = (command: (context: CliContext) => Promise<number>) => Promise<void>;

const { stdin, stdout, stderr } = process;
const root = packageRoot(__dirname);
const interrupts = watchInterrupts(stdout, stderr);

function makeContext(options: { color: boolean; verbose?: boolean }): CliContext {
  return {
    stdin,
    stdout,
    stderr,
    root,
    terminal: describeTerminal(stdout, stderr, process.env, { color: options.color, live: !options.verbose }),
    signal: interrupts.signal,
    connect: () => connectWorker({
      root,
      onStart: interrupts.onKill,
      onLog: (line) => {
        if (options.verbose) stderr.write(`octet: ${line.level}: ${oneLine(line.message)}\n`);
      },
    }),
  };
}

function makeProgram(): Command {
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
  const run: Run = async (command) => {
    process.exitCode = await command(makeContext(program.opts()));
  };
  addGenerate(program, run);
  addBench(program, run);
  addEval(program, run);
  addInspect(program, run);
  addModels(program, run);
  addDoctor(program, run);
  for (const command of program.commands) command.copyInheritedSettings(program);
  return program;
}

async function main(): Promise<void> {
  try {
    await makeProgram().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? ExitCode.done : ExitCode.badInput; // commander has printed it
    } else {
      process.exitCode = interrupts.signal.aborted ? ExitCode.cancelled : exitCodeOf(error);
      if (!interrupts.signal.aborted) stderr.write(`${errorLine(error)}\n`);
    }
  }
  if (interrupts.outputError) {
    stderr.write(`${errorLine(failure(`Standard output cannot be written: ${interrupts.outputError.message}`))}\n`);
    process.exit(ExitCode.failure);
  }
  process.exit(interrupts.outputGone ? ExitCode.done : process.exitCode);
}

void main();

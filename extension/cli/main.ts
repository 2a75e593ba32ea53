// octet: the command line. Reads the arguments, runs one command, and ends with an exit code: 0 done, 1 failure, 2 bad usage
// or bad input, 130 cancelled.
import { CommanderError } from "commander";
import { connectWorker } from "./connect";
import type { CliContext } from "./context";
import { errorLine, exitCodeOf, ExitCode, failure } from "./errors";
import { watchInterrupts } from "./interrupts";
import { packageRoot } from "./models";
import { makeProgram, type CommonOptions } from "./program";
import { oneLine } from "./sanitize";
import { describeTerminal } from "./terminal";

const { stdin, stdout, stderr } = process;
const root = packageRoot(__dirname);
const interrupts = watchInterrupts(stdout, stderr);

function makeContext(options: CommonOptions): CliContext {
  return {
    stdin,
    stdout,
    stderr,
    root,
    terminal: describeTerminal(stdout, stderr, process.env, { color: options.color, live: !options.verbose }),
    signal: interrupts.signal,
    connect: (device) => connectWorker({
      root,
      device,
      signal: interrupts.signal,
      onStart: interrupts.onKill,
      onLog: (line) => {
        if (options.verbose) stderr.write(`octet: ${line.level}: ${oneLine(line.message)}\n`);
      },
    }),
  };
}

async function main(): Promise<void> {
  try {
    await makeProgram(async (command, options) => {
      process.exitCode = await command(makeContext(options));
    }).parseAsync();
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

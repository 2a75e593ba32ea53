// octet eval humaneval: functions written from their heads, run against their tests in a sandbox.
import { createHash } from "node:crypto";
import type { Command } from "commander";
import type { CliContext } from "../context";
import { ExitCode, isCancelled } from "../errors";
import { real } from "../options";
import { humanEvalProgram, humanEvalStops, readProblems } from "./humaneval";
import { addSuiteOptions, type SuiteOptions } from "./options";
import { runEval, SLACK_TOKENS } from "./runEval";
import { openSandbox, type Sandbox } from "./sandbox/sandbox";
import type { Problem } from "./suite";

interface HumanEvalOptions extends SuiteOptions {
  problems: string;
  timeoutS: number;
  unsafeNoSandbox?: boolean;
}

/** Characters of a token, at the least, in prompts such as these. */
const CHARACTERS_PER_TOKEN = 2;
const MAX_TIMEOUT_S = 3600;

export function addHumanEval(parent: Command, run: (command: (context: CliContext) => Promise<number>) => Promise<void>): void {
  const command = parent.command("humaneval")
    .description("complete functions and run their tests in a sandbox")
    .requiredOption("--problems <FILE>", "HumanEval's problems: .jsonl or .jsonl.gz");
  addSuiteOptions(command, 256)
    .option("--timeout-s <S>", "seconds each program may run", real("--timeout-s", 0, MAX_TIMEOUT_S, true), 5)
    .option("--unsafe-no-sandbox", "run generated programs without isolation, with all that you may do")
    .action((options: HumanEvalOptions) => run((context) => humanEval(options, context)));
}

async function humanEval(options: HumanEvalOptions, context: CliContext): Promise<number> {
  const all = await readProblems(options.problems, context.signal);
  const chosen = all.slice(0, options.limit);
  const longest = Math.max(...chosen.map(({ prompt }) => prompt.length));
  let sandbox: Sandbox;
  try {
    sandbox = await openSandbox({ unsafe: options.unsafeNoSandbox, limits: { seconds: options.timeoutS } }, context.signal);
  } catch (error) {
    if (isCancelled(error)) return ExitCode.cancelled;
    throw error;
  }
  const problems = chosen.map((problem): Problem => ({
    id: problem.id,
    groups: {},
    prompt: { kind: "text", text: problem.prompt },
    stop: humanEvalStops,
    maxTokens: options.maxTokens,
    judge: async (completion, signal) => {
      const { outcome, detail } = await sandbox.judge(humanEvalProgram(problem, completion), signal);
      return outcome === "passed" ? { right: true } : { right: false, detail: outcome === "failed" ? detail : outcome };
    },
  }));
  const digest = createHash("sha256").update(JSON.stringify(chosen)).digest("hex").slice(0, 16);
  try {
    return await runEval({
      name: "humaneval",
      identity: { digest, timeoutS: options.timeoutS, sandbox: sandbox.name },
      contextTokens: Math.ceil(longest / CHARACTERS_PER_TOKEN) + options.maxTokens + SLACK_TOKENS,
      makeProblems: async () => problems,
      groups: { first: [] },
      right: `its tests pass in a sandbox (${sandbox.name}) within ${options.timeoutS} s`,
    }, options, context);
  } finally {
    await sandbox.close();
  }
}

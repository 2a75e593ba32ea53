// Runs one command with a program on its standard input, and sees to it that it ends: by itself, at the time limit, when it
// prints too much, or when the work is cancelled.
import { spawn } from "node:child_process";

export interface RunOptions {
  command: readonly string[];
  /** Given on standard input. */
  input: string;
  env: Record<string, string>;
  cwd: string;
  milliseconds: number;
  outputBytes: number;
  signal: AbortSignal;
}

export interface Ended {
  /** null where a signal ended it. */
  code: number | null;
  endedBy: "itself" | "time" | "output";
  /** The end of what it printed. */
  stdout: string;
  stderr: string;
  elapsedMs: number;
}

const KEPT_CHARACTERS = 4096;

/** Rejects where the command cannot be started, and with the signal's reason after a cancellation. Nothing is left running. */
export function run({ command, input, env, cwd, milliseconds, outputBytes, signal }: RunOptions): Promise<Ended> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const [program = "", ...args] = command;
    const child = spawn(program, args, { cwd, env, detached: true, stdio: "pipe" });
    let endedBy: Ended["endedBy"] = "itself";
    let printed = 0;
    const kept = { stdout: "", stderr: "" };

    const kill = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL"); // its group: it was started as the leader of one
      } catch {
        child.kill("SIGKILL");
      }
    };
    const end = (reason: Ended["endedBy"]) => (): void => {
      if (endedBy === "itself") endedBy = reason;
      kill();
    };
    const timer = setTimeout(end("time"), milliseconds);
    signal.addEventListener("abort", kill);
    process.on("exit", kill);
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        printed += text.length;
        kept[name] = (kept[name] + text).slice(-KEPT_CHARACTERS);
        if (printed > outputBytes) end("output")();
      });
    }
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);

    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", kill);
      process.off("exit", kill);
    };
    child.on("error", (error) => {
      settle();
      reject(error);
    });
    child.on("close", (code) => {
      settle();
      if (signal.aborted) reject(signal.reason as Error);
      else resolve({ code, endedBy, ...kept, elapsedMs: performance.now() - start });
    });
  });
}

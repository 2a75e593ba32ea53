// Decides whether a generated Python program is right, without letting it near anything: each run is in a jail of its own.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { failure } from "../../errors";
import { GRACE_SECONDS, jails, PATH, systemFolders, type Jail, type Room } from "./jail";
import { defaultLimits, prlimit, type Limits } from "./limits";
import { PROBE_OK, probeProgram } from "./probe";
import { run, type Ended } from "./run";

/** "output": it printed more than it may. */
export type Outcome = "passed" | "failed" | "timeout" | "output";

export interface Verdict {
  outcome: Outcome;
  /** The last line of what it printed on standard error, e.g. "AssertionError"; empty where there is none. */
  detail: string;
}

export interface Sandbox {
  /** How programs are shut in; "none" was asked for by --unsafe-no-sandbox. */
  readonly name: Jail["name"] | "none";
  /** Runs the program. It has passed when it came to its own last line and ended with exit code 0. */
  judge(program: string, signal: AbortSignal): Promise<Verdict>;
  close(): Promise<void>;
}

export interface SandboxOptions {
  limits?: Partial<Limits>;
  /** Without isolation where there is none: limits only. */
  unsafe?: boolean;
  platform?: NodeJS.Platform;
  /** Ways to try, the better first. */
  jails?: readonly Jail[];
}

/** The first jail that holds. Throws a failure that says why none does. The first run of each is not yet trusted with anything. */
export async function openSandbox(options: SandboxOptions, signal: AbortSignal): Promise<Sandbox> {
  const { unsafe = false, platform = process.platform } = options;
  const limits = { ...defaultLimits, ...options.limits };
  if (platform === "win32" || (platform !== "linux" && !unsafe)) {
    throw failure(
      "Generated programs can be shut in on Linux only",
      platform === "win32" ? "Run this in WSL." : "Run this on Linux; --unsafe-no-sandbox runs them without, with all you may do.",
    );
  }
  const mountPoint = await mkdtemp(path.join(tmpdir(), "octet-eval-"));
  const close = (): Promise<void> => rm(mountPoint, { recursive: true, force: true });
  try {
    if (unsafe) return withoutJail(mountPoint, limits, close);
    const found = await findPython(signal);
    const room: Room = { mountPoint, ...systemFolders(found.prefix), python: found.executable, limits };
    const reasons: string[] = [];
    for (const jail of options.jails ?? jails) {
      const reason = await whyNot(jail, room, signal);
      if (reason === null) return { name: jail.name, judge: (program, cancel) => judge(program, jail.command(room), "/", limits, cancel), close };
      reasons.push(`${jail.name}: ${reason}`);
    }
    throw failure(
      `Generated programs cannot be shut in on this machine (${reasons.join("; ")})`,
      "Install bubblewrap, or allow user namespaces; --unsafe-no-sandbox runs them without, with all you may do.",
    );
  } catch (error) {
    await close();
    throw error;
  }
}

/** null where the jail holds. */
async function whyNot(jail: Jail, room: Room, signal: AbortSignal): Promise<string | null> {
  try {
    const ended = await start(probeProgram(room.limits), jail.command(room), "/", { ...room.limits, seconds: 10 }, signal);
    const said = lastLine(ended.stdout);
    if (ended.code === 0 && said === PROBE_OK) return null;
    return said || lastLine(ended.stderr) || `exit code ${ended.code ?? "none"}`;
  } catch (error) {
    signal.throwIfAborted();
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "not installed" : (error as Error).message;
  }
}

/** The system's Python, which needs no folder beside /usr; else the first on the path. */
async function findPython(signal: AbortSignal): Promise<{ executable: string; prefix: string }> {
  const candidate = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
  try {
    const code = "import os, sys; print(os.path.realpath(sys.executable)); print(os.path.realpath(sys.base_prefix))";
    const { stdout } = await promisify(execFile)(candidate, ["-I", "-S", "-c", code], { signal, timeout: 20_000 });
    const [executable = "", prefix = ""] = stdout.trim().split("\n");
    return { executable, prefix };
  } catch (error) {
    signal.throwIfAborted();
    throw failure(`Python 3 cannot be started: ${(error as Error).message}`, "Install Python 3: HumanEval's programs are Python.");
  }
}

function withoutJail(folder: string, limits: Limits, close: () => Promise<void>): Sandbox {
  const limited = process.platform === "linux" ? prlimit({ ...limits, processes: 4096 }) : [];
  const command = ["sh", "-c", `cat > program.py; exec "$@" </dev/null`, "sh", ...limited, "python3", "-I", "-S", "-B", "program.py"];
  let before: Promise<unknown> = Promise.resolve(); // one folder: one program at a time
  return {
    name: "none",
    judge: (program, signal) => {
      const verdict = before.then(() => judge(program, command, folder, limits, signal));
      before = verdict.catch(() => undefined);
      return verdict;
    },
    close,
  };
}

async function judge(program: string, command: readonly string[], cwd: string, limits: Limits, signal: AbortSignal): Promise<Verdict> {
  const token = `octet-${randomBytes(16).toString("hex")}`;
  const ended = await start(`${program}\nprint("\\n${token}", flush=True)\n`, command, cwd, limits, signal);
  const passed = ended.endedBy === "itself" && ended.code === 0 && lastLine(ended.stdout) === token;
  return { outcome: passed ? "passed" : outcomeOf(ended, limits), detail: passed ? "" : lastLine(ended.stderr) };
}

function start(input: string, command: readonly string[], cwd: string, limits: Limits, signal: AbortSignal): Promise<Ended> {
  return run({
    command, input, cwd, signal,
    env: { PATH: cwd === "/" ? PATH : process.env.PATH ?? PATH, HOME: cwd, LANG: "C.UTF-8" },
    milliseconds: (limits.seconds + GRACE_SECONDS) * 1000,
    outputBytes: limits.outputBytes,
  });
}

function outcomeOf({ endedBy, code, elapsedMs }: Ended, { seconds }: Limits): Outcome {
  if (endedBy === "output") return "output";
  const KILLED = 128 + 9;
  const killed = code === KILLED || code === null;
  return endedBy === "time" || (killed && elapsedMs >= seconds * 1000) ? "timeout" : "failed";
}

const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1)?.trim() ?? "";

// Running programs for the scripts: quiet steps with their time, and failures as one clear line.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** A failure whose message is all that the user needs; `output` is what the failing program printed. */
export class Failure extends Error {
  constructor(message, output = "") {
    super(message);
    this.output = output;
  }
}

/**
 * Prints `name` and how long `work` took, and while it lasts how long it has taken so far: each second on a terminal, elsewhere each minute.
 * @template Result
 * @param {string} name
 * @param {() => Promise<Result> | Result} work prints nothing itself
 * @param {{ output?: Pick<NodeJS.WriteStream, "isTTY" | "write">, everyMs?: number }} options
 * @returns {Promise<Result>}
 */
export async function step(name, work, { output = process.stdout, everyMs = output.isTTY ? 1_000 : 60_000 } = {}) {
  const start = performance.now();
  const [begin, end] = output.isTTY ? ["\r\x1b[K", ""] : ["", "\n"];
  const line = (after) => `  ${name.padEnd(34)} ${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s${after}`;
  const ticking = setInterval(() => output.write(begin + line(" ...") + end), everyMs);
  try {
    if (output.isTTY) output.write(line(" ..."));
    const result = await work();
    output.write(`${begin}${line("")}\n`);
    return result;
  } catch (error) {
    if (output.isTTY) output.write("\n");
    throw error;
  } finally {
    clearInterval(ticking);
  }
}

/** Programs that run() has started and that have not ended. */
const running = new Set();

/**
 * Runs a program. `show`: its output goes to the terminal, else it is kept and given back. `input`: it has this process's stdin, else none.
 * @returns {Promise<{ code: number, output: string }>} code: 128 + n after signal n, 127 where it cannot be started
 */
export function run(command, args, { cwd = root, env = {}, show = false, input = false, timeoutMs = 0 } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: [input ? "inherit" : "ignore", show ? "inherit" : "pipe", show ? "inherit" : "pipe"],
      shell: process.platform === "win32" && !path.isAbsolute(command), // npm is a script there
    });
    running.add(child);
    let output = "";
    let timedOut = false;
    child.stdout?.setEncoding("utf8").on("data", (text) => (output += text));
    child.stderr?.setEncoding("utf8").on("data", (text) => (output += text));
    const timer = timeoutMs > 0 && setTimeout(() => { timedOut = true; child.kill("SIGKILL"); }, timeoutMs);
    const settle = (code) => {
      running.delete(child);
      clearTimeout(timer);
      if (timedOut) output += `\n${command} took longer than ${timeoutMs / 1000} s and was stopped\n`;
      resolve({ code, output });
    };
    child.on("error", (error) => { output += error.message; settle(127); });
    child.on("close", (code, signal) => settle(code ?? 128 + constants.signals[signal]));
  });
}

/** Like run(); a non-zero exit throws a Failure with `message`. */
export async function must(message, command, args, options) {
  const { code, output } = await run(command, args, options);
  if (code !== 0) throw new Failure(`${message} (${path.basename(command)} exited with ${code})`, output);
  return output;
}

/** The script's options as parseArgs gives them; what it does not know is a Failure, not left unheard. */
export function optionsOf(options) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    const known = Object.entries(options).map(([name, { type }]) => `--${name}${type === "string" ? ` ${name.toUpperCase()}` : ""}`);
    throw new Failure(`${error.message.split(". ")[0]}; ${known.length > 0 ? `options: ${known.join(", ")}` : "it takes none"}`);
  }
}

/** The end of a long output: its last `lines` lines. */
export function tail(output, lines = 40) {
  return output.trimEnd().split("\n").slice(-lines).join("\n");
}

/** Runs a script's `main`: a Failure, or a disk's, is its program's last output and one line, with exit code 1. Ended itself, it ends what it runs. */
export async function script(name, main) {
  for (const [signal, number] of [["SIGHUP", 1], ["SIGTERM", 15]]) {
    process.once(signal, () => {
      for (const child of running) child.kill();
      process.exit(128 + number);
    });
  }
  try {
    await main();
  } catch (error) {
    if (!(error instanceof Failure) && !isOfSurroundings(error)) throw error;
    if (error.output) console.error(tail(error.output));
    console.error(`${name}: ${error.message.replace(/\s*\n\s*/g, " ")}`);
    process.exitCode = 1;
  }
}

/** Of the file system, as of a disk that is full or cannot be written; or of esbuild, which names what it could not read or write. */
const isOfSurroundings = (error) => typeof error?.syscall === "string" || Array.isArray(error?.errors);

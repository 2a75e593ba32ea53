// Runs the built command line as a user's shell would: as a process of its own, with pipes or inside a terminal.
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Terminal } from "@xterm/headless";
import { afterAll, beforeAll } from "vitest";
import type { GenerateParams } from "../../protocol/worker";

export const root = path.resolve(__dirname, "../..");
const cli = path.join(root, "dist", "cli.js");
const addon = process.env.OCTET_ADDON ?? path.join(root, "dist", "octet.node");

export const starter = path.join(root, "models", "octet-starter-6M-q8_0.gguf");
export const starterDraft = path.join(root, "models", "octet-starter-1M-draft-q8_0.gguf");
export const stories = path.join(root, "test", "data", "stories260K.gguf");
export const example = path.join(root, "examples", "query_string.ts");
const markingAddon = path.join(root, "test", "cli", "markingAddon.cjs");
export const hostileAddon = path.join(root, "test", "cli", "hostileAddon.cjs");

export let folder = "";

/** A folder for the file's tests; and without a build, one clear failure. */
export function useBuiltCli(): void {
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "octet-cli-"));
    for (const file of [cli, path.join(root, "dist", "worker.js"), addon]) {
      if (!existsSync(file)) throw new Error(`${file} is not built: run npm run build first`);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
}

/** Lines that only say how far long work is: on a busy machine short work is long. */
const PROGRESS = /^octet: (loading, |loaded |[\d,]+ tokens?, )[^\n]*\n/gm;

export const withoutProgress = (stderr: string): string => stderr.replace(PROGRESS, "");

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  /** Without the lines that say how far it is. */
  stderr: string;
}

export interface Running {
  child: ChildProcessWithoutNullStreams;
  done: Promise<Outcome>;
  stderrSoFar(): string;
}

type Env = Record<string, string | undefined>;

function environment(env: Env): NodeJS.ProcessEnv {
  const unset = { CI: undefined, FORCE_COLOR: undefined, NO_COLOR: undefined }; // each decides about colours
  return { ...process.env, ...unset, TERM: "xterm-256color", LC_ALL: "C.UTF-8", ...env };
}

export function start(args: readonly string[], env: Env = {}): Running {
  const child = spawn(process.execPath, [cli, ...args], { env: environment(env), cwd: root });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => undefined);
  const done = new Promise<Outcome>((resolve) => child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr: withoutProgress(stderr) })));
  return { child, done, stderrSoFar: () => stderr };
}

/** As {@link start}, telling when lanes are asked for ("generate") and when they have written something ("step"). */
export function startMarked(args: readonly string[], env: Env = {}): Running & { reached(sign: "generate" | "step"): Promise<void> } {
  const mark = path.join(mkdtempSync(path.join(folder, "mark-")), "mark");
  const signs = () => (existsSync(mark) ? readFileSync(mark, "utf8") : "");
  const running = start(args, { ...env, OCTET_ADDON: markingAddon, OCTET_MARKED: env["OCTET_ADDON"] ?? addon, OCTET_MARK: mark });
  return { ...running, reached: (sign) => until(sign, () => signs().includes(sign)) };
}

/** Runs to the end with `input` on standard input. */
export function run(args: readonly string[], { input = "", env = {} }: { input?: string | Uint8Array; env?: Env } = {}): Promise<Outcome> {
  const { child, done } = start(args, env);
  child.stdin.end(input);
  return done;
}

/** As {@link run}, with what was asked of the addon. */
export async function runAsked(args: readonly string[], { input = "", env = {} }: { input?: string; env?: Env } = {}): Promise<Outcome & { asked: GenerateParams[] }> {
  const file = path.join(mkdtempSync(path.join(folder, "asked-")), "asked");
  const { child, done } = startMarked(args, { ...env, OCTET_ASKED: file });
  child.stdin.end(input);
  const outcome = await done;
  const lines = existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
  return { ...outcome, asked: lines.map((line) => JSON.parse(line) as GenerateParams) };
}

/** Live processes whose parent is `pid`. */
export function childrenOf(pid: number): number[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((candidate) => {
    try {
      const fields = readFileSync(`/proc/${candidate}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      return Number(fields[1]) === pid && fields[0] !== "Z";
    } catch {
      return false;
    }
  });
}

export function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

export async function until(what: string, condition: () => boolean, ms = 60_000): Promise<void> {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/** The command line inside a pseudo-terminal that is emulated here. */
export class Pty {
  readonly done: Promise<number | null>;
  raw = "";
  private readonly terminal: Terminal;
  private readonly child: ChildProcessWithoutNullStreams;

  constructor(args: readonly string[], columns: number, rows: number, env: Env = {}) {
    this.terminal = new Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 5000 });
    const command = [process.execPath, cli, ...args].map((part) => `'${part.replace(/'/g, "'\\''")}'`).join(" ");
    this.child = spawn("script", ["-qec", `stty cols ${columns} rows ${rows}; exec ${command}`, "/dev/null"], {
      env: { ...environment(env), SHELL: "/bin/sh" }, cwd: root,
    });
    this.child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.raw += text;
      this.terminal.write(text);
    });
    this.child.stdin.on("error", () => undefined);
    this.done = new Promise((resolve) => this.child.on("close", (code) => resolve(code)));
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  type(keys: string): void {
    this.child.stdin.write(keys);
  }

  /** What the screen shows now. */
  screen(): string[] {
    const buffer = this.terminal.buffer.active;
    return Array.from({ length: this.terminal.rows }, (_, row) => buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? "");
  }

  /** Everything on the normal screen, what has scrolled away included. */
  async transcript(): Promise<string> {
    await new Promise<void>((resolve) => this.terminal.write("", resolve));
    const { normal } = this.terminal.buffer;
    return Array.from({ length: normal.length }, (_, row) => normal.getLine(row)?.translateToString(true) ?? "").join("\n");
  }

  get onAlternateScreen(): boolean {
    return this.terminal.buffer.active.type === "alternate";
  }
}

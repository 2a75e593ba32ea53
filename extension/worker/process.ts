// The worker as an operating system process: forked, watched, killed; its last words kept for crash reports.

import { fork, type ChildProcess } from "node:child_process";
import { IPCMessageReader, IPCMessageWriter, type MessageReader, type MessageWriter } from "vscode-jsonrpc/node";
import { NO_GPUS } from "../../protocol/worker";
import { Deferred } from "./async";

export interface WorkerExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Why it could not be started at all. */
  error?: Error;
  /** Another window that shared it ended it, on purpose: no crash. */
  byAnother?: true;
  /** Of a shared worker: its hello did not come, nor, before it, those of others with GPUs' drivers; so many in a row, whichever windows killed them. */
  hung?: number;
  /** The end of what it wrote to stderr and stdout. */
  lastWords: string;
}

export interface WorkerProcess {
  readonly pid: number | undefined;
  readonly reader: MessageReader;
  readonly writer: MessageWriter;
  /** Resolves once, when the process is gone and its messages have been read. Never rejects. */
  readonly exited: Promise<WorkerExit>;
  /** Ends it at once, whatever it is doing. `hung`: since its hello did not come in time. */
  kill(hung?: boolean): void;
  /** Of a worker that other windows use too: lets go of it, and `exited` resolves. False, or absent: it is this process's alone. */
  leave?(): boolean | Promise<boolean>;
}

const LAST_WORDS = 4096;
/** Pipes may outlive the process where something inherited them. */
const PIPES_MS = 500;

/**
 * `bundle` is dist/worker.js. `env` is laid over this process's environment; undefined takes a variable away. Without `gpus` the worker
 * loads no GPU's driver.
 */
export function forkWorker(bundle: string, env: Record<string, string | undefined> = {}, { gpus = true } = {}): WorkerProcess {
  const child = fork(bundle, gpus ? [] : [NO_GPUS], {
    execArgv: [],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: asNode(env),
  });
  return {
    pid: child.pid,
    reader: new IPCMessageReader(child),
    writer: new IPCMessageWriter(child),
    exited: exitOf(child),
    kill: () => void child.kill("SIGKILL"),
  };
}

/** This process's environment with `env` laid over it, for a process that runs a script as Node.js does. */
export const asNode = (env: Record<string, string | undefined> = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  NODE_OPTIONS: undefined, // a debugger's or a profiler's of this process, not the other's
  ...(process.versions["electron"] ? { ELECTRON_RUN_AS_NODE: "1" } : {}),
  ...env,
});

function exitOf(child: ChildProcess): Promise<WorkerExit> {
  const exited = new Deferred<WorkerExit>();
  let lastWords = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => (lastWords = (lastWords + text).slice(-LAST_WORDS)));
  }
  const end = (code: number | null, signal: NodeJS.Signals | null, error?: Error): void =>
    exited.resolve({ code, signal, lastWords, ...(error ? { error } : {}) });
  child.once("exit", (code, signal) => setTimeout(end, PIPES_MS, code, signal).unref());
  child.once("close", (code: number | null, signal: NodeJS.Signals | null) => end(code, signal));
  child.on("error", (error) => {
    if (child.pid === undefined) end(null, null, error);
  });
  return exited.promise;
}

/** Of Windows, as exit codes: exceptions such as an access violation, and abort() as the C library and as Node.js do it. */
const FIRST_EXCEPTION = 0xc0000000;
const ABORT_CODES = [3, 134];

/** Whether it was ended by a fault or a signal, rather than by itself. */
export function wasCrash({ code, signal, error, byAnother }: WorkerExit, platform = process.platform): boolean {
  if (byAnother) return false;
  if (error || code === null) return !error && signal !== null;
  return platform === "win32" && (code >= FIRST_EXCEPTION || ABORT_CODES.includes(code));
}

/** E.g. "signal SIGSEGV", "exit code 70", "spawn ENOENT". */
export function describeExit({ code, signal, error, byAnother }: WorkerExit): string {
  if (byAnother) return "another window ended it";
  return error ? error.message : signal ? `signal ${signal}` : code === null ? "its connection is lost" : `exit code ${code}`;
}

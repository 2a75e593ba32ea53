// What a command runs in: its streams, its terminal, its cancellation and the way to a worker. Tests make their own.
import type { Readable, Writable } from "node:stream";
import { isCancelled } from "./errors";
import type { Terminal } from "./terminal";
import type { WorkerApi } from "./workerApi";

export interface CliContext {
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable;
  stderr: Writable;
  terminal: Terminal;
  /** Folder of package.json. */
  root: string;
  /** Aborted by Ctrl-C, SIGTERM, or when nobody reads the output any more. */
  signal: AbortSignal;
  /** For "cpu" the worker loads no GPU's driver. */
  connect(device: string): Promise<WorkerApi>;
}

/** Runs `use` with a worker of its own for `device`, and leaves no process behind, whatever happens. */
export async function withWorker<T>(context: CliContext, device: string, use: (worker: WorkerApi) => Promise<T>): Promise<T> {
  const { signal } = context;
  signal.throwIfAborted();
  let worker: WorkerApi | undefined;
  try {
    worker = await context.connect(device);
    signal.throwIfAborted();
    return await use(worker);
  } catch (error) {
    signal.throwIfAborted(); // what failed because of the cancellation is the cancellation
    throw error;
  } finally {
    await worker?.close();
  }
}

/** The value, or null where the work was cancelled before it had one. */
export async function unlessCancelled<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (isCancelled(error)) return null;
    throw error;
  }
}

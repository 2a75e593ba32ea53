// Ctrl-C, SIGTERM and a closed terminal end the work in good order; the same again ends it at once. So does a reader that left.
import type { Writable } from "node:stream";
import { ExitCode } from "./errors";

/** npm and a terminal both pass one Ctrl-C on; the second of such a pair is not a second wish. */
const SAME_WISH_MS = 250;
/** A worker that has not ended its work this long after it was told to, e.g. because it is stopped, is killed. */
const DEADLINE_MS = 10_000;

export interface Interrupts {
  signal: AbortSignal;
  /** Nobody reads standard output any more. */
  readonly outputGone: boolean;
  /** Why standard output could not be written, e.g. a full disk; null where it could, or where the reader just left. */
  readonly outputError: Error | null;
  /** What the second Ctrl-C kills. */
  onKill: (kill: () => void) => void;
}

export function watchInterrupts(stdout: Writable, stderr: Writable): Interrupts {
  const controller = new AbortController();
  let kill: () => void = () => undefined;
  let outputGone = false;
  let outputError: Error | null = null;
  let firstAt: number | undefined;

  const onSignal = (): void => {
    const now = performance.now();
    firstAt ??= now;
    if (controller.signal.aborted && now - firstAt > SAME_WISH_MS) {
      kill();
      process.exit(ExitCode.cancelled);
    }
    controller.abort();
    setTimeout(() => kill(), DEADLINE_MS).unref();
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") outputGone = true;
    else outputError ??= error;
    controller.abort();
  });
  stderr.on("error", () => undefined);

  return {
    signal: controller.signal,
    get outputGone() { return outputGone; },
    get outputError() { return outputError; },
    onKill: (next) => { kill = next; },
  };
}

// Small pieces of waiting that the client and the supervisor share.

import { cancelled } from "./errors";

export interface Disposable {
  dispose(): void;
}

/** The time, for code whose tests must not wait for it. */
export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  setTimeout(callback: () => void, ms: number): Disposable;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => {
    const timer = setTimeout(callback, ms);
    return { dispose: () => clearTimeout(timer) };
  },
};

/** A promise settled from outside; a rejection nobody waits for is not an error. */
export class Deferred<T> {
  resolve!: (value: T) => void;
  reject!: (error: Error) => void;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
  constructor() {
    this.promise.catch(() => undefined);
  }
}

/** `promise`, or a rejection with "cancelled" as soon as `signal` aborts. Leaves no listener behind. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined, what: string): Promise<T> {
  if (!signal) return promise;
  const aborted = new Deferred<never>();
  const onAbort = (): void => aborted.reject(cancelled(what));
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Calls `act` when `signal` has been aborted for `ms`, unless it is disposed of before. */
export function afterAbort(signal: AbortSignal | undefined, ms: number, clock: Clock, act: () => void): Disposable {
  let timer: Disposable | undefined;
  const onAbort = (): void => void (timer = clock.setTimeout(act, ms));
  signal?.addEventListener("abort", onAbort, { once: true });
  return {
    dispose: () => {
      signal?.removeEventListener("abort", onAbort);
      timer?.dispose();
    },
  };
}

/** Whether `promise` settled within `ms`. */
export async function settles(promise: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  const late = new Deferred<boolean>();
  const timer = clock.setTimeout(() => late.resolve(false), ms);
  try {
    return await Promise.race([promise.then(() => true, () => true), late.promise]);
  } finally {
    timer.dispose();
  }
}

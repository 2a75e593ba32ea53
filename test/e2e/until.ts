// Waiting for something to become true, with an error that says what did not. Times are for a busy machine of two cores: what
// is well comes at once, and what is not may take its time to be known.

export const USUAL_MS = 60_000;

export interface UntilOptions {
  timeoutMs?: number;
  everyMs?: number;
  /** What there was instead, for the error. */
  tell?: () => unknown;
}

export async function until<T>(what: string, check: () => T | Promise<T>, options: UntilOptions = {}): Promise<NonNullable<T>> {
  const { timeoutMs = USUAL_MS, everyMs = 100, tell } = options;
  const end = performance.now() + timeoutMs;
  for (;;) {
    const result = await check();
    if (result) return result;
    if (performance.now() > end) throw new Error(`waited ${timeoutMs / 1000} s in vain: ${what}${tell ? `; instead: ${await told(tell)}` : ""}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

async function told(tell: () => unknown): Promise<string> {
  try {
    return JSON.stringify(await tell());
  } catch (error) {
    return String(error);
  }
}

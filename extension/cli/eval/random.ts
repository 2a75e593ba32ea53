// Choices that a seed and a name fix: the same on every machine, whatever else is chosen before.
import { createHash } from "node:crypto";

/** Uniform numbers in [0, 1) from SHA-256 in counter mode. */
export function seededRandom(seed: number, name: string): () => number {
  let counter = 0;
  return () => createHash("sha256").update(`${seed}\0${name}\0${counter++}`).digest().readUInt32BE(0) / 2 ** 32;
}

/** A new order, each as likely (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] as T, order[last] as T];
  }
  return order;
}

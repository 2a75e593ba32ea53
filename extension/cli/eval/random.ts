// Choices that a seed and a name fix: the same on every machine, whatever else is chosen before.
import { createHash } from "node:crypto";

/** Uniform numbers in [0, 1): the generator sfc32 (Doty-Humphrey, PractRand), its state the hash of seed and name. */
export function seededRandom(seed: number, name: string): () => number {
  const hash = createHash("sha256").update(`${seed}\0${name}`).digest();
  let [a, b, c, counter] = [0, 4, 8, 12].map((offset) => hash.readInt32BE(offset)) as [number, number, number, number];
  return () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
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

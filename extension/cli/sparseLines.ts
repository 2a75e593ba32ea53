// Progress for whoever does not watch a terminal: a line now and then, where there is something new to say.
import type { Writable } from "node:stream";

/** `firstMs`: when the first line may come at the earliest. Takes a function, which is asked only where a line is due. */
export function sparseLines(
  stream: Writable, { everyMs, firstMs, now = () => performance.now() }: { everyMs: number; firstMs: number; now?: () => number },
): (text: () => string) => void {
  let due = now() + firstMs;
  let last: string | undefined;
  return (text) => {
    if (now() < due) return;
    const line = text();
    if (line === last) return;
    last = line;
    due = now() + everyMs;
    stream.write(`octet: ${line}\n`);
  };
}

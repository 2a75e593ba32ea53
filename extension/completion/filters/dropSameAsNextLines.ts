// Drops a completion that only says what the next lines say.
import { isBlank, isTelling, type Filter } from "./filter";

export const dropSameAsNextLines: Filter = (completion, context) => {
  if (!isBlank(context.lineSuffix)) return completion;
  const written = toComparable(context.linePrefix + completion.text);
  const next = toComparable(context.suffix.split("\n").slice(1).join("\n"));
  const isStart = (line: string, at: number) => completion.cutOff && at === written.length - 1 && next[at]?.startsWith(line);
  const same = written.every((line, at) => line === next[at] || isStart(line, at));
  return same && written.some(isTelling) ? null : completion;
};

const toComparable = (text: string): string[] => text.split("\n").map((line) => line.trim()).filter((line) => line !== "");

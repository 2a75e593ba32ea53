// Drops first lines that only say the line above the cursor again.
import { isBlank, isTelling, indentation, withText, type Filter } from "./filter";

export const collapseLineAbove: Filter = (completion, context) => {
  if (!isBlank(context.linePrefix)) return completion;
  const above = context.prefix.split("\n").slice(0, -1).findLast((line) => !isBlank(line));
  if (above === undefined || !isTelling(above)) return completion;
  const lines = completion.text.split("\n");
  const first = lines.findIndex((line) => line.trim() !== above.trim() && !isBlank(line));
  const doubled = lines.some((line, at) => (first < 0 || at < first) && line.trim() === above.trim());
  if (!doubled) return completion;
  if (first < 0) return null;
  const rest = lines.slice(first);
  const line = rest[0] ?? "";
  // The first line takes over the indentation before the cursor; one that is less indented does not belong there.
  if (!indentation(line).startsWith(context.linePrefix)) return null;
  return withText(completion, [line.slice(context.linePrefix.length), ...rest.slice(1)].join("\n"));
};

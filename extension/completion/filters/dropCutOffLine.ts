// Drops the last of several lines where the lane was cut off in it.
import { isBlank, withText, type Filter } from "./filter";

export const dropCutOffLine: Filter = (completion) => {
  const lastLineEnd = completion.text.lastIndexOf("\n");
  if (!completion.cutOff || lastLineEnd < 0) return completion;
  const whole = completion.text.slice(0, lastLineEnd);
  return isBlank(whole) ? completion : withText(completion, whole);
};

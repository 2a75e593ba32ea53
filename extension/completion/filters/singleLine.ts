// Ends a completion with its first line where only one line is wanted.
import { cutTo, type Filter } from "./filter";

export const singleLine: Filter = (completion, context) =>
  context.multiline ? completion : cutTo(completion, completion.text.split("\n", 1)[0] ?? "");

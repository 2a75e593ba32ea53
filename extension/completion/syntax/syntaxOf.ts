// The syntax at a cursor, computed once for all filters and lanes.
import type { CursorContext } from "../context";
import { cursorSyntax, type CursorSyntax } from "./brackets";

const known = new WeakMap<CursorContext, CursorSyntax>();

export function syntaxOf(context: CursorContext): CursorSyntax {
  let syntax = known.get(context);
  if (!syntax) {
    syntax = cursorSyntax(context.prefix, context.suffix, context.languageId);
    known.set(context, syntax);
  }
  return syntax;
}

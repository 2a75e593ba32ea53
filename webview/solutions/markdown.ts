// A stream parser for Markdown: headings, fenced and inline code, emphasis, links, quotes. CodeMirror's collection has none.

import type { StreamParser } from "@codemirror/streamparser";

interface MarkdownState {
  /** The fence that will close the code block; null outside of one. */
  fence: string | null;
}

const INLINE: [RegExp, string][] = [
  [/^`[^`]+`/, "string"],
  [/^!?\[[^\]]*\]\([^)]*\)/, "link"],
  [/^(\*\*|__)\S(.*?\S)?\1/, "atom"],
  [/^<[^>]+>/, "tag"],
];

export const markdown: StreamParser<MarkdownState> = {
  name: "markdown",
  startState: () => ({ fence: null }),
  token(stream, state) {
    if (stream.sol()) {
      const fence = stream.match(/^\s*(```+|~~~+)/, false) as RegExpMatchArray | null;
      if (fence && (state.fence === null || fence[1]?.startsWith(state.fence))) {
        state.fence = state.fence === null ? (fence[1] ?? null) : null;
        stream.skipToEnd();
        return "comment";
      }
    }
    if (state.fence !== null) {
      stream.skipToEnd();
      return "string";
    }
    if (stream.sol() && stream.match(/^#{1,6}\s.*/)) return "heading";
    if (stream.sol() && stream.match(/^\s*([-*+]|\d+[.)]|>)\s/)) return "keyword";
    for (const [pattern, style] of INLINE) if (stream.match(pattern)) return style;
    stream.next();
    stream.eatWhile(/[^`![*_<]/);
    return null;
  },
};

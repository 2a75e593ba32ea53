// Syntax colouring by CodeMirror's stream parsers: a line at a time, keeping the parser's state at the start of every
// finished line, so that a growing text costs the line that grows. Colours are classes of the style sheet: they follow the
// theme without colouring anew.

import { c, cpp, csharp, java, kotlin } from "@codemirror/legacy-modes/mode/clike";
import { css } from "@codemirror/legacy-modes/mode/css";
import { go } from "@codemirror/legacy-modes/mode/go";
import { javascript, json, typescript } from "@codemirror/legacy-modes/mode/javascript";
import { lua } from "@codemirror/legacy-modes/mode/lua";
import { python } from "@codemirror/legacy-modes/mode/python";
import { ruby } from "@codemirror/legacy-modes/mode/ruby";
import { rust } from "@codemirror/legacy-modes/mode/rust";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import { standardSQL } from "@codemirror/legacy-modes/mode/sql";
import { swift } from "@codemirror/legacy-modes/mode/swift";
import { yaml } from "@codemirror/legacy-modes/mode/yaml";
import { StringStream } from "@codemirror/streamparser";
import type { StreamParser } from "@codemirror/streamparser";
import { markdown } from "./markdown";

/** A coloured stretch of a line. What no token covers has the plain colour. */
export interface Token {
  from: number;
  to: number;
  className: string;
}

/** The parser's state at the start of a line. */
export type LineState = Record<string, unknown>;

const PARSERS: Record<string, StreamParser<unknown>> = {
  typescript,
  typescriptreact: withTags(typescript),
  javascript,
  javascriptreact: withTags(javascript),
  json,
  jsonc: json,
  python,
  markdown,
  c,
  cpp,
  "cuda-cpp": cpp,
  csharp,
  java,
  kotlin,
  go,
  rust,
  swift,
  ruby,
  lua,
  css,
  scss: css,
  sql: standardSQL,
  yaml,
  shellscript: shell,
};

/** Classes by the parsers' styles; "a.b" falls back to "a". */
const CLASSES: Record<string, string> = {
  keyword: "t-keyword",
  heading: "t-keyword",
  modifier: "t-keyword",
  string: "t-string",
  "string.special": "t-string",
  character: "t-string",
  link: "t-string",
  escape: "t-escape",
  number: "t-number",
  atom: "t-constant",
  bool: "t-constant",
  null: "t-constant",
  self: "t-constant",
  comment: "t-comment",
  meta: "t-comment",
  type: "t-type",
  typeName: "t-type",
  className: "t-type",
  tag: "t-type",
  macroName: "t-function",
  builtin: "t-function",
  attribute: "t-property",
};

/** The parser with the ends of JSX elements, which it would take for regular expressions. */
function withTags(parser: StreamParser<unknown>): StreamParser<unknown> {
  return {
    ...parser,
    token: (stream, state) => (stream.match(/^(<\/[\w.]*>|\/>)/) ? "tag" : parser.token(stream, state)),
  };
}

const NAME = /^(def|variable|variableName|property|propertyName|builtin)\b/;
const CALL = /^\s*\(/;
const CAPITALISED = /^[A-Z][A-Za-z0-9]*[a-z]/;
const SPREAD = /^\.+$/;
const INDENT_UNIT = 2;
/** The rest of a longer line stays plain. */
const LONGEST_LINE = 2000;

/** How to colour a VS Code language id; null for languages that stay plain. */
export function colourerFor(languageId: string, tabSize: number): Colourer | null {
  const parser = Object.hasOwn(PARSERS, languageId) ? PARSERS[languageId] : undefined;
  return parser ? new Colourer(parser, tabSize) : null;
}

/** Colours the lines of one language. */
export class Colourer {
  constructor(
    private readonly parser: StreamParser<unknown>,
    private readonly tabSize: number,
  ) {}

  start(): LineState {
    return (this.parser.startState?.(INDENT_UNIT) ?? {}) as LineState;
  }

  /** The state behind these lines. */
  after(lines: readonly string[]): LineState {
    return lines.reduce((state, line) => this.line(line, state).after, this.start());
  }

  /** Tokens of a line without its line break, beginning at column `from`, and the state for the line after it. */
  line(text: string, before: LineState, from = 0): { tokens: Token[]; after: LineState } {
    const state = this.copy(before);
    const tokens: Token[] = [];
    if (text === "") this.parser.blankLine?.(state, INDENT_UNIT);
    const stream = new StringStream(text.length > LONGEST_LINE ? text.slice(0, LONGEST_LINE) : text, this.tabSize, INDENT_UNIT);
    while (!stream.eol()) {
      stream.start = stream.pos;
      const style = this.parser.token(stream, state);
      if (stream.pos > stream.start) {
        const className = style && stream.pos > from ? classOf(style, text, stream.start, stream.pos) : null;
        if (className) add(tokens, Math.max(stream.start, from), stream.pos, className);
      } else if (!style && ++stream.pos > text.length) break; // a parser may change its state without advancing
    }
    return { tokens, after: state };
  }

  private copy(state: LineState): LineState {
    if (this.parser.copyState) return this.parser.copyState(state) as LineState;
    const result: LineState = {};
    for (const [name, value] of Object.entries(state)) result[name] = Array.isArray(value) ? [...(value as unknown[])] : value;
    return result;
  }
}

/** Parsers know words, not roles: a name before a parenthesis is a function, a capitalised one a type. */
function classOf(style: string, line: string, from: number, to: number): string | null {
  if (NAME.test(style)) {
    if (CALL.test(line.slice(to, to + 8))) return "t-function";
    if (CAPITALISED.test(line.slice(from, to))) return "t-type";
  }
  if (style === "meta" && SPREAD.test(line.slice(from, to))) return null;
  for (let name = style.split(" ")[0] ?? ""; name; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
    const className = CLASSES[name];
    if (className) return className;
  }
  return null;
}

function add(tokens: Token[], from: number, to: number, className: string): void {
  const last = tokens.at(-1);
  if (last && last.to === from && last.className === className) last.to = to;
  else tokens.push({ from, to, className });
}

// The little that completion needs to know of a language: how it writes comments and strings, and what opens a block.

export interface Language {
  lineComment: string | null;
  blockComment: readonly [open: string, close: string] | null;
  /** Delimiters of strings, longest first; those in `multilineQuotes` may span lines. */
  quotes: readonly string[];
  multilineQuotes: readonly string[];
  /** Blocks are shown by indentation after a colon. */
  indented: boolean;
}

const curly: Language = {
  lineComment: "//",
  blockComment: ["/*", "*/"],
  quotes: ['"', "'"],
  multilineQuotes: [],
  indented: false,
};
const script: Language = { ...curly, quotes: ['"', "'", "`"], multilineQuotes: ["`"] };
/** An apostrophe may start a lifetime or a type variable, so it opens no string. */
const apostrophic: Language = { ...curly, quotes: ['"'], multilineQuotes: ['"'] };
const hash: Language = { ...curly, lineComment: "#", blockComment: null };
const python: Language = {
  ...hash,
  quotes: ['"""', "'''", '"', "'"],
  multilineQuotes: ['"""', "'''"],
  indented: true,
};
const dashes: Language = { ...curly, lineComment: "--", blockComment: null };
const markup: Language = { ...curly, lineComment: null, blockComment: ["<!--", "-->"], quotes: ['"'], multilineQuotes: ['"'] };
const prose: Language = { lineComment: null, blockComment: null, quotes: [], multilineQuotes: [], indented: false };

const languages: Record<string, Language> = {
  python,
  typescript: script,
  typescriptreact: script,
  javascript: script,
  javascriptreact: script,
  vue: script,
  svelte: script,
  go: script,
  java: { ...curly, quotes: ['"""', '"', "'"], multilineQuotes: ['"""'] },
  kotlin: { ...curly, quotes: ['"""', '"', "'"], multilineQuotes: ['"""'] },
  swift: { ...curly, quotes: ['"""', '"'], multilineQuotes: ['"""'] },
  rust: apostrophic,
  scala: apostrophic,
  php: curly,
  c: curly,
  cpp: curly,
  csharp: curly,
  dart: curly,
  css: { ...curly, lineComment: null },
  scss: curly,
  less: curly,
  jsonc: curly,
  json: { ...curly, lineComment: null, blockComment: null, quotes: ['"'] },
  ruby: hash,
  perl: hash,
  shellscript: { ...hash, multilineQuotes: ['"', "'"] },
  powershell: hash,
  r: hash,
  elixir: { ...hash, quotes: ['"""', '"'], multilineQuotes: ['"""'] },
  julia: { ...hash, quotes: ['"""', '"'], multilineQuotes: ['"""'] },
  toml: hash,
  makefile: hash,
  dockerfile: hash,
  yaml: { ...hash, indented: true },
  coffeescript: { ...hash, indented: true },
  lua: dashes,
  sql: dashes,
  haskell: { ...dashes, quotes: ['"'] },
  html: markup,
  xml: markup,
  markdown: prose,
  plaintext: prose,
  latex: { ...prose, lineComment: "%" },
};

export function languageOf(languageId: string): Language {
  return Object.hasOwn(languages, languageId) ? (languages[languageId] ?? curly) : curly;
}

/** The lines as a comment of the language. */
export function commented(lines: readonly string[], languageId: string): string {
  const { lineComment, blockComment } = languageOf(languageId);
  if (lineComment !== null) return lines.map((line) => `${lineComment} ${line}`.trimEnd()).join("\n");
  if (blockComment === null) return lines.join("\n");
  const [open, close] = blockComment;
  return [open, ...lines.map((line) => line.replaceAll(close, "")), close].join("\n");
}

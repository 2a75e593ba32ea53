// Held-out source files below a folder, in a fixed order, with the language that each is written in.
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { toModelText } from "../../completion/document";
import { badInput } from "../errors";
import { decodeText, readingError } from "../input";
import { oneLine } from "../sanitize";

export interface SourceFile {
  /** Relative to the folder, with `/`. */
  name: string;
  /** As editors call it, e.g. "typescriptreact". */
  language: string;
  /** With LF line ends. */
  text: string;
}

const languages: Record<string, string> = {
  py: "python", pyi: "python",
  ts: "typescript", mts: "typescript", cts: "typescript", tsx: "typescriptreact",
  js: "javascript", mjs: "javascript", cjs: "javascript", jsx: "javascriptreact",
  c: "c", h: "c", cc: "cpp", cpp: "cpp", cxx: "cpp", hpp: "cpp", hh: "cpp",
  go: "go", rs: "rust", java: "java", cs: "csharp", kt: "kotlin", swift: "swift", rb: "ruby", php: "php", lua: "lua",
  sh: "shellscript", bash: "shellscript", json: "json", md: "markdown", css: "css", html: "html", sql: "sql", toml: "toml",
  yaml: "yaml", yml: "yaml",
};

const MAX_BYTES = 512 * 1024;
/** Longer lines are written by machines. */
const MAX_LINE = 1000;

/** Files that are source text of a known language; hidden, installed, minified and huge ones are passed over. */
export async function readSourceFiles(folder: string, signal: AbortSignal): Promise<SourceFile[]> {
  if (folder === "") throw badInput("--files takes a path, not an empty text");
  const files: SourceFile[] = [];
  for (const name of await listFiles(folder, "")) {
    signal.throwIfAborted();
    const language = languages[path.posix.extname(name).slice(1).toLowerCase()];
    if (language === undefined || name.includes(".min.")) continue;
    const place = path.join(folder, name);
    if ((await stat(place)).size > MAX_BYTES) continue;
    const bytes = await readFile(place).catch((error: unknown) => { throw readingError(oneLine(place), error); });
    if (bytes.includes(0)) continue;
    try {
      const text = toModelText(decodeText(bytes, name));
      if (text.trim() !== "" && !text.split("\n").some((line) => line.length > MAX_LINE)) files.push({ name, language, text });
    } catch {
      continue; // not UTF-8
    }
  }
  if (files.length === 0) throw badInput(`${oneLine(folder)} holds no source files`, "--files takes a folder with held-out source code.");
  return files;
}

/** Symbolic links are not followed: they may lead anywhere, and back. */
async function listFiles(folder: string, below: string): Promise<string[]> {
  const entries = await readdir(path.join(folder, below), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    const reasons: Record<string, string> = { ENOENT: "no such folder", ENOTDIR: "not a folder", EACCES: "permission denied" };
    throw badInput(`${oneLine(path.join(folder, below))}: ${reasons[error.code ?? ""] ?? error.message}`);
  });
  const found: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = path.posix.join(below, entry.name);
    if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
    if (entry.isDirectory()) found.push(...await listFiles(folder, name));
    else if (entry.isFile()) found.push(name);
  }
  return found;
}

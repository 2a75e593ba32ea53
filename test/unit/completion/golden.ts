// Golden cases as readable files. A file holds cases, each "=== name | option=value …" followed by the code with the cursor
// as ‸, then sections "--- kind option …" with their text up to the next header. UPDATE_GOLDEN=1 writes what comes out.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { atCursor, ContextBuilder, type CompletionContext, type CursorContext } from "../../../extension/completion/context";
import { TextDocument, type Position } from "../../../extension/completion/document";
import { TokenEstimate } from "../../../extension/completion/tokens";

export const CURSOR = "‸";
export const updating = process.env.UPDATE_GOLDEN === "1";

export interface Section {
  kind: string;
  options: string[];
  text: string;
}

export interface GoldenCase {
  name: string;
  options: Record<string, string>;
  code: string;
  sections: Section[];
}

export interface GoldenFile {
  path: string;
  name: string;
  cases: GoldenCase[];
}

const root = path.join(import.meta.dirname, "../../golden");

export const goldenFiles = (folder: string): GoldenFile[] =>
  readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith(".txt"))
    .map((name) => readGolden(path.join(root, folder, name)));

function readGolden(file: string): GoldenFile {
  const cases: GoldenCase[] = [];
  let lines: string[] = [];
  const finish = () => {
    const current = cases.at(-1);
    if (!current) return;
    const section = current.sections.at(-1);
    if (section) section.text = lines.join("\n");
    else current.code = lines.join("\n");
  };
  for (const line of readFileSync(file, "utf8").replace(/\n$/, "").split("\n")) {
    if (line.startsWith("=== ")) {
      finish();
      const [name = "", options = ""] = line.slice(4).split(" | ");
      cases.push({ name, options: Object.fromEntries(options.split(" ").filter((option) => option !== "").map((option) => option.split("=", 2) as [string, string])), code: "", sections: [] });
    } else if (line.startsWith("--- ")) {
      finish();
      const [kind = "", ...options] = line.slice(4).split(" ");
      cases.at(-1)?.sections.push({ kind, options, text: "" });
    } else {
      lines.push(line);
      continue;
    }
    lines = [];
  }
  finish();
  return { path: file, name: path.basename(file, ".txt"), cases };
}

export function writeGolden({ path: file, cases }: GoldenFile): void {
  const text = cases.map(({ name, options, code, sections }) => {
    const header = [name, Object.entries(options).map((entry) => entry.join("=")).join(" ")].filter((part) => part !== "").join(" | ");
    return [`=== ${header}`, code, ...sections.flatMap((section) => [["---", section.kind, ...section.options].join(" "), section.text])].join("\n");
  });
  writeFileSync(file, `${text.join("\n")}\n`);
}

export function splitAtCursor(code: string): { text: string; cursor: Position } {
  const at = code.indexOf(CURSOR);
  if (at < 0) throw new Error("no cursor in the case");
  const before = code.slice(0, at).split(/\r?\n/);
  return { text: code.replace(CURSOR, ""), cursor: { line: before.length - 1, character: before.at(-1)?.length ?? 0 } };
}

/** The context at ‸ with generous budgets. */
export function contextOf(code: string, languageId: string): CompletionContext {
  const { text, cursor } = splitAtCursor(code);
  return new ContextBuilder().build(new TextDocument(text, { languageId }), cursor, new TokenEstimate(), { prefix: 2_000, suffix: 500, places: 0 });
}

export const cursorContextOf = (code: string, languageId: string, multiline: boolean): CursorContext => atCursor(contextOf(code, languageId), multiline);

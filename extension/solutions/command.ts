// Generate Solutions: from the cursor, or after a selected comment or signature; says why it cannot where it cannot.
import * as vscode from "vscode";
import { MAX_LANES } from "../../protocol/worker";
import type { SolutionsOrigin } from "../../protocol/solutionsView";
import { SOLUTION_SCHEME } from "./diff";
import { copyOf, plainRange } from "./editorDocument";
import type { SolutionsRequest } from "./panel";
import { leadIn, placeOf, withLead } from "./place";

/** What the command may be given. */
export type SolutionsArgument = number | { count?: number } | undefined;

const READ_ONLY = new Set(["output", "git", "debug", "search-editor", "walkThrough", "comment", "vscode-scm-history-item", SOLUTION_SCHEME]);

/** Characters a file may have: a copy is kept while its panel is there. */
const LONGEST_FILE = 16_000_000;

/** Why solutions cannot be written in this editor; null: they can. */
export function refusal(editor: vscode.TextEditor | undefined): string | null {
  if (!editor) return "Open a file and put the cursor where solutions are wanted: Octet writes them from there.";
  const { uri, lineCount } = editor.document;
  if (READ_ONLY.has(uri.scheme) || vscode.workspace.fs.isWritableFileSystem(uri.scheme) === false) {
    return "This editor is read-only: open the file itself to generate solutions.";
  }
  if (editor.document.offsetAt(new vscode.Position(lineCount, 0)) > LONGEST_FILE) return "This file is too long to generate solutions in.";
  return null;
}

export function countOf(argument: unknown): number | null {
  const count = typeof argument === "object" && argument !== null && "count" in argument ? argument.count : argument;
  return Number.isInteger(count) && Number(count) >= 1 && Number(count) <= MAX_LANES ? Number(count) : null;
}

/** undefined: the user changed his mind. */
export async function askCount(usual: number): Promise<number | undefined> {
  const items = Array.from({ length: MAX_LANES }, (_, at) => ({
    label: at === 0 ? "1 solution" : `${at + 1} solutions`,
    description: at + 1 === usual ? "as set" : "",
    count: at + 1,
  }));
  items.sort((a, b) => Number(b.count === usual) - Number(a.count === usual) || a.count - b.count);
  return (await vscode.window.showQuickPick(items, { title: "Generate Solutions", placeHolder: "How many at once?" }))?.count;
}

export function requestAt({ document, selection, options, viewColumn }: vscode.TextEditor, count: number): SolutionsRequest {
  const text = document.getText();
  const copy = copyOf(document, text);
  const place = placeOf(copy, plainRange(selection));
  const source = withLead(copy, text, place);
  const origin: SolutionsOrigin = {
    uri: document.uri.toString(),
    file: document.uri.path.split("/").at(-1) ?? "",
    symbol: null,
    line: source.cursor.line + 1,
    languageId: document.languageId,
    tabSize: Number(options.tabSize) || 4,
    leadIn: leadIn(source.document, source.cursor),
  };
  return { origin, place, count, source, column: viewColumn };
}

/** The innermost symbol around a position, as the language's extension knows it; null where none does. */
export async function symbolAt(uri: vscode.Uri, position: vscode.Position): Promise<string | null> {
  try {
    const symbols = await vscode.commands.executeCommand<(vscode.DocumentSymbol | vscode.SymbolInformation)[] | undefined>(
      "vscode.executeDocumentSymbolProvider", uri,
    );
    return innermost(symbols ?? [], position);
  } catch {
    return null;
  }
}

function innermost(symbols: readonly (vscode.DocumentSymbol | vscode.SymbolInformation)[], position: vscode.Position): string | null {
  for (const symbol of symbols) {
    const range = "range" in symbol ? symbol.range : symbol.location.range;
    if (!range.contains(position)) continue;
    return ("children" in symbol ? innermost(symbol.children, position) : null) ?? symbol.name;
  }
  return null;
}

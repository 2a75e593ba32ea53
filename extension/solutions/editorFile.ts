// Files as VS Code's editors have them: opened, shown, edited.
import * as vscode from "vscode";
import { editorPosition, editorRange, viewOf } from "./editorDocument";
import type { FileEditor, SolutionFile } from "./insert";

export async function openDocument(uri: vscode.Uri): Promise<vscode.TextDocument | null> {
  try {
    return await vscode.workspace.openTextDocument(uri);
  } catch {
    return null;
  }
}

/** The file that solutions go into; shown in `column` where it is not in sight. null: it cannot be opened any more. */
export async function openFile(uri: vscode.Uri, column: vscode.ViewColumn | undefined): Promise<SolutionFile | null> {
  const document = await openDocument(uri);
  return document && { view: () => viewOf(document), show: async () => (isCell(document) ? cell(document) : textEditor(await show(document, column))) };
}

/** Focuses the editor with the cursor there. */
export async function reveal(document: vscode.TextDocument, position: vscode.Position, column: vscode.ViewColumn | undefined): Promise<void> {
  if (!isCell(document)) revealIn(await show(document, column), position);
}

const textEditor = (editor: vscode.TextEditor): FileEditor => ({
  replace: async (range, text) => editor.edit((builder) => builder.replace(editorRange(range), text), { undoStopBefore: true, undoStopAfter: true }),
  reveal: (position) => revealIn(editor, editorPosition(position)),
});

/** A notebook's cells have no editor of their own to be shown. */
const isCell = (document: vscode.TextDocument): boolean => document.uri.scheme === "vscode-notebook-cell";

const cell = (document: vscode.TextDocument): FileEditor => ({
  replace: async (range, text) => {
    const edit = new vscode.WorkspaceEdit();
    edit.replace(document.uri, editorRange(range), text);
    return vscode.workspace.applyEdit(edit);
  },
  reveal: () => undefined,
});

async function show(document: vscode.TextDocument, column: vscode.ViewColumn | undefined): Promise<vscode.TextEditor> {
  const visible = vscode.window.visibleTextEditors.find((editor) => editor.document === document && editor.viewColumn !== undefined);
  return vscode.window.showTextDocument(document, { viewColumn: visible?.viewColumn ?? column ?? vscode.ViewColumn.One, preserveFocus: false });
}

function revealIn(editor: vscode.TextEditor, position: vscode.Position): void {
  editor.selection = new vscode.Selection(position, position);
  editor.revealRange(new vscode.Range(position, position), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

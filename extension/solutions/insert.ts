// Puts a solution into the file: one undo step, at the place it was asked for, or not at all.
import * as vscode from "vscode";
import type { NoteMessage } from "../../protocol/solutionsView";
import { endOf } from "../completion/document";
import { editorPosition, editorRange, viewOf } from "./editorDocument";
import { insertionOf, type InsertionPoint } from "./insertion";

export interface InsertInput {
  uri: vscode.Uri;
  column: vscode.ViewColumn | undefined;
  point: InsertionPoint;
  text: string;
}

export type Note = Pick<NoteMessage, "text" | "kind">;

export async function insertSolution({ uri, column, point, text }: InsertInput): Promise<Note> {
  const document = await openDocument(uri);
  if (!document) return { kind: "error", text: "The file cannot be opened any more: nothing was inserted." };
  const view = viewOf(document);
  const target = point.target(view);
  if ("refusal" in target) return { kind: "error", text: target.refusal };
  const insertion = insertionOf(text, point.lead, view, target);
  if (!(await replace(document, editorRange(insertion.range), insertion.text, column))) {
    return { kind: "error", text: "The editor refused the edit; it may be read-only. Nothing was inserted." };
  }
  point.noteInserted(insertion);
  await reveal(document, editorPosition(endOf(insertion.range.start, insertion.text)), column);
  return { kind: "info", text: target.replaces === null ? "Inserted." : "Inserted in place of the one before." };
}

export async function openDocument(uri: vscode.Uri): Promise<vscode.TextDocument | null> {
  try {
    return await vscode.workspace.openTextDocument(uri);
  } catch {
    return null;
  }
}

/** Focuses the editor with the cursor there. */
export async function reveal(document: vscode.TextDocument, position: vscode.Position, column: vscode.ViewColumn | undefined): Promise<void> {
  if (isCell(document)) return;
  const editor = await show(document, column);
  editor.selection = new vscode.Selection(position, position);
  editor.revealRange(new vscode.Range(position, position), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

async function replace(document: vscode.TextDocument, range: vscode.Range, text: string, column: vscode.ViewColumn | undefined): Promise<boolean> {
  if (isCell(document)) {
    const edit = new vscode.WorkspaceEdit();
    edit.replace(document.uri, range, text);
    return vscode.workspace.applyEdit(edit);
  }
  const { version } = document;
  const editor = await show(document, column);
  if (document.version !== version) return false;
  const edited = await editor.edit((builder) => builder.replace(range, text), { undoStopBefore: true, undoStopAfter: true });
  return edited && document.version !== version; // a read-only editor says that it was edited
}

async function show(document: vscode.TextDocument, column: vscode.ViewColumn | undefined): Promise<vscode.TextEditor> {
  const visible = vscode.window.visibleTextEditors.find((editor) => editor.document === document && editor.viewColumn !== undefined);
  return vscode.window.showTextDocument(document, { viewColumn: visible?.viewColumn ?? column ?? vscode.ViewColumn.One, preserveFocus: false });
}

/** A notebook's cells have no editor of their own to be shown. */
const isCell = (document: vscode.TextDocument): boolean => document.uri.scheme === "vscode-notebook-cell";

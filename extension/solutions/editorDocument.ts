// VS Code's documents as the pure modules see them, and back.
import * as vscode from "vscode";
import { TextDocument, type Position, type Range } from "../completion/document";

export { editsOf, plain, plainRange, viewOf } from "../completion/editorView";

export const editorRange = ({ start, end }: Range): vscode.Range => new vscode.Range(start.line, start.character, end.line, end.character);

export const editorPosition = ({ line, character }: Position): vscode.Position => new vscode.Position(line, character);

/** The document as it is now, whatever becomes of it. */
export const copyOf = (document: vscode.TextDocument, text: string): TextDocument =>
  new TextDocument(text, { uri: document.uri.toString(), languageId: document.languageId, version: document.version });

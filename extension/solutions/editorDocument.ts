// VS Code's documents as the pure modules see them.
import * as vscode from "vscode";
import { TextDocument, type DocumentView, type Position, type Range, type TextEdit } from "../completion/document";

export const plain = ({ line, character }: Position): Position => ({ line, character });

export const plainRange = ({ start, end }: Range): Range => ({ start: plain(start), end: plain(end) });

export const editorRange = ({ start, end }: Range): vscode.Range => new vscode.Range(start.line, start.character, end.line, end.character);

export const editorPosition = ({ line, character }: Position): vscode.Position => new vscode.Position(line, character);

export const viewOf = (document: vscode.TextDocument): DocumentView => ({
  uri: document.uri.toString(),
  languageId: document.languageId,
  version: document.version,
  eol: document.eol === vscode.EndOfLine.CRLF ? "\r\n" : "\n",
  lineCount: document.lineCount,
  lineAt: (line) => document.lineAt(line).text,
});

/** The document as it is now, whatever becomes of it. */
export const copyOf = (document: vscode.TextDocument, text: string): TextDocument =>
  new TextDocument(text, { uri: document.uri.toString(), languageId: document.languageId, version: document.version });

export const editsOf = (changes: readonly vscode.TextDocumentContentChangeEvent[]): TextEdit[] =>
  changes.map(({ range, text }) => ({ range: plainRange(range), text }));

// VS Code's documents and changes as the pure modules see them: by their shape, so that this file need not know vscode.
import type { DocumentView, Position, Range, TextEdit } from "./document";

interface EditorDocument {
  uri: { toString(): string };
  languageId: string;
  version: number;
  /** vscode.EndOfLine */
  eol: number;
  lineCount: number;
  lineAt(line: number): { text: string };
}

const CRLF = 2;

export const plain = ({ line, character }: Position): Position => ({ line, character });

export const plainRange = ({ start, end }: Range): Range => ({ start: plain(start), end: plain(end) });

export const eolOf = ({ eol }: Pick<EditorDocument, "eol">): DocumentView["eol"] => (eol === CRLF ? "\r\n" : "\n");

/** Reads through: what it gives is of the document as it then is. */
export const viewOf = (document: EditorDocument): DocumentView => ({
  uri: document.uri.toString(),
  languageId: document.languageId,
  version: document.version,
  eol: eolOf(document),
  lineCount: document.lineCount,
  lineAt: (line) => document.lineAt(line).text,
});

export const editsOf = (changes: readonly TextEdit[]): TextEdit[] => changes.map(({ range, text }) => ({ range: plainRange(range), text }));

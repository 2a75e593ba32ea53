// What the completion modules need to see of an editor's document: lines, never the whole text, so that files of any size
// cost the same.

export interface Position {
  line: number;
  /** UTF-16 units from the line's start. */
  character: number;
}

export interface Range {
  start: Position;
  end: Position;
}

/** A change of a document: `range` of the text before it becomes `text`. */
export interface TextEdit {
  range: Range;
  text: string;
}

export type EndOfLine = "\n" | "\r\n";

export interface DocumentView {
  readonly uri: string;
  readonly languageId: string;
  readonly version: number;
  readonly eol: EndOfLine;
  readonly lineCount: number;
  /** The line's text without its end. */
  lineAt(line: number): string;
}

export interface TextDocumentOptions {
  uri?: string;
  languageId?: string;
  version?: number;
}

/** A document held as one string: for the command line and for tests. */
export class TextDocument implements DocumentView {
  readonly uri: string;
  readonly languageId: string;
  readonly version: number;
  readonly eol: EndOfLine;
  private readonly lines: string[];

  constructor(text: string, options: TextDocumentOptions = {}) {
    this.uri = options.uri ?? "untitled:Untitled-1";
    this.languageId = options.languageId ?? "plaintext";
    this.version = options.version ?? 1;
    this.eol = text.includes("\r\n") ? "\r\n" : "\n";
    this.lines = text.split(/\r\n|\n|\r/);
  }

  get lineCount(): number {
    return this.lines.length;
  }

  lineAt(line: number): string {
    return this.lines[line] ?? "";
  }

  /** Offset into the text with its own line ends. */
  offsetAt({ line, character }: Position): number {
    let offset = 0;
    for (let above = 0; above < line; above++) offset += this.lineAt(above).length + this.eol.length;
    return offset + Math.min(character, this.lineAt(line).length);
  }

  positionAt(offset: number): Position {
    let rest = Math.max(0, offset);
    for (let line = 0; line < this.lineCount; line++) {
      const { length } = this.lineAt(line);
      if (rest <= length || line === this.lineCount - 1) return { line, character: Math.min(rest, length) };
      rest = Math.max(0, rest - length - this.eol.length);
    }
    return { line: 0, character: 0 };
  }
}

/** Text as models know it: LF only. */
export const toModelText = (text: string): string => text.replace(/\r\n?/g, "\n");

/** A model's text with the document's line ends. */
export const toDocumentText = (text: string, eol: EndOfLine): string => toModelText(text).replaceAll("\n", eol);

export function comparePositions(a: Position, b: Position): number {
  return a.line - b.line || a.character - b.character;
}

/** Where a text ends that starts at `start`. */
export function endOf(start: Position, text: string): Position {
  const lines = text.split(/\r\n|\n|\r/);
  const last = lines.at(-1) ?? "";
  return lines.length === 1
    ? { line: start.line, character: start.character + last.length }
    : { line: start.line + lines.length - 1, character: last.length };
}

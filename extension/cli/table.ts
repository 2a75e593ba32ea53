// Tables of text: aligned columns for a terminal, and Markdown.
import { displayWidth } from "./width";

export interface Column {
  header: string;
  align: "left" | "right";
}

const gap = "  ";

function widths(columns: readonly Column[], rows: readonly (readonly string[])[]): number[] {
  return columns.map((column, index) =>
    Math.max(displayWidth(column.header), ...rows.map((row) => displayWidth(row[index] ?? ""))));
}

function pad(text: string, width: number, align: Column["align"]): string {
  const space = " ".repeat(Math.max(0, width - displayWidth(text)));
  return align === "left" ? text + space : space + text;
}

/** Lines, the header's first; trailing white space removed. */
export function textTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const width = widths(columns, rows);
  const line = (cells: readonly string[]): string =>
    columns.map((column, index) => pad(cells[index] ?? "", width[index] ?? 0, column.align)).join(gap).trimEnd();
  return [line(columns.map((column) => column.header)), ...rows.map(line)];
}

export function markdownTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replace(/\|/g, "\\|")).join(" | ")} |`;
  return [
    line(columns.map((column) => column.header)),
    `|${columns.map((column) => (column.align === "right" ? "---:" : "---")).join("|")}|`,
    ...rows.map(line),
  ];
}

/** A label and a text wrapped at words beside it. */
export function hangingLines(label: string, text: string, maxWidth: number): string[] {
  const indent = displayWidth(label);
  const lines: string[] = [];
  let line = label;
  let used = indent;
  for (const word of text.split(" ")) {
    const width = displayWidth(word);
    if (used > indent && used + 1 + width > maxWidth) {
      lines.push(line);
      line = " ".repeat(indent) + word;
      used = indent + width;
    } else {
      line += used > indent ? ` ${word}` : word;
      used += (used > indent ? 1 : 0) + width;
    }
  }
  return [...lines, line];
}

// Files to complete in. `|` in a text marks where the cursor goes.

export const typescript = `// Shapes and their areas.
export interface Point {
  x: number;
  y: number;
}

export function add(a: Point, b: Point): Point {
  return { x: a.x + b.x, y: a.y + b.y };
}

export function subtract(a: Point, b: Point): Point {
  |
}

export function length(a: Point): number {
  return Math.sqrt(a.x * a.x + a.y * a.y);
}
`;

export interface Marked {
  text: string;
  line: number;
  column: number;
}

export function marked(text: string): Marked {
  const before = text.slice(0, text.indexOf("|")).split("\n");
  return { text: text.replace("|", ""), line: before.length, column: (before.at(-1) ?? "").length + 1 };
}

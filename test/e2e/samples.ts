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

export const python = `class Inventory:
    """The items of a shop, by their names."""

    def __init__(self, name):
        self.name = name
        self.items = {}

    def get_item(self, key):
        """Return the item of the given key."""
        return self.items[key]

    def set_item(self, key, value):
        """Set the item of the given key."""
        self.items[key] = value

    def get_name(self):
        """Return the name of the inventory."""
        return self.name

    def get_items(self):
|
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

// What the terminal can do: its size, colours and characters, and whether a live picture makes sense on it.
import { Chalk, type ChalkInstance } from "chalk";

export interface Terminal {
  /** A live view can be drawn on standard output. */
  live: boolean;
  /** Standard error is a terminal: somebody watches progress lines. */
  watched: boolean;
  theme: Theme;
  /** Standard output's size now. */
  size(): { columns: number; rows: number };
  /** Cells that a line may take; endless where standard output is no terminal. */
  width(): number;
}

export interface Theme {
  unicode: boolean;
  colored: boolean;
  strong: ChalkInstance;
  dim: ChalkInstance;
  accent: ChalkInstance;
  good: ChalkInstance;
  warn: ChalkInstance;
  bad: ChalkInstance;
  /** Text that was drafted and that the target accepted. */
  draft: ChalkInstance;
  /** A line with a rule under it. */
  ruled: ChalkInstance;
  marks: { writing: string; finished: string; cut: string; yes: string; no: string; caution: string };
}

export function makeTheme(colorLevel: 0 | 1 | 2 | 3, unicode: boolean): Theme {
  const chalk = new Chalk({ level: colorLevel });
  return {
    unicode,
    colored: colorLevel > 0,
    strong: chalk.bold,
    dim: chalk.dim,
    accent: chalk.cyan,
    good: chalk.green,
    warn: chalk.yellow,
    bad: chalk.red,
    draft: chalk.green,
    ruled: chalk.underline,
    marks: unicode
      ? { writing: "●", finished: "✓", cut: "◌", yes: "✓", no: "✗", caution: "!" }
      : { writing: "*", finished: "+", cut: "-", yes: "+", no: "x", caution: "!" },
  };
}

const asciiForms: Record<string, string> = { "−": "-", "–": "-", "·": "|", "…": "~", "×": "x" };

/** Lines as the terminal can show them. */
export function speakable(lines: readonly string[], theme: Theme): string[] {
  return theme.unicode ? [...lines] : lines.map((line) => line.replace(/[−–·…×]/g, (character) => asciiForms[character] ?? "?"));
}

/** Node's getColorDepth honours NO_COLOR, FORCE_COLOR and TERM. */
function colorLevel(depth: number): 0 | 1 | 2 | 3 {
  if (depth >= 24) return 3;
  if (depth >= 8) return 2;
  return depth >= 4 ? 1 : 0;
}

/** False where the locale names another encoding, and on the Linux console, whose font lacks the block characters. */
export function speaksUnicode(env: NodeJS.ProcessEnv): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "";
  return env.TERM !== "linux" && (locale === "" || /utf-?8/i.test(locale));
}

export function describeTerminal(
  stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream, env: NodeJS.ProcessEnv, wanted: { color: boolean; live: boolean },
): Terminal {
  const level = wanted.color && stdout.isTTY ? colorLevel(stdout.getColorDepth(env)) : 0;
  return {
    live: wanted.live && stdout.isTTY && env.TERM !== "dumb",
    watched: stderr.isTTY,
    theme: makeTheme(level, speaksUnicode(env)),
    size: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
    width: () => (stdout.isTTY ? stdout.columns || 80 : Infinity),
  };
}

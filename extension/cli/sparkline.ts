// A row of bars, one column a value, newest on the right.

const blocks = "▁▂▃▄▅▆▇█";
const ascii = "_.-=+*#@";

/** The last `width` values scaled from 0 to `high`; what lies above `high` is drawn at full height. */
export function sparkline(values: readonly number[], width: number, high: number, unicode = true): string {
  if (width <= 0) return "";
  const levels = unicode ? blocks : ascii;
  const bars = values.slice(-width).map((value) => {
    const level = high > 0 ? Math.floor((value / high) * levels.length) : 0;
    return levels[Math.min(Math.max(level, 0), levels.length - 1)];
  });
  return bars.join("").padStart(width);
}

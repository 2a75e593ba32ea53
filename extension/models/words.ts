// Sizes and times of models as people read them.

/** Decimal units, as download pages and disks count: 4.7 GB. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(value >= 9.95 ? 0 : 1)} ${units[unit]}`;
}

/** "2.4 of 8.1 GB", "990 MB of 8.1 GB". */
export function formatPart(part: number, whole: number): string {
  const [short, long] = [formatBytes(part), formatBytes(whole)];
  const [value, unit] = short.split(" ");
  return `${long.endsWith(` ${unit}`) ? value : short} of ${long}`;
}

/** "40 s", "3 min", "2 h 5 min". */
export function formatRemaining(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

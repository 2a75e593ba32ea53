// The table of octet eval cursor: of each kind of place a row without healing, one with it, and one for what it adds.
import type { CursorGain, CursorRow } from "./cursor";
import type { Estimate } from "./metrics";
import type { Table } from "./report";
import { shareText } from "./table";

const right = (header: string): Table["columns"][number] => ({ header, align: "right" });
const left = (header: string): Table["columns"][number] => ({ header, align: "left" });

export function cursorTable(rows: readonly CursorRow[], gains: readonly CursorGain[]): Table {
  return {
    columns: [left("kind"), right("places"), left("healing"), right("best-ranked"), right("any lane"), right("all lanes")],
    rows: gains.flatMap((gain) => [
      ...rows.filter(({ kind }) => kind === gain.kind).map((row) => [
        row.kind, String(row.places), row.healing, shareText(row.first), shareText(row.any), shareText(row.lanes),
      ]),
      [gain.kind, String(gain.places), "gain", pointsText(gain.firstPoints), pointsText(gain.anyPoints), pointsText(gain.lanesPoints)],
    ]),
  };
}

/** "+12.5 [8.1–17.0]", with true minus signs. */
export function pointsText(estimate: Estimate | null): string {
  if (!estimate) return "–";
  const points = (value: number): string => value.toFixed(1).replace("-", "−").replace(/^−0\.0$/, "0.0");
  const { value, interval } = estimate;
  const sign = value > 0 ? "+" : "";
  return `${sign}${points(value)}${interval ? ` [${points(interval.low)} to ${points(interval.high)}]` : ""}`;
}

// What tests of the Solutions view read of its page, and a run that has ended.

import type { FromSolutionsView, SolutionsState, ToSolutionsView } from "../../protocol/solutionsView";
import type { View } from "./harness";
import { SyntheticRun } from "./synthetic";

export type Solutions = View<ToSolutionsView, FromSolutionsView>;

/** What comes at once on a quiet machine may take its time on a busy one. */
export const PATIENT = { timeout: 30_000 };

export const order = (view: Solutions): Promise<number[]> =>
  view.page.$$eval("[data-lane]:not([hidden])", (lanes) => lanes.map((lane) => Number((lane as HTMLElement).dataset.lane)));
export const textOf = (view: Solutions, lane: number): Promise<string> =>
  view.page.$$eval(`[data-lane="${lane}"] .line`, (lines) => lines.map((line) => line.textContent).join("\n"));
export const finished = (lanes: number): SolutionsState => {
  const run = new SyntheticRun({ lanes });
  run.advance(1000);
  return run.state;
};

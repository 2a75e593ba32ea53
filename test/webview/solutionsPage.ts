// What tests of the Solutions view read of its page, how they open it, and a run that has ended.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import type { FromSolutionsView, SolutionsState, ToSolutionsView } from "../../protocol/solutionsView";
import { launch, open, type OpenOptions, type View } from "./harness";
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

/** For the cases of a describe: a browser, and what opens the view in it, as it is loaded and in a state. */
export function solutionsViews() {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());
  const load = (options: Partial<OpenOptions> = {}): Promise<Solutions> =>
    open<ToSolutionsView, FromSolutionsView>(browser, { view: "solutions", ...options });
  const show = async (state: SolutionsState, options: Partial<OpenOptions> = {}): Promise<Solutions> => {
    const view = await load(options);
    await view.post({ type: "snapshot", sequence: 1, state });
    return view;
  };
  return { load, show };
}

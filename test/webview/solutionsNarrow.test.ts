// The Solutions view in panels of any width, in a real Chromium: what a lane says of itself is never cut.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Browser } from "playwright-core";
import type { FromSolutionsView, SolutionsLane, SolutionsState, ToSolutionsView } from "../../protocol/solutionsView";
import { browserPath, launch, open } from "./harness";
import type { View } from "./harness";
import { SyntheticRun } from "./synthetic";

type Solutions = View<ToSolutionsView, FromSolutionsView>;

const ENDS: Pick<SolutionsLane, "state" | "repetitive">[] = (["stop", "length", "budget", "cancelled"] as const)
  .flatMap((state) => [{ state, repetitive: false }, { state, repetitive: true }]);

/** A lane of every end, each with another of the same text and a score of two digits. */
function everyEnd(): SolutionsState {
  const run = new SyntheticRun({ lanes: 2 * ENDS.length });
  run.advance(1000);
  const { state } = run;
  state.lanes = state.lanes.map((lane, at): SolutionsLane => {
    const best = Math.floor(at / 2);
    const text = [{ text: `return ${best};`, accepted: false }];
    return { ...lane, ...ENDS[best]!, id: at, text, rank: best + 1, duplicateOf: at % 2 === 0 ? null : at - 1, meanLogprob: -10.25 };
  });
  return state;
}

/** What of the lanes' first lines does not fit its room, or lies beyond its lane. */
const cut = (view: Solutions): Promise<string[]> =>
  view.page.$$eval(".lane:not([hidden])", (lanes) => lanes.flatMap((lane) => {
    const { right, bottom } = lane.querySelector(".top")!.getBoundingClientRect();
    return [...lane.querySelectorAll<HTMLElement>(".top > *")].filter((part) => part.getClientRects().length > 0).filter((part) => {
      const box = part.getBoundingClientRect();
      return part.scrollWidth > Math.ceil(box.width) || box.right > right || box.bottom > bottom;
    }).map((part) => `${lane.getAttribute("data-lane")} ${part.className}: ${part.textContent}`);
  }));

describe.skipIf(browserPath === undefined)("the Solutions view in a panel of any width", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  const show = async (width: number): Promise<Solutions> => {
    const view = await open<ToSolutionsView, FromSolutionsView>(browser, { view: "solutions", width, reducedMotion: true });
    await view.post({ type: "snapshot", sequence: 1, state: everyEnd() });
    return view;
  };

  it("shows whole how each lane ended, and how many are the same", async () => {
    const view = await show(700);
    for (let width = 700; width >= 240; width -= 10) {
      await view.page.setViewportSize({ width, height: 760 });
      expect([width, ...(await cut(view))]).toEqual([width]);
    }
    expect(await view.page.locator(".lane:not([hidden]) .same").count()).toBe(ENDS.length);
  });

  it("shows the end of a long file's name, and the whole of it in the tooltip", async () => {
    const view = await show(300);
    const state = everyEnd();
    state.origin = { ...state.origin, file: "a_test_of_the_parser_of_expressions.component.spec.ts", symbol: null };
    await view.post({ type: "snapshot", sequence: 2, state });
    const { end, room } = await view.page.$eval(".origin", (origin) => ({
      end: origin.querySelector(".file > span:last-child")!.getBoundingClientRect().right, room: origin.getBoundingClientRect().right,
    }));
    expect(end).toBeLessThanOrEqual(room);
    expect(room).toBeLessThanOrEqual(300);
    expect(await view.page.locator(".origin").getAttribute("title")).toBe(`Show ${state.origin.file}:${state.origin.line} in the editor`);
    expect(await view.page.locator(".origin .file").textContent()).toBe(`${state.origin.file}:${state.origin.line}`);
  });

  it("says less where there is less room, and all of it in the tooltip", async () => {
    const view = await show(300);
    const state = view.page.locator('[data-lane="6"] .state');
    expect([await state.innerText(), await state.getAttribute("title")]).toEqual(["length · repeats", "stopped: length · repeats itself"]);
    const other = view.page.locator('[data-lane="4"] .state');
    expect(await other.innerText()).toBe("length");
    await view.page.setViewportSize({ width: 560, height: 760 });
    expect([await state.innerText(), await other.innerText()]).toEqual(["stopped: length · repeats itself", "stopped: length"]);
  });

  it.each([640, 300])("shows the whole of a note in a panel of %i pixels", async (width) => {
    const view = await show(width);
    const text = "The text around the insertion point was changed: nothing was inserted.";
    await view.post({ type: "note", lane: 0, text, kind: "error" });
    const note = view.page.locator('[data-lane="0"] .note');
    expect(await note.innerText()).toBe(text);
    expect(await cut(view)).toEqual([]);
  });
});

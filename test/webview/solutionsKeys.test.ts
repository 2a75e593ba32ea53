// The Solutions view in a real Chromium, worked by keys and clicks: what they do, what it answers, and what keeps the focus.

import { describe, expect, it } from "vitest";
import { browserPath } from "./harness";
import { PATIENT, finished, order, solutionsViews, textOf } from "./solutionsPage";
import { SyntheticRun, emptyLane } from "./synthetic";

describe.skipIf(browserPath === undefined)("keys, clicks and answers of the Solutions view", () => {
  const { show } = solutionsViews();

  it("is worked by the keyboard alone", async () => {
    const view = await show(finished(8), { reducedMotion: true, width: 960 });
    const ids = await order(view);
    const focused = () => view.page.evaluate(() => Number((document.activeElement as HTMLElement).dataset.lane));
    await view.page.locator("[data-lane][tabindex='0']").focus();
    expect(await focused()).toBe(ids[0]);
    await view.page.keyboard.press("ArrowRight");
    expect(await focused()).toBe(ids[1]);
    await view.page.keyboard.press("k");
    expect(await focused()).toBe(ids[0]);
    await view.page.keyboard.press("j");
    expect(await focused()).toBe(ids[1]);
    await view.page.keyboard.press("End");
    expect(await focused()).toBe(ids.at(-1));
    await view.page.keyboard.press("Home");
    await view.page.keyboard.press("ArrowDown");
    expect(await focused()).toBe(ids[3]);
    expect(await view.page.locator("[data-lane][tabindex='0']").count()).toBe(1);
    await view.takePosted();
    for (const key of ["Enter", "d", "c", "s", "Escape", "Control+c"]) await view.page.keyboard.press(key);
    const lane = ids[3]!;
    expect(await view.takePosted()).toEqual([{ type: "insert", lane }, { type: "diff", lane }, { type: "copy", lane }]);
    await view.page.locator(`[data-lane="${lane}"] .insert`).focus();
    await view.page.keyboard.press("Enter");
    expect(await view.takePosted()).toEqual([{ type: "insert", lane }]);
  });

  it("the first key leads to the best lane from the page, which has the focus when the panel opens, and does nothing to it", async () => {
    for (const key of ["j", "ArrowDown", "Enter", "d"]) {
      const view = await show(finished(4), { reducedMotion: true });
      const [best] = await order(view);
      await view.takePosted();
      expect(await view.page.evaluate(() => document.activeElement === document.body)).toBe(true);
      await view.page.keyboard.press("x");
      await view.page.keyboard.press("Control+c");
      expect(await view.page.evaluate(() => document.activeElement === document.body)).toBe(true);
      await view.page.keyboard.press(key);
      expect(await view.page.evaluate(() => Number((document.activeElement as HTMLElement).dataset.lane)), key).toBe(best);
      expect(await view.takePosted()).toEqual([]);
      await view.page.keyboard.press("Enter");
      expect(await view.takePosted()).toEqual([{ type: "insert", lane: best }]);
    }
  });

  it("inserts the lane whose text was clicked, and says why a key does nothing", async () => {
    const state = finished(4);
    const lane = state.lanes[2]!.id;
    state.lanes[3] = emptyLane(3, "end");
    const view = await show(state, { reducedMotion: true });
    await view.takePosted();
    await view.page.locator(`[data-lane="${lane}"] .text`).click();
    await view.page.keyboard.press("Enter");
    expect(await view.takePosted()).toEqual([{ type: "insert", lane }]);
    await view.page.locator("[data-lane='3']").focus();
    await view.page.keyboard.press("Enter");
    expect(await view.page.locator("[data-lane='3'] .state").textContent()).toBe("This solution is empty.");
    const run = new SyntheticRun({ lanes: 1 });
    run.advance(3);
    const writing = await show(run.state);
    await writing.takePosted();
    await writing.page.locator("[data-lane='0']").focus();
    await writing.page.keyboard.press("Enter");
    expect(await writing.page.locator("[data-lane='0'] .state").textContent()).toBe("It is still being written; S ends it.");
    expect(await writing.takePosted()).toEqual([]);
  });

  it("keeps the focus, notes and clicks through a snapshot", async () => {
    const state = finished(4);
    const view = await show(structuredClone(state), { reducedMotion: true });
    const [, second] = await order(view);
    const renamed = structuredClone(state);
    renamed.origin.symbol = "sortByName";
    const insert = view.page.locator(`[data-lane="${second}"] .insert`);
    await view.post({ type: "note", lane: second!, text: "Copied.", kind: "info" });
    await insert.focus();
    await view.page.keyboard.down("Space");
    await view.takePosted();
    await view.post({ type: "snapshot", sequence: 2, state: renamed });
    await view.page.keyboard.up("Space");
    await view.page.keyboard.press("Enter");
    expect(await view.takePosted()).toEqual([{ type: "insert", lane: second }, { type: "insert", lane: second }]);
    expect(await view.page.locator(`[data-lane="${second}"] .state`).textContent()).toBe("Copied.");
    renamed.lanes[0]!.text = [{ text: "another\ntext", accepted: false }];
    await view.post({ type: "snapshot", sequence: 3, state: renamed });
    for (const { id, text } of renamed.lanes) expect(await textOf(view, id)).toBe(text.map((span) => span.text).join(""));
    const fewer = { ...renamed, lanes: renamed.lanes.slice(2).map((lane) => ({ ...lane, rank: 9 - lane.id, duplicateOf: null })) };
    await view.post({ type: "snapshot", sequence: 4, state: fewer });
    await view.page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await expect.poll(() => order(view), PATIENT).toEqual([3, 2]);
  });

  it("draws nothing between a button's press and its release: what moves would not get the click", async () => {
    const run = new SyntheticRun({ lanes: 4 });
    run.advance(1000);
    const view = await show(structuredClone(run.state), { reducedMotion: true, width: 640 });
    const [first] = await order(view);
    await view.takePosted();
    await view.page.locator(`[data-lane="${first}"] .insert`).hover();
    await view.page.mouse.down();
    const notices = Array.from({ length: 8 }, (_, at) => `Notice ${at}.`);
    await view.post({ type: "delta", sequence: 2, change: { notices } });
    await view.page.mouse.up();
    expect(await view.takePosted()).toEqual([{ type: "insert", lane: first }]);
    await expect.poll(() => view.page.locator(".notices li").count(), PATIENT).toBe(8);
    await view.page.locator(`[data-lane="${first}"] .insert`).hover();
    await view.page.mouse.down({ button: "right" }); // a menu opens, which keeps the release for itself
    await view.post({ type: "delta", sequence: 3, change: { notices } });
    await expect.poll(() => view.page.locator(".notices li").count()).toBe(16);
  });

  it("does not move the lane that had the focus last when the lanes are put in order behind the reader's back", async () => {
    const run = new SyntheticRun({ lanes: 8, seed: 5 });
    const started = structuredClone(run.state);
    run.advance(1000);
    const best = run.state.lanes.filter(({ duplicateOf }) => duplicateOf === null).sort((a, b) => a.rank! - b.rank!).map(({ id }) => id);
    for (const lane of best) {
      const view = await show(structuredClone(started), { reducedMotion: true });
      await view.page.locator(`[data-lane="${lane}"]`).focus();
      await view.page.evaluate(() => void (document.hasFocus = () => false));
      await view.post({ type: "snapshot", sequence: 2, state: run.state });
      await expect.poll(() => order(view), PATIENT).toEqual(best);
      expect(await view.page.evaluate(() => (document.activeElement as HTMLElement).dataset.lane)).toBe(String(lane));
      await view.page.close();
    }
  });

  it("shows an answer that no lane in sight can give", async () => {
    const view = await show(finished(2));
    await view.post({ type: "note", lane: 77, text: "This solution is gone: others were asked for.", kind: "error" });
    expect(await view.page.locator(".answer").innerText()).toBe("This solution is gone: others were asked for.");
  });
});

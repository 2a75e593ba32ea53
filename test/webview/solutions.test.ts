// The Solutions view in a real Chromium: what it draws, that hostile text stays text, gaps, and the Content-Security-Policy.

import { describe, expect, it } from "vitest";
import { browserPath } from "./harness";
import { PATIENT, finished, order, solutionsViews, textOf } from "./solutionsPage";
import { SyntheticRun, emptyLane, emptyState } from "./synthetic";

describe.skipIf(browserPath === undefined)("the Solutions view", () => {
  const { load, show } = solutionsViews();

  it("asks for a snapshot and draws deltas up to the exact text of every lane", async () => {
    const run = new SyntheticRun({ lanes: 16 });
    const view = await show(structuredClone(run.state));
    expect(await view.takePosted()).toEqual([{ type: "ready", reason: "start" }]);
    for (let sequence = 2; !run.done; sequence++) await view.post({ type: "delta", sequence, change: run.advance(4) });
    for (const { id, text } of run.state.lanes) {
      expect(await textOf(view, id)).toBe(text.map((span) => span.text).join(""));
    }
    const tinted = await view.page.$$eval('[data-lane="0"] .d', (spans) => spans.map((span) => span.textContent).join(""));
    const accepted = run.state.lanes[0]!.text.filter((span) => span.accepted).map((span) => span.text).join("");
    expect(tinted.replace(/\s/g, "")).toBe(accepted.replace(/\s/g, ""));
    expect(await view.page.locator(".caret").count()).toBe(0);
    expect(await view.takePosted()).toEqual([]);
  });

  it("keeps hostile output text: no element, no script, no request, no reordering", async () => {
    const hostile = [
      `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`,
      `</span></div><iframe src="https://example.com"></iframe>`,
      `<style>body{display:none}</style>&lt;b&gt; \${alert(1)}`,
      `if (admin\u202e) { // \u2066 }`,
    ].join("\n");
    const state = emptyState(1);
    state.origin = { ...state.origin, symbol: "<b>x</b>", file: "<img src=x>" };
    state.notices = ["<script>window.hacked=1</script>"];
    state.phase = { kind: "failed", error: { code: "internal", message: "<img src=x onerror=window.hacked=1>", advice: "<b>", actions: ["retry"] } };
    state.lanes = [{ ...emptyLane(0, "failed"), text: [{ text: hostile, accepted: true }, { text: "<b>bold</b>", accepted: false }] }];
    const requests: string[] = [];
    const view = await load();
    view.page.on("request", (request) => requests.push(request.url()));
    await view.post({ type: "snapshot", sequence: 1, state });
    expect(await textOf(view, 0)).toBe(hostile.replace(/[\u202e\u2066]/g, "\ufffd") + "<b>bold</b>");
    expect(await view.page.locator("#root img, #root script, #root iframe, #root style, .code b").count()).toBe(0);
    expect(await view.page.evaluate(() => "hacked" in window)).toBe(false);
    expect(requests).toEqual([]);
  });

  it("runs under the policy: what has no nonce is refused, and the view itself breaks no rule", async () => {
    const view = await show(finished(4));
    expect(await view.page.evaluate(() => window.withoutNonce)).toBeUndefined();
    const violations = await view.page.evaluate(() => window.violations);
    expect(violations).toEqual(["script-src-elem inline"]);
    expect(await view.page.locator("[style*='url'], [onclick]").count()).toBe(0);
    const applied = await view.page.$eval(".bar i", (fill) => getComputedStyle(fill).transform);
    expect(applied).not.toBe("none");
  });

  it("asks again after a gap and ignores deltas until the snapshot", async () => {
    const run = new SyntheticRun({ lanes: 2 });
    const view = await show(structuredClone(run.state));
    await view.takePosted();
    await view.post({ type: "delta", sequence: 2, change: run.advance(2) });
    run.advance(2);
    await view.post({ type: "delta", sequence: 4, change: run.advance(1) }, { type: "delta", sequence: 5, change: run.advance(1) });
    expect(await view.takePosted()).toEqual([{ type: "ready", reason: "gap" }]);
    await view.post({ type: "snapshot", sequence: 5, state: run.state });
    expect(await textOf(view, 0)).toBe(run.state.lanes[0]!.text.map((span) => span.text).join(""));
  });

  it("stops one lane, and all of them", async () => {
    const run = new SyntheticRun({ lanes: 4 });
    run.advance(3);
    const view = await show(run.state);
    await view.takePosted();
    await view.page.locator("[data-lane='2']").focus();
    for (const key of ["s", "Delete", "Enter", "Escape"]) await view.page.keyboard.press(key);
    await view.page.getByRole("button", { name: "Stop all" }).click();
    expect(await view.takePosted()).toEqual([
      { type: "stopLane", lane: 2 },
      { type: "stopLane", lane: 2 },
      { type: "stopAll" },
      { type: "stopAll" },
    ]);
  });

  it("changes ranks at once but the order only at the end, away from the reader's pointer", async () => {
    const run = new SyntheticRun({ lanes: 8, seed: 5 });
    const view = await show(structuredClone(run.state), { reducedMotion: true });
    await view.page.mouse.move(300, 300);
    for (let sequence = 2; !run.done; sequence++) {
      await view.post({ type: "delta", sequence, change: run.advance(6) });
      expect(await order(view)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    }
    const ranks = await view.page.$$eval(".rank", (all) => all.map((rank) => rank.textContent));
    expect(ranks).toEqual(run.state.lanes.map(({ rank }) => String(rank)));
    await view.page.waitForTimeout(600);
    expect(await order(view)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(await view.page.getByRole("button", { name: "Sort by rank" }).isVisible()).toBe(true);
    await view.page.mouse.move(300, 5);
    const best = run.state.lanes.filter(({ duplicateOf }) => duplicateOf === null).sort((a, b) => a.rank! - b.rank!);
    await expect.poll(() => order(view), PATIENT).toEqual(best.map(({ id }) => id));
  });

  it("sorts the lanes too where the run's end comes as a snapshot", async () => {
    const run = new SyntheticRun({ lanes: 8, seed: 5 });
    const view = await show(structuredClone(run.state), { reducedMotion: true });
    run.advance(1000);
    await view.post({ type: "snapshot", sequence: 2, state: run.state });
    const best = run.state.lanes.filter(({ duplicateOf }) => duplicateOf === null).sort((a, b) => a.rank! - b.rank!);
    await expect.poll(() => order(view), PATIENT).toEqual(best.map(({ id }) => id));
  });

  it("collapses identical solutions behind the best and opens them", async () => {
    const state = finished(8);
    const view = await show(state, { reducedMotion: true, width: 1700 });
    const before = await order(view);
    expect(before).toHaveLength(4);
    const same = view.page.locator(`[data-lane="${before[0]}"] .same`);
    expect(await same.innerText()).toBe("same as 1 other");
    await same.click();
    const twin = state.lanes.find(({ duplicateOf }) => duplicateOf === before[0])!.id;
    expect(await order(view)).toEqual([before[0], twin, ...before.slice(1)]);
    expect(await same.getAttribute("aria-expanded")).toBe("true");
    await same.click();
    expect(await order(view)).toEqual(before);
    await view.page.setViewportSize({ width: 320, height: 760 });
    expect(await same.innerText()).toBe("×2");
    expect(await same.getAttribute("aria-label")).toBe("same as 1 other");
  });

  it.each([640, 340, 300, 270, 235])("keeps every button inside its lane in a panel of %i pixels", async (width) => {
    const view = await show(finished(4), { width, reducedMotion: true });
    const cut = await view.page.$$eval("[data-lane]:not([hidden])", (lanes) =>
      lanes.flatMap((lane) => {
        const { left, right } = lane.getBoundingClientRect();
        return [...lane.querySelectorAll(".bottom button")].filter((button) => button.getClientRects().length > 0)
          .filter((button) => button.getBoundingClientRect().right > right || button.getBoundingClientRect().left < left)
          .map((button) => button.textContent);
      }));
    expect(cut).toEqual([]);
  });

  it.each([600, 443, 410, 360, 325])("leaves figures out rather than let them push buttons over the edge, whatever the font, in a panel of %i pixels", async (width) => {
    const state = finished(4);
    for (const lane of state.lanes) Object.assign(lane, { tokens: 1024, msPerToken: 114.2 });
    const view = await show(state, { width, reducedMotion: true });
    for (const letterSpacing of ["0px", "1px", "2px"]) {
      await view.page.evaluate((spacing) => { document.body.style.letterSpacing = spacing; }, letterSpacing);
      const rows = await view.page.$$eval(".lane:not([hidden]) .bottom", (found) => found.map((row) => {
        const box = row.getBoundingClientRect();
        const edge = box.right - parseFloat(getComputedStyle(row).paddingRight);
        const shown = [...row.querySelectorAll(".figures > *")].map((part) => part.getBoundingClientRect()).filter(({ bottom, width }) => width > 0 && bottom < box.bottom);
        const figures = row.querySelector(".figures")!.getBoundingClientRect();
        return {
          over: Math.max(...[...row.querySelectorAll("button")].map((button) => button.getBoundingClientRect().right)) - edge,
          cut: shown.filter(({ right, top }) => top < figures.bottom && right > figures.right + 1).length,
          pace: shown.length > 0,
        };
      }));
      for (const { over, cut, pace } of rows) expect({ over: over > 0.5, cut, pace }, `${letterSpacing}, ${over}`).toEqual({ over: false, cut: 0, pace: letterSpacing === "0px" ? true : pace });
    }
  });

  it("sticks to the end of a growing text until the reader scrolls", async () => {
    const run = new SyntheticRun({ lanes: 1, bodies: [Array.from({ length: 200 }, (_, i) => `const value${i} = compute(${i});`).join("\n")] });
    const view = await show(structuredClone(run.state), { height: 400 });
    let sequence = 1;
    const write = async (times: number) => {
      for (let i = 0; i < times; i++) await view.post({ type: "delta", sequence: ++sequence, change: run.advance(4) });
    };
    const caretShown = () =>
      view.page.$eval(".caret", (caret) => caret.getBoundingClientRect().bottom <= caret.closest(".text")!.getBoundingClientRect().bottom + 1);
    const firstShown = () =>
      view.page.$eval(".text", (text) => {
        const top = text.getBoundingClientRect().top;
        return [...text.querySelectorAll(".line")].find((line) => line.getBoundingClientRect().bottom > top + 2)?.textContent;
      });
    await write(30);
    expect(await caretShown()).toBe(true);
    const inPage = () => view.page.locator(".line").count();
    expect(await inPage()).toBeLessThan(30);
    await view.page.locator(".text").hover();
    await view.page.mouse.wheel(0, -200);
    await expect.poll(inPage, PATIENT).toBe(run.state.lanes[0]!.text.map((span) => span.text).join("").split("\n").length);
    await expect.poll(caretShown, PATIENT).toBe(false);
    const line = await firstShown();
    await write(10);
    expect(await firstShown()).toBe(line);
    expect(await caretShown()).toBe(false);
    await view.page.mouse.wheel(0, 1e5);
    await expect.poll(caretShown, PATIENT).toBe(true);
    await write(10);
    expect(await caretShown()).toBe(true);
    expect(await inPage()).toBeLessThan(30);
  });

  it("keeps what the tint says where the system's own colours replace the theme's", async () => {
    const view = await show(finished(2), { forcedColours: true });
    expect(await view.page.$eval(".d", (tinted) => getComputedStyle(tinted).textDecorationLine)).toBe("underline");
    const plain = await show(finished(2));
    expect(await plain.page.$eval(".d", (tinted) => getComputedStyle(tinted).textDecorationLine)).toBe("none");
  });

  it("tells a screen reader of lanes that end, not of tokens, and keeps quiet sparklines and carets", async () => {
    const run = new SyntheticRun({ lanes: 2 });
    const view = await show(structuredClone(run.state));
    await view.page.evaluate(() => {
      const heard: string[] = [];
      Object.assign(window, { heard });
      const region = document.querySelector("[role='status']")!;
      new MutationObserver(() => heard.push(region.textContent ?? "")).observe(region, { childList: true, characterData: true, subtree: true });
    });
    for (let sequence = 2; sequence < 8; sequence++) await view.post({ type: "delta", sequence, change: run.advance(1) });
    expect(await view.page.evaluate(() => (window as unknown as { heard: string[] }).heard)).toEqual([]);
    expect(await view.page.locator("[aria-live]").count()).toBe(1);
    expect(await view.page.locator(".sparkline:not([aria-hidden='true']), .caret:not([aria-hidden='true'])").count()).toBe(0);
  });

  it("answers the user in words every time, the same words too, and does not say the summary again after", async () => {
    const view = await show(finished(2));
    const status = view.page.getByRole("status");
    await expect.poll(() => status.textContent(), PATIENT).toMatch(/^Done: /);
    await view.page.evaluate(() => {
      const heard: string[] = [];
      Object.assign(window, { heard });
      const region = document.querySelector("[role='status']")!;
      new MutationObserver(() => heard.push((region.textContent ?? "").trim())).observe(region, { childList: true, characterData: true, subtree: true });
    });
    const heard = () => view.page.evaluate(() => (window as unknown as { heard: string[] }).heard);
    await view.post({ type: "note", lane: 0, text: "Copied.", kind: "info" }, { type: "note", lane: 1, text: "Copied.", kind: "info" });
    await expect.poll(heard, PATIENT).toEqual(["Copied.", "Copied."]);
    await view.post({ type: "delta", sequence: 2, change: { notices: ["Something else is drawn."] } });
    await view.page.waitForTimeout(1_500);
    expect(await heard()).toEqual(["Copied.", "Copied."]);
  });

  it("says errors as errors, with their advice and buttons", async () => {
    const state = emptyState(2);
    state.phase = { kind: "failed", error: { code: "modelNotFound", message: "There is no model at /m.gguf.", advice: "Choose another file.", actions: ["retry", "chooseModel"] } };
    state.lanes = state.lanes.map((lane) => ({ ...lane, state: "failed" as const }));
    const view = await show(state);
    await view.takePosted();
    expect(await view.page.getByRole("alert").textContent()).toContain("There is no model at /m.gguf.Choose another file.");
    expect(await view.page.getByRole("list", { name: "Solutions" }).isVisible()).toBe(false);
    await view.page.getByRole("button", { name: "Retry" }).click();
    expect(await view.takePosted()).toEqual([{ type: "errorAction", action: "retry" }]);
  });

  it("has names and roles, tells an empty lane, and keeps its state for a reload", async () => {
    const state = finished(2);
    state.lanes = [{ ...state.lanes[0]!, rank: 1 }, { ...emptyLane(1, "end"), rank: 2, tokens: 1 }];
    const view = await show(state);
    expect(await view.page.getByRole("listitem").count()).toBe(2);
    expect(await view.page.getByRole("listitem", { name: /^Solution 1, finished, mean log-probability/ }).count()).toBe(1);
    expect(await view.page.locator("[data-lane='1'] .empty").textContent()).toMatch(/nothing to add/);
    expect(await view.page.locator("[data-lane='1'] .state").textContent()).toBe("nothing written");
    expect(await view.page.locator("[data-lane='1'] .insert").isDisabled()).toBe(true);
    await view.takePosted();
    await view.page.locator("[data-lane='1']").focus();
    await view.page.keyboard.press("Enter");
    expect(await view.takePosted()).toEqual([]);
    expect(await view.page.evaluate(() => window.memory)).toEqual({ version: 1, state });
    await expect.poll(() => view.page.getByRole("status").textContent(), PATIENT).toMatch(/^Done: 2 of 2/);
    await view.post({ type: "note", lane: 0, text: "Inserted", kind: "info" });
    expect(await view.page.locator("[data-lane='0'] .state").textContent()).toBe("Inserted");
  });
});

// The Latency view in a real Chromium: what it draws, what it posts, and the Content-Security-Policy.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Browser } from "playwright-core";
import type { FromLatencyView, LatencyState, ToLatencyView } from "../../protocol/latencyView";
import { browserPath, launch, open } from "./harness";
import type { OpenOptions, View } from "./harness";
import { FIGURES, emptyLatency, fullLatency, steps } from "./syntheticLatency";

type Latency = View<ToLatencyView, FromLatencyView>;

/** What comes at once on a quiet machine may take its time on a busy one. */
const PATIENT = { timeout: 30_000 };

describe.skipIf(browserPath === undefined)("the Latency view", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  const show = async (state: LatencyState, options: Partial<OpenOptions> = {}): Promise<Latency> => {
    const view = await open<ToLatencyView, FromLatencyView>(browser, { view: "latency", width: 1280, height: 300, ...options });
    await view.post({ type: "snapshot", sequence: 1, state });
    await view.takePosted();
    return view;
  };
  /** How many pixels of the charts are drawn. */
  const ink = (view: Latency): Promise<number[]> =>
    view.page.$$eval("canvas", (all) =>
      all.map((canvas) => {
        const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
        let drawn = 0;
        for (let at = 3; at < data.length; at += 4) if (data[at]! > 0) drawn++;
        return drawn;
      }),
    );

  it("says what to do while there is nothing to show", async () => {
    const view = await show(emptyLatency);
    expect(await view.page.locator(".nothing").innerText()).toContain("No request has been measured yet.");
    await view.page.getByRole("button", { name: "Generate Solutions" }).click();
    await view.page.getByRole("button", { name: "Run benchmark" }).click();
    expect(await view.takePosted()).toEqual([{ type: "generate" }, { type: "runBenchmark" }]);
  });

  it("draws figures, charts, history and benchmark under the policy", async () => {
    const view = await show(fullLatency());
    expect(await view.page.locator(".hero").textContent()).toBe("0.97 ms per token");
    expect(await view.page.locator("dl").innerText()).toContain("0.88 · 1.1 · 0.97");
    expect(await view.page.locator(".request").count()).toBe(9);
    expect(await view.page.locator(".run .ratio").allTextContents()).toEqual(["", "2.6×", "3.6×"]);
    expect(await view.page.locator(".worker").innerText()).toContain("9.4 GB of 139 GB");
    for (const drawn of await ink(view)) expect(drawn).toBeGreaterThan(1000);
    expect(await view.page.evaluate(() => window.violations)).toEqual(["script-src-elem inline"]);
  });

  it("shows names whole in a narrow panel, or cut in their middle and whole in the tooltip", async () => {
    const state = fullLatency();
    const [short, long] = ["deepseek_coder_v2_lite_instruct_abliterated_128k_context_extended_q4_k_m", "a_test_of_the_parser_of_expressions.component.spec.ts:1234"];
    state.worker = { ...state.worker, target: short };
    state.history = [{ ...state.history[0]!, id: "long", label: long }, ...state.history];
    for (const width of [600, 300]) {
      const view = await show(state, { width, height: 900 });
      expect(await view.page.evaluate(() => [...document.querySelectorAll(".worker .loaded, .worker, .request .label")].filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).map(({ className, textContent }) => [className, textContent]))).toEqual([]);
      const row = view.page.locator(".request").filter({ hasText: "spec.ts:1234" });
      const seen = await row.evaluate((request) => {
        const [start, end] = [...request.querySelectorAll(".label > span")].map((part) => part.getBoundingClientRect());
        return { start: start!.width > 0, end: end!.right <= request.querySelector(".size")!.getBoundingClientRect().left };
      });
      expect(seen, String(width)).toEqual({ start: true, end: true });
      expect(await row.getAttribute("title")).toContain(long);
      await view.page.close();
    }
  });

  it.each([[1280, 200], [1040, 240], [800, 200], [700, 300]])("keeps its parts apart in a panel of %i by %i", async (width, height) => {
    const view = await show(fullLatency(), { width, height });
    const apart = await view.page.$$eval(".chart", (charts) => charts.map((chart) => {
      const own = chart.getBoundingClientRect();
      const plot = chart.querySelector(".plot")!.getBoundingClientRect();
      return plot.bottom <= own.bottom && plot.right <= own.right;
    }));
    expect(apart).toEqual([true, true]);
  });

  it("says which lanes are in no count", async () => {
    const state = fullLatency();
    const dropped = { lanes: 3, tokens: 1 };
    state.shown = { ...state.shown!, figures: { ...FIGURES, dropped } };
    state.history = [{ ...state.history[0]!, lanes: 5, tokens: 200, dropped }];
    const view = await show(state);
    expect(await view.page.locator(".dropped").innerText()).toBe("3 lanes cancelled after 1 token: in the speeds, not in the counts");
    expect(await view.page.locator(".request .size").innerText()).toBe("5 × 40");
    expect(await view.page.locator(".request").getAttribute("title")).toContain("200 tokens in 5 lanes, 3 lanes cancelled, ");
    const whole = await show(fullLatency());
    expect(await whole.page.locator(".dropped").isVisible()).toBe(false);
  });

  it("takes deltas, asks again after a gap, and shows another request when told", async () => {
    const view = await show(fullLatency());
    await view.post({ type: "delta", sequence: 2, change: { steps: steps(20, 3, 180), figures: { ...FIGURES, acceptanceRate: 0.5 } } });
    await expect.poll(() => view.page.locator("dl").innerText(), PATIENT).toContain("50 %");
    await view.post({ type: "delta", sequence: 9, change: {} });
    expect(await view.takePosted()).toEqual([{ type: "ready", reason: "gap" }]);
    await view.page.locator(".request").nth(3).click();
    expect(await view.takePosted()).toEqual([{ type: "showRequest", id: "r5" }]);
    await view.post({ type: "snapshot", sequence: 9, state: { ...fullLatency(), following: false, shown: { id: "r5", figures: FIGURES, steps: steps(30) } } });
    await expect.poll(() => view.page.locator(".request[aria-pressed='true']").count(), PATIENT).toBe(1);
    await view.page.getByRole("button", { name: "Follow newest" }).click();
    expect(await view.takePosted()).toEqual([{ type: "showRequest", id: null }]);
  });

  it("shows a benchmark's progress and cancels it", async () => {
    const view = await show({ ...fullLatency(), benchmark: { kind: "running", label: "Plain, run 1 of 3", fraction: 0.3, runs: [] } });
    expect(await view.page.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("30");
    await view.page.getByRole("button", { name: "Cancel", exact: true }).click();
    expect(await view.takePosted()).toEqual([{ type: "cancelBenchmark" }]);
  });

  it("takes its colours from the theme, and anew when the theme changes", async () => {
    const view = await show(fullLatency());
    const picture = () => view.page.$$eval("canvas", (all) => all.map((canvas) => canvas.toDataURL()));
    const before = await picture();
    await view.page.evaluate(() => document.documentElement.style.setProperty("--vscode-charts-blue", "rgb(255, 0, 0)"));
    await expect.poll(async () => (await picture())[0], PATIENT).not.toBe(before[0]);
    expect((await picture())[1]).toBe(before[1]);
  });

  it("keeps hostile names text", async () => {
    const state = fullLatency();
    state.worker = { ...state.worker, target: "<img src=x onerror=window.hacked=1>" };
    state.history = state.history.map((request) => ({ ...request, label: "<script>window.hacked=1</script>" }));
    const view = await show(state, { width: 320, height: 900 });
    expect(await view.page.locator("#root img, #root script").count()).toBe(0);
    expect(await view.page.evaluate(() => "hacked" in window)).toBe(false);
  });
});

// Measures what a frame costs the Solutions view and the Latency view while 16 lanes are written at 200 steps a second, beside
// a page that draws nothing and gets the same messages: the main thread's own time, by Chromium's trace.
// Prints figures, asserts nothing. Run: node scripts/run-ts.mjs test/webview/perf.ts [seconds]

import { availableParallelism, loadavg } from "node:os";
import type { Browser, Page } from "playwright-core";
import type { FromLatencyView, LatencyChange, ToLatencyView } from "../../protocol/latencyView";
import type { FromSolutionsView, SolutionsChange, ToSolutionsView } from "../../protocol/solutionsView";
import { launch, open } from "./harness";
import { BODIES, SyntheticRun } from "./synthetic";
import { FIGURES, fullLatency, steps } from "./syntheticLatency";
import { traceFrames } from "./trace";
import type { FrameTime, Part } from "./trace";

const STEPS_PER_SECOND = 200;
const FRAMES_PER_SECOND = 60;
const seconds = Number(process.argv[2] ?? 6);
const frames = seconds * FRAMES_PER_SECOND;
const PARTS: Part[] = ["script", "style", "layout", "paint"];

const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? 0;
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);

interface Figures {
  p50: number;
  p95: number;
  mean: number;
}

function figuresOf(times: readonly FrameTime[]): Figures {
  const all = times.map((frame) => frame.all);
  return { p50: quantile(all, 0.5), p95: quantile(all, 0.95), mean: mean(all) };
}

const line = ({ p50, p95, mean: middle }: Figures): string =>
  `p50 ${p50.toFixed(2)} ms, p95 ${p95.toFixed(2)} ms, mean ${middle.toFixed(2)} ms`;

/** Steps of the run in each frame. */
const stepsIn = (frame: number): number =>
  Math.floor(((frame + 1) * STEPS_PER_SECOND) / FRAMES_PER_SECOND) - Math.floor((frame * STEPS_PER_SECOND) / FRAMES_PER_SECOND);

async function measure(browser: Browser, name: string, page: Page, changes: readonly unknown[]): Promise<void> {
  const deltas = changes.map((change, index) => ({ type: "delta", sequence: index + 2, change }));
  const empty = await (await browser.newContext()).newPage();
  const idle = figuresOf(await traceFrames(browser, empty, deltas));
  const times = await traceFrames(browser, page, deltas);
  const cost = figuresOf(times);
  await empty.context().close();
  await page.context().close();
  console.log(`${name}: ${times.length} frames; load ${(loadavg()[0] ?? 0).toFixed(1)} on ${availableParallelism()} cores`);
  console.log(`  empty page:     ${line(idle)}`);
  console.log(`  the view:       ${line(cost)}`);
  console.log(`  the difference: ${line({ p50: cost.p50 - idle.p50, p95: cost.p95 - idle.p95, mean: cost.mean - idle.mean })}`);
  const parts = PARTS.map((part) => `${part} ${mean(times.map((frame) => frame[part])).toFixed(2)} ms`);
  console.log(`  of it, mean: ${parts.join(", ")}; ${mean(times.map(({ layouts }) => layouts)).toFixed(2)} layouts a frame`);
}

async function solutions(browser: Browser): Promise<void> {
  const long = BODIES.map((_, index) => Array.from({ length: 400 }, (__, at) => BODIES[(index + at) % BODIES.length]).join("\n"));
  const run = new SyntheticRun({ lanes: 16, bodies: long });
  const view = await open<ToSolutionsView, FromSolutionsView>(browser, { view: "solutions", width: 1600, height: 1000 });
  await view.post({ type: "snapshot", sequence: 1, state: structuredClone(run.state) });
  const changes: SolutionsChange[] = Array.from({ length: frames }, (_, frame) => structuredClone(run.advance(stepsIn(frame))));
  console.log(`${(run.state.totals.tokens / seconds).toFixed(0)} tokens a second`);
  await measure(browser, "Solutions, 16 lanes, 200 steps/s", view.page, changes);
}

async function latency(browser: Browser): Promise<void> {
  const view = await open<ToLatencyView, FromLatencyView>(browser, { view: "latency", width: 1280, height: 300 });
  await view.post({ type: "snapshot", sequence: 1, state: fullLatency() });
  let at = 180;
  const changes: LatencyChange[] = Array.from({ length: frames }, (_, frame) => {
    const count = stepsIn(frame);
    at += count;
    return { steps: steps(count, 3, at - count), figures: { ...FIGURES, p50Ms: 1 + frame / 1000 } };
  });
  await measure(browser, "Latency, 200 steps/s", view.page, changes);
}

const browser = await launch();
await solutions(browser);
await latency(browser);
await browser.close();

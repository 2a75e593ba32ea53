// Measures what a frame costs the Solutions view and the Latency view while 16 lanes are written at 200 steps a second.
// (Not from a trace: tracing a layout makes Chromium count all of the page's boxes.)
// Prints figures, asserts nothing. Run: node scripts/run-ts.mjs test/webview/perf.ts [seconds]

import { availableParallelism, loadavg } from "node:os";
import type { Browser, CDPSession } from "playwright-core";
import type { FromLatencyView, FromSolutionsView, LatencyChange, SolutionsChange, ToLatencyView, ToSolutionsView } from "../../protocol/webview";
import { launch, open } from "./harness";
import type { View } from "./harness";
import { BODIES, SyntheticRun } from "./synthetic";
import { FIGURES, fullLatency, steps } from "./syntheticLatency";

const STEPS_PER_SECOND = 200;
const FRAME_MS = 1000 / 60;
const seconds = Number(process.argv[2] ?? 6);

/**
 * Posts one change a frame from inside the page, and measures what the view then does with it: handling the message, and
 * in the next frame drawing and layout. `stale` messages are dropped by the view: they show what the measuring costs.
 */
function feed(view: View<never, never>, changes: unknown[], stale: boolean): Promise<number[]> {
  return view.page.evaluate(
    async ({ all, old }) => {
      const next = window.requestAnimationFrame.bind(window);
      let drawing = 0;
      window.requestAnimationFrame = (callback) =>
        next((now) => {
          const before = performance.now();
          callback(now);
          drawing += performance.now() - before;
        });
      const frames: number[] = [];
      for (const [index, change] of all.entries()) {
        await new Promise((resolve) => next(resolve));
        drawing = 0;
        const data = { type: "delta", sequence: old ? 0 : index + 2, change };
        const before = performance.now();
        window.dispatchEvent(new MessageEvent("message", { data }));
        const handled = performance.now() - before;
        await new Promise((resolve) => next(resolve));
        const drawn = performance.now();
        void document.body.offsetHeight;
        frames.push(handled + drawing + performance.now() - drawn);
      }
      window.requestAnimationFrame = next;
      return frames;
    },
    { all: changes, old: stale },
  );
}

type Durations = Record<"ScriptDuration" | "LayoutDuration" | "RecalcStyleDuration" | "TaskDuration", number>;

/** Seconds of the main thread's own time since the page began; waiting for a core does not count. */
async function durations(session: CDPSession): Promise<Durations> {
  const { metrics } = await session.send("Performance.getMetrics");
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value])) as Durations;
}

async function measure(name: string, view: View<never, never>, changes: unknown[]): Promise<void> {
  const session = await view.page.context().newCDPSession(view.page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const idle = changes.slice(0, 120);
  const start = await durations(session);
  await feed(view, idle, true);
  const begin = await durations(session);
  const frames = await feed(view, changes, false);
  const end = await durations(session);
  const own = (part: keyof Durations): string => {
    const measuring = (begin[part] - start[part]) / idle.length;
    return (Math.max(0, (end[part] - begin[part]) / changes.length - measuring) * 1000).toFixed(2);
  };
  const load = (loadavg()[0] ?? 0).toFixed(1);
  console.log(`${name}: ${changes.length} frames; load ${load} on ${availableParallelism()} cores`);
  console.log(`  a frame's script and layout by the clock: mean ${mean(frames).toFixed(2)} ms, p50 ${quantile(frames, 0.5).toFixed(2)} ms, p95 ${quantile(frames, 0.95).toFixed(2)} ms`);
  console.log(`  of the thread's own time, mean: script ${own("ScriptDuration")} ms, layout ${own("LayoutDuration")} ms, style ${own("RecalcStyleDuration")} ms; all work with painting ${own("TaskDuration")} ms`);
}

const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
const quantile = (values: number[], share: number): number => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? 0;

function solutionChanges(run: SyntheticRun): SolutionsChange[] {
  const changes: SolutionsChange[] = [];
  let owed = 0;
  while (!run.done && changes.length < seconds * 60) {
    owed += (STEPS_PER_SECOND * FRAME_MS) / 1000;
    const now = Math.floor(owed);
    owed -= now;
    changes.push(structuredClone(run.advance(now)));
  }
  return changes;
}

async function solutions(browser: Browser): Promise<void> {
  const long = BODIES.map((_, index) => Array.from({ length: 400 }, (__, at) => BODIES[(index + at) % BODIES.length]).join("\n"));
  const run = new SyntheticRun({ lanes: 16, bodies: long });
  const view = await open<ToSolutionsView, FromSolutionsView>(browser, { view: "solutions", width: 1600, height: 1000 });
  await view.post({ type: "snapshot", sequence: 1, state: structuredClone(run.state) });
  const changes = solutionChanges(run);
  await measure("Solutions, 16 lanes, 200 steps/s", view as View<never, never>, changes);
  const characters = run.state.lanes.map(({ text }) => text.reduce((sum, span) => sum + span.text.length, 0));
  const tokens = run.state.totals.tokens / (changes.length / 60);
  console.log(`  ${tokens.toFixed(0)} tokens a second; characters a lane at the end: ${Math.min(...characters)} to ${Math.max(...characters)}`);
}

async function latency(browser: Browser): Promise<void> {
  const view = await open<ToLatencyView, FromLatencyView>(browser, { view: "latency", width: 1280, height: 300 });
  await view.post({ type: "snapshot", sequence: 1, state: fullLatency() });
  const changes: LatencyChange[] = Array.from({ length: seconds * 60 }, (_, frame) => {
    const from = Math.floor((frame * STEPS_PER_SECOND) / 60);
    const to = Math.floor(((frame + 1) * STEPS_PER_SECOND) / 60);
    return { steps: steps(to - from, 3, 180 + from), figures: { ...FIGURES, p50Ms: 1 + frame / 1000 } };
  });
  await measure("Latency, 200 steps/s", view as View<never, never>, changes);
}

const browser = await launch();
await solutions(browser);
await latency(browser);
await browser.close();

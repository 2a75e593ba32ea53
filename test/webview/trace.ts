// A page's main-thread time from Chromium's own trace, frame by frame: thread time, so waiting for a core does not count.

import type { Browser, Page } from "playwright-core";

/** "toplevel" gives every task of the thread, "blink" the parts of a frame. The developer tools' own categories make Chromium
 * count all of the page's boxes in every layout. */
const CATEGORIES = ["toplevel", "blink", "blink.user_timing", "v8"];
const MARK = "octet-frame";

const PARTS: Record<string, Part> = {
  "v8.callFunction": "script",
  "Document::updateStyle": "style",
  "LocalFrameView::performLayout": "layout",
  "LocalFrameView::RunPrePaintLifecyclePhase": "paint",
  "LocalFrameView::RunPaintLifecyclePhase": "paint",
};
export type Part = "script" | "style" | "layout" | "paint";

/** Milliseconds of the main thread's own time between the starts of two frames. */
export interface FrameTime extends Record<Part, number> {
  /** Every task: the parts, handling the message, and what the browser does around them. */
  all: number;
  /** Times that the page was laid out. */
  layouts: number;
}

interface TraceEvent {
  ph: string;
  cat: string;
  name: string;
  pid: number;
  tid: number;
  /** Microseconds; the last by the thread's own clock. */
  ts: number;
  dur?: number;
  tdur?: number;
}

/** Posts a message in each frame, as VS Code does, and gives what the page's main thread did with each. */
export async function traceFrames(browser: Browser, page: Page, messages: readonly unknown[]): Promise<FrameTime[]> {
  await page.evaluate((all) => Object.assign(window, { messages: all }), messages);
  await browser.startTracing(page, { categories: CATEGORIES, screenshots: false });
  await page.evaluate(async (mark) => {
    const frame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));
    for (const message of (window as unknown as { messages: unknown[] }).messages) {
      await frame();
      performance.mark(mark);
      window.postMessage(message, "*");
    }
    await frame();
    performance.mark(mark);
  }, MARK);
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  return frameTimes(traceEvents);
}

/** A task belongs to the frame whose mark came last before the task's end. */
function frameTimes(events: TraceEvent[]): FrameTime[] {
  const marks = events.filter(({ name, cat }) => name === MARK && cat.includes("user_timing")).sort((a, b) => a.ts - b.ts);
  const first = marks[0];
  if (!first) throw new Error("the trace holds no frame");
  const own = events
    .filter(({ ph, pid, tid, tdur }) => ph === "X" && pid === first.pid && tid === first.tid && tdur !== undefined)
    .sort((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0));
  const frames = marks.slice(1).map((): FrameTime => ({ all: 0, script: 0, style: 0, layout: 0, paint: 0, layouts: 0 }));
  /** Ends of the task and of the part that are open: what lies inside another of its kind is counted with it. */
  let [taskEnd, at] = [-Infinity, -1];
  const open: { end: number; part: Part; frame: FrameTime; own: number }[] = [];
  const close = (until: number): void => {
    while (open.length > 0 && open.at(-1)!.end <= until) {
      const { part, frame, own: micros } = open.pop()!;
      frame[part] += micros / 1000;
    }
  };
  for (const { name, ts, dur = 0, tdur = 0 } of own) {
    if (ts >= taskEnd) {
      taskEnd = ts + dur;
      while (at + 1 < marks.length && marks[at + 1]!.ts < taskEnd) at++;
      if (frames[at]) frames[at]!.all += tdur / 1000;
    }
    const [part, frame] = [PARTS[name], frames[at]];
    if (!part || !frame) continue;
    close(ts);
    if (part === "layout") frame.layouts++;
    const parent = open.at(-1);
    if (parent) parent.own -= tdur;
    open.push({ end: ts + dur, part, frame, own: tdur });
  }
  close(Infinity);
  return frames;
}

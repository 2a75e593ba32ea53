// Takes pictures of the Solutions view in its states and themes, to be looked at.
// Run: node scripts/run-ts.mjs test/webview/pictures.ts FOLDER [NAME]

import path from "node:path";
import type { FromSolutionsView, SolutionsState, ToSolutionsView } from "../../protocol/solutionsView";
import { launch, open } from "./harness";
import type { Theme } from "./harness";
import { SyntheticRun, emptyState } from "./synthetic";
import type { RunOptions } from "./synthetic";

interface Picture {
  name: string;
  state: SolutionsState;
  theme?: Theme;
  width?: number;
  height?: number;
}

function after(steps: number, options: RunOptions): SolutionsState {
  const run = new SyntheticRun(options);
  run.advance(steps);
  return run.state;
}

const LONG = Array.from({ length: 60 }, (_, i) => `  const value${i} = compute(${i}, "some rather long argument that wraps in a narrow lane", options);`).join("\n");

const failed: SolutionsState = {
  ...after(12, { lanes: 8 }),
  phase: {
    kind: "failed",
    error: {
      code: "workerDied",
      message: "The worker stopped while it was decoding.",
      advice: "It has been started again. If this repeats, choose a smaller model or fewer lanes.",
      actions: ["retry", "showLog"],
    },
  },
};
failed.lanes = failed.lanes.map((lane) => (lane.state === "writing" ? { ...lane, state: "failed" as const } : lane));

const nothing: SolutionsState = {
  ...emptyState(8),
  phase: {
    kind: "failed",
    error: {
      code: "modelNotFound",
      message: "There is no model at /models/coder-7b.gguf.",
      advice: "Choose another file, or clear octet.target to use the starter model.",
      actions: ["chooseModel", "openSettings", "showLog"],
    },
  },
};
nothing.lanes = nothing.lanes.map((lane) => ({ ...lane, state: "failed" as const }));

const withEmpty = after(1000, { lanes: 8 });
withEmpty.lanes = withEmpty.lanes.map((lane) => (lane.id === 5 ? { ...lane, text: [], state: "end" as const, tokens: 1 } : lane));
withEmpty.notices = ["Lanes were cut from 16 to 8: the models leave memory for no more."];

const pictures: Picture[] = [
  { name: "dark-8-writing", state: after(13, { lanes: 8 }) },
  { name: "light-8-writing", state: after(13, { lanes: 8 }), theme: "light" },
  { name: "contrast-8-writing", state: after(13, { lanes: 8 }), theme: "contrast" },
  { name: "dark-8-done", state: withEmpty },
  { name: "light-8-done", state: after(1000, { lanes: 8 }), theme: "light" },
  { name: "dark-16-writing", state: after(13, { lanes: 16 }), width: 1600, height: 1000 },
  { name: "dark-1-writing", state: after(30, { lanes: 1, bodies: [LONG] }), width: 700 },
  { name: "dark-narrow", state: after(13, { lanes: 8 }), width: 320, height: 800 },
  { name: "dark-long-budget", state: after(100, { lanes: 4, bodies: [LONG], reason: "budget" }), width: 900 },
  { name: "dark-failed", state: failed },
  { name: "light-nothing", state: nothing, theme: "light", width: 700, height: 400 },
  { name: "dark-prefill", state: { ...emptyState(8), phase: { kind: "prefill", done: 512, total: 812, reused: 128 } } },
  { name: "dark-loading", state: { ...emptyState(8), phase: { kind: "loading", label: "Loading the target model", fraction: 0.4 } }, width: 600 },
];

const folder = process.argv[2] ?? ".";
const wanted = process.argv[3] ?? "";
const browser = await launch();
for (const { name, state, ...options } of pictures.filter((picture) => picture.name.includes(wanted))) {
  const view = await open<ToSolutionsView, FromSolutionsView>(browser, { view: "solutions", ...options });
  await view.post({ type: "snapshot", sequence: 1, state });
  await view.frames(12);
  await view.page.screenshot({ path: path.join(folder, `solutions-${name}.png`) });
  const violations = await view.page.evaluate(() => window.violations);
  console.log(name, violations.filter((violation) => !violation.endsWith("inline")).join("; "));
  await view.page.context().close();
}
await browser.close();

// Takes pictures of the Latency view in its states and themes, to be looked at.
// Run: node scripts/run-ts.mjs test/webview/latencyPictures.ts FOLDER [NAME]

import path from "node:path";
import type { FromLatencyView, LatencyState, ToLatencyView } from "../../protocol/latencyView";
import { launch, open } from "./harness";
import type { Theme } from "./harness";
import { emptyLatency, fullLatency } from "./syntheticLatency";

interface Picture {
  name: string;
  state: LatencyState;
  theme?: Theme;
  width?: number;
  height?: number;
}

const full = fullLatency();
const runs = full.benchmark.kind === "done" ? full.benchmark.runs.slice(0, 1) : [];
const pictures: Picture[] = [
  { name: "dark-wide", state: full },
  { name: "light-wide", state: full, theme: "light" },
  { name: "contrast-wide", state: full, theme: "contrast" },
  { name: "dark-medium", state: full, width: 900, height: 420 },
  { name: "dark-narrow", state: full, width: 320, height: 1000 },
  { name: "dark-empty", state: emptyLatency },
  {
    name: "light-benchmark",
    state: { ...full, following: false, benchmark: { kind: "running", label: "Speculative · auto, run 2 of 3", fraction: 0.45, runs } },
    theme: "light",
  },
  {
    name: "dark-failed",
    state: {
      ...emptyLatency,
      worker: {
        ...emptyLatency.worker,
        state: "failed",
        error: { code: "outOfMemory", message: "The models do not fit into the device's memory.", advice: "Choose a smaller model, or fewer lanes.", actions: ["chooseModel", "openSettings"] },
      },
    },
  },
];

const folder = process.argv[2] ?? ".";
const wanted = process.argv[3] ?? "";
const browser = await launch();
for (const { name, state, width = 1280, height = 300, theme = "dark" } of pictures.filter((picture) => picture.name.includes(wanted))) {
  const view = await open<ToLatencyView, FromLatencyView>(browser, { view: "latency", theme, width, height });
  await view.post({ type: "snapshot", sequence: 1, state });
  await view.frames(12);
  await view.page.screenshot({ path: path.join(folder, `latency-${name}.png`) });
  const violations = await view.page.evaluate(() => window.violations);
  console.log(name, violations.filter((violation) => !violation.endsWith("inline")).join("; "));
  await view.page.context().close();
}
await browser.close();

// A picture of the window for every test that fails, in build/test-results/e2e.

import path from "node:path";
import { afterEach } from "vitest";
import type { CodeWindow } from "./window";

const folder = path.resolve(import.meta.dirname, "../../build/test-results/e2e");

export function pictureFailures(window: () => CodeWindow | undefined): void {
  afterEach(async ({ task }) => {
    if (task.result?.state !== "fail") return;
    const name = `${task.suite?.name ?? ""} ${task.name}`.trim().replace(/\W+/g, "-");
    await window()?.page.screenshot({ path: path.join(folder, `${name}.png`) }).catch(() => undefined);
  });
}

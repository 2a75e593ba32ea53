// For every test that fails, a picture of the window in build/test-results/e2e and what it showed, in words.

import path from "node:path";
import { afterEach } from "vitest";
import type { CodeWindow } from "./window";

const folder = path.resolve(import.meta.dirname, "../../build/test-results/e2e");

export function pictureFailures(window: () => CodeWindow | undefined): void {
  afterEach(async ({ task }) => {
    if (task.result?.state !== "fail") return;
    const name = `${task.suite?.name ?? ""} ${task.name}`.trim().replace(/\W+/g, "-");
    const shown = window();
    if (!shown) return;
    await shown.page.screenshot({ path: path.join(folder, `${name}.png`), timeout: 10_000 }).catch(() => undefined);
    const outline = await Promise.race([shown.outline(), new Promise((resolve) => setTimeout(resolve, 10_000, "no answer"))]).catch(String);
    console.error(`${task.name}: the window shows ${JSON.stringify(outline)}`);
  });
}

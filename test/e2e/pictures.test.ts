// Pictures of every view in both themes, for the documentation: OCTET_PICTURES names the folder they are written to.

import path from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { marked, typescript } from "./samples";
import { writeSettings, writeWorkspaceFile } from "./scratch";
import { until } from "./until";
import { CodeWindow, launchBrowser } from "./window";

const scratch = inject("scratch");
const sample = marked(typescript);
const folder = process.env["OCTET_PICTURES"] ?? "";
const themes = { dark: "Default Dark Modern", light: "Default Light Modern" };
const file = "geometry.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(async () => {
  writeSettings(scratch);
  await browser.close();
});

describe.skipIf(folder === "")("pictures", () => {
  it.each(Object.entries(themes))("%s", async (name, colorTheme) => {
    writeSettings(scratch, { "workbench.colorTheme": colorTheme, "octet.draftLength": "bass" });
    writeWorkspaceFile(scratch, file, sample.text);
    const window = await CodeWindow.open(browser, inject("server"), scratch.workspace, { width: 1400, height: 860 });
    const picture = (view: string) => window.page.screenshot({ path: path.join(folder, `${view}-${name}.png`) });
    await window.openFile(file);
    await window.runCommand("View: Close Primary Side Bar").catch(() => undefined);
    await window.goTo(sample.line, sample.column);

    await window.press("Alt+\\");
    expect(await window.waitForGhostText()).not.toBe("");
    await picture("ghost-text");

    await window.press("Escape");
    await window.runCommand("Octet: Generate Solutions");
    const panel = await window.webview(".lane");
    await until("the lanes grow", async () => (await panel.locator(".lane .text").allInnerTexts()).every((text) => text.length > 60), { timeoutMs: 20_000, everyMs: 20 }).catch(() => undefined);
    await picture("solutions-writing");
    await until("the lanes have ended", () => panel.locator(".lane.best").count());
    await picture("solutions-done");

    await window.runCommand("Octet: Show Latency");
    const latency = await window.webview(".figures .hero");
    await until("a chart is drawn", () => latency.locator("canvas").count());
    await window.page.waitForTimeout(1_000);
    await picture("latency");
    await window.close();
  });
});

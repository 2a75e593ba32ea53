// Pictures of every view in both themes, for the documentation: OCTET_PICTURES names the folder they are written to.

import path from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { pictureFailures } from "./failures";
import { marked, python } from "./samples";
import { writeSettings, writeWorkspaceFile } from "./scratch";
import { until } from "./until";
import { CodeWindow, launchBrowser } from "./window";

const scratch = inject("scratch");
const sample = marked(python);
const folder = process.env["OCTET_PICTURES"] ?? "";
const themes = { dark: "Default Dark Modern", light: "Default Light Modern" };
const file = "inventory.py";
const INDENT = " ".repeat(8);
/** Of a lane's text, so that there is something to see of it. */
const WRITTEN = 110;

let browser: Browser;
let shown: CodeWindow | undefined;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(async () => {
  writeSettings(scratch);
  await browser.close();
});

describe.skipIf(folder === "")("pictures", () => {
  pictureFailures(() => shown);
  it.each(Object.entries(themes))("%s", async (name, colorTheme) => {
    const settings = { "workbench.colorTheme": colorTheme, "octet.temperature": 0.7, "octet.topP": 0.9, "octet.seed": 3 };
    writeSettings(scratch, settings);
    writeWorkspaceFile(scratch, file, sample.text);
    const window = await CodeWindow.open(browser, inject("server"), scratch.workspace, { width: 1680, height: 1020 });
    shown = window;
    const picture = (view: string, clip?: { x: number; y: number; width: number; height: number }) =>
      window.page.screenshot({ path: path.join(folder, `${view}-${name}.png`), ...(clip ? { clip } : {}) });
    await window.openFile(file);
    await window.runCommand("View: Close Primary Side Bar").catch(() => undefined);
    if (await window.page.locator(".part.auxiliarybar").isVisible()) await window.press("Control+Alt+B");
    await window.goTo(sample.line, sample.column);

    await window.typeText(INDENT);
    await window.press("Alt+\\");
    expect(await window.waitForGhostText()).not.toBe("");
    await picture("ghost-text", { x: 0, y: 36, width: 840, height: 500 });

    const solve = async (): Promise<void> => {
      await window.page.locator(`.tab[data-resource-name="${file}"]`).click();
      await window.goTo(sample.line, sample.column + INDENT.length);
      await window.runCommand("Octet: Generate Solutions");
    };
    await window.press("Escape");
    await window.runCommand("Octet: Generate Solutions");
    const panel = await window.webview(".lane");
    const done = async (): Promise<void> => {
      await until("the run is done", () => panel.getByRole("button", { name: "More" }).isVisible());
      await panel.locator(".lane:first-child.best").waitFor();
      await panel.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
    };
    await done();

    // Again with the panel open, or the lanes might end before it is found. A window that is new may not hear of settings yet: each try tells them.
    const solveLong = (): Promise<void> => {
      writeSettings(scratch, { ...settings, "octet.solutions.stopAtBlockEnd": false });
      return solve();
    };
    const writing = (): Promise<boolean> => panel.waitForFunction((enough) => {
      const lanes = [...document.querySelectorAll(".lane")];
      const written = lanes.filter((lane) => (lane.querySelector(".text")?.textContent ?? "").length > enough);
      const live = lanes.filter((lane) => lane.querySelector(".caret") !== null);
      const counted = live.every((lane) => Number(lane.querySelector(".count b")?.textContent) > 9); // figures follow the text
      return written.length >= 6 && counted && live.length > 0;
    }, WRITTEN, { timeout: 10_000 }).then(() => true, () => false);
    // The moment is short, and a busy machine can miss it.
    await solveLong();
    for (let tries = 10; !(await writing()); await solveLong()) {
      if (--tries === 0) throw new Error("never seen while they were written");
      await done();
    }
    await picture("solutions-writing");
    await done();

    writeSettings(scratch, settings);
    await panel.evaluate(() => document.querySelector(".lane")?.setAttribute("data-before", ""));
    await solve();
    await panel.locator(".lane[data-before]").waitFor({ state: "detached" });
    await done();
    await picture("solutions-done");

    await window.runCommand("Octet: Show Latency");
    const latency = await window.webview(".figures .hero");
    await latency.getByRole("button", { name: "Run benchmark" }).click();
    await until("the benchmark is drawn", () => latency.getByRole("button", { name: "Run again" }).isVisible(), { timeoutMs: 150_000 });
    await latency.locator('.request[title*=" · solutions"]').first().click();
    await until("the solutions are shown", () => latency.locator('.request[title*=" · solutions"][aria-pressed="true"]').count());
    await latency.locator(".side").evaluate((side) => side.scrollTo(0, 0));
    await window.page.mouse.move(400, 500);
    await latency.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    await picture("latency");

    await window.runCommand("Octet: Choose Models…");
    await window.page.locator(".quick-input-list .monaco-list-row", { hasText: "Starter pair" }).waitFor({ timeout: 120_000 });
    await window.page.waitForFunction(() => {
      const widget = document.querySelector(".quick-input-widget");
      return widget !== null && getComputedStyle(widget).opacity === "1" && widget.getAnimations().every(({ playState }) => playState === "finished");
    });
    await picture("choose-models");
    await window.close();
  });
});

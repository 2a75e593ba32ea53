// Generate Solutions and the latency panel: eight lanes grow beside the file, one is inserted, and the figures of it are shown.

import type { Browser, Frame } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { pictureFailures } from "./failures";
import { marked, typescript } from "./samples";
import { readWorkspaceFile, writeWorkspaceFile } from "./scratch";
import { until } from "./until";
import { CodeWindow, launchBrowser } from "./window";

const scratch = inject("scratch");
const sample = marked(typescript);
const file = "solutions.ts";
const onDisk = () => readWorkspaceFile(scratch, file);
const words = (text: string) => text.replace(/\s+/g, "");

let browser: Browser;
let window: CodeWindow;
let panel: Frame;

pictureFailures(() => window);

beforeAll(async () => {
  writeWorkspaceFile(scratch, file, sample.text);
  browser = await launchBrowser();
  window = await CodeWindow.open(browser, inject("server"), scratch.workspace, { width: 1500, height: 900 });
  await window.openFile(file);
  await window.goTo(sample.line, sample.column);
});

afterAll(() => browser.close());

describe("Generate Solutions", () => {
  it("writes eight lanes beside the file", async () => {
    await window.runCommand("Octet: Generate Solutions");
    panel = await window.webview(".lane");
    expect(await panel.locator(".lane").count()).toBe(8);
    await until("every lane has ended and one is best", () => panel.locator(".lane.best").count(), 60_000);
    const texts = await panel.locator(".lane .text").allInnerTexts();
    expect(texts.filter((text) => text.trim() !== "").length).toBeGreaterThanOrEqual(4);
    expect(new Set(texts.map(words)).size).toBeGreaterThanOrEqual(2);
  });

  it("inserts one into the file", async () => {
    const best = panel.locator(".lane.best");
    const end = words(await best.locator(".text").innerText()).slice(-12);
    await best.hover();
    await best.locator("button.insert").click();
    await until("the file holds it", () => onDisk() !== sample.text && words(onDisk()).includes(end));
  });
});

describe("the latency panel", () => {
  it("shows the figures of the last request and its history", async () => {
    await window.runCommand("Octet: Show Latency");
    const view = await window.webview(".figures .hero");
    await until("milliseconds per token are shown", async () => /\d/.test(await view.locator(".figures .hero").innerText()));
    await until("a chart is drawn", () => view.locator("canvas").count());
  });
});

// The worker's life as the operating system sees it: one process, back after it was killed, there still when the window is loaded anew; and
// errors that tell the user what to do. How it ends: leaving.test.ts.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { pictureFailures } from "./failures";
import { kill, networkSockets, processes, runsIn, workerHosts, workers } from "./processes";
import { marked, typescript } from "./samples";
import { writeSettings, writeWorkspaceFile } from "./scratch";
import { until } from "./until";
import { CodeWindow, launchBrowser } from "./window";

const scratch = inject("scratch");
const sample = marked(typescript);
const running = () => workers(scratch.extensions);

let browser: Browser;
let window: CodeWindow;

pictureFailures(() => window);

beforeAll(async () => {
  writeWorkspaceFile(scratch, "lifecycle.ts", sample.text);
  for (const pid of [...workerHosts(scratch.extensions), ...running()]) kill(pid);  // which the windows of other files have left, and nobody uses
  browser = await launchBrowser();
  window = await CodeWindow.open(browser, inject("server"), scratch.workspace);
});

beforeEach(async () => {
  await window.openFile("lifecycle.ts");
  await window.goTo(sample.line, sample.column);
});

afterAll(async () => {
  writeSettings(scratch);
  await CodeWindow.end(browser, window);
});

const complete = (): Promise<string> => window.complete();

async function oneWorker(): Promise<number> {
  await until("there is one worker", () => running().length === 1, { tell: running });
  return running()[0] ?? 0;
}

describe("the worker", () => {
  it("is one process, with no socket of a network", async () => {
    await complete();
    const worker = await oneWorker();
    expect(networkSockets(worker) ?? []).toEqual([]);
  });

  it("is kept by a process with no socket of a network, for an extension host that holds none but those of VS Code's own server", async () => {
    await complete();
    const worker = await oneWorker();
    const found = processes().find(({ pid }) => pid === worker);
    expect(workerHosts(scratch.extensions)).toEqual([found?.parent]);
    expect(networkSockets(found?.parent ?? 0) ?? []).toEqual([]);
    const [host = 0, ...others] = processes().filter(({ pid, command }) => command.includes("type=extensionHost") && runsIn(pid, scratch.home)).map(({ pid }) => pid);
    expect(others).toEqual([]);
    const port = Number(new URL(inject("server")).port).toString(16).toUpperCase().padStart(4, "0");
    expect(host).toBeGreaterThan(1);
    expect((networkSockets(host) ?? []).filter((line) => !new RegExp(`^\\d+: [0-9A-F]+:${port} `).test(line.trim()))).toEqual([]);
  });

  it("comes back after it was killed", async () => {
    await complete();
    const before = await oneWorker();
    process.kill(before, "SIGKILL");
    await until("it is gone", () => !running().includes(before));
    expect(await complete()).not.toBe("");
    expect(await oneWorker()).not.toBe(before);
    expect(await window.notifications()).toEqual([]);
  });

  it("is there still, with its models, when the window is loaded anew", async () => {
    await complete();
    const before = await oneWorker();
    await window.reload();
    await window.openFile("lifecycle.ts");
    await window.goTo(sample.line, sample.column);
    expect(await complete()).not.toBe("");
    expect(running()).toEqual([before]);
  });
});

describe("a model file that is not there", () => {
  it("is named in a notification that offers what to do; put right, completions come again", async () => {
    await complete();
    writeSettings(scratch, { "octet.target": "/nowhere/model.gguf" });
    await until("a notification", async () => (await window.notifications()).some((text) => text.includes("/nowhere/model.gguf")), { tell: () => window.outline() });
    const buttons = await window.page.locator(".notification-toast .monaco-button").allInnerTexts();
    expect(buttons.join()).toMatch(/Choose Model.*Use Starter Model.*Show Log/s);
    expect(await window.statusText()).toContain("/nowhere/model.gguf");

    writeSettings(scratch);
    await until("the status bar is well again", async () => !(await window.statusText()).includes("/nowhere/model.gguf"), { tell: () => window.statusText() });
    expect(await complete()).not.toBe("");
  });
});

describe("the network", () => {
  it("is asked for nothing but VS Code's own server", () => {
    expect(window.requestsElsewhere()).toEqual([]);
  });
});

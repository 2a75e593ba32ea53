// Asking for completions where there are none: Alt+\\ and its command say why, every time.

import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import { pictureFailures } from "./failures";
import { marked, typescript } from "./samples";
import { writeSettings, writeWorkspaceFile } from "./scratch";
import { until } from "./until";
import { CodeWindow, launchBrowser } from "./window";

const scratch = inject("scratch");
const sample = marked(typescript.replace("|", "return { x: |"));
const file = "asking.ts";
const minified = "asking.js";
const long = "long.js";
const longer = "longer.js";
const empty = "nothing.ts";
const statement = "function add(a,b){return a+b}";
/** Of a line longer than those that are completed without being asked for. */
const beginning = `${statement.repeat(50)}function multiply(a,b){return `;
/** Of a line longer than VS Code draws. */
const behindDrawn = `${statement.repeat(415)}function multiply(a,b){return `;

let browser: Browser;
let window: CodeWindow;

pictureFailures(() => window);

beforeAll(async () => {
  writeWorkspaceFile(scratch, file, sample.text);
  writeWorkspaceFile(scratch, empty, "");
  writeWorkspaceFile(scratch, long, beginning);
  writeWorkspaceFile(scratch, longer, behindDrawn);
  writeWorkspaceFile(scratch, minified, `${statement.repeat(Math.ceil(36_000 / statement.length))}\n`);
  browser = await launchBrowser();
  window = await CodeWindow.open(browser, inject("server"), scratch.workspace);
});

afterEach(() => window.runCommand("Notifications: Clear All Notifications"));

afterAll(async () => {
  writeSettings(scratch);
  await CodeWindow.end(browser, window);
});

const told = (words: RegExp) =>
  until(`a notification says ${words}`, async () => (await window.notifications()).some((text) => words.test(text)), { tell: () => window.outline() });

describe("a minified line", () => {
  it("is completed where one asks; where nothing of that is seen, it is said why", async () => {
    await window.openFile(long);
    await window.goTo(1, beginning.length + 1);
    await window.press("Alt+\\");
    expect(await window.waitForGhostText()).not.toBe("");
    await window.press("Escape");
    await window.openFile(longer);
    await window.goTo(1, behindDrawn.length + 1);
    await window.press("Alt+\\");
    await until("the status bar says what to do", async () => (await window.page.locator(".part.statusbar").innerText()).includes("draws only the start of so long a line"), { tell: () => window.outline() });
    await window.press("Escape");
    await window.openFile(minified);
    await window.goTo(1, 30_001);
    await window.press("Alt+\\");
    await told(/line is too long: Octet completes the first 20,000 characters/);
  });
});

describe("an empty file", () => {
  it("has nothing to continue, and that is said each time", async () => {
    await window.openFile(empty);
    for (const _ of [1, 2]) {
      await window.runCommand("Octet: Trigger Inline Completions");
      await until("the status bar says so", async () => (await window.page.locator(".part.statusbar").innerText()).includes("nothing to add here"), { tell: () => window.outline() });
      expect(await window.notifications()).toEqual([]);
      await until("the status bar says so no more", async () => !(await window.page.locator(".part.statusbar").innerText()).includes("nothing to add here"));
    }
  });
});

describe("a read-only editor", () => {
  it("is named as the reason, also when asked again", async () => {
    await window.openFile(file);
    await window.goTo(sample.line, sample.column);
    await window.runCommand("File: Set Active Editor Read-only in Session");
    for (const _ of [1, 2]) {
      await window.runCommand("Octet: Trigger Inline Completions");
      await told(/may be read-only/);
      await window.runCommand("Notifications: Clear All Notifications");
    }
    await window.runCommand("File: Set Active Editor Writeable in Session");
  });
});

describe("settings that cannot work", () => {
  it("are told to who asks, though they were told before", async () => {
    await window.openFile(file);
    await window.goTo(sample.line, sample.column);
    await window.press("Alt+\\");
    expect(await window.waitForGhostText()).not.toBe("");
    writeSettings(scratch, { "octet.device": "nosuch" });
    await told(/no device "nosuch"/);
    for (const _ of [1, 2]) {
      await window.runCommand("Notifications: Clear All Notifications");
      await until("no notification", async () => (await window.notifications()).length === 0);
      await window.press("Escape", "Alt+\\");
      await told(/no device "nosuch"/);
    }
    expect(await window.statusText()).toContain("nosuch");
  });
});

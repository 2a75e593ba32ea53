// Generate Solutions and the latency panel: eight lanes grow beside the file, one is inserted, and the figures of it are shown.

import type { Browser, Frame } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { pictureFailures } from "./failures";
import { marked, python, typescript } from "./samples";
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
  for (const name of [file, "second.ts"]) writeWorkspaceFile(scratch, name, sample.text);
  browser = await launchBrowser();
  window = await CodeWindow.open(browser, inject("server"), scratch.workspace, { width: 1500, height: 900 });
  await window.openFile(file);
  await window.goTo(sample.line, sample.column);
});

afterAll(() => CodeWindow.end(browser, window));

const lane = (id: string) => panel.locator(`.lane[data-lane="${id}"]`);
const states = () => panel.locator(".lane").evaluateAll((cards) => cards.map((card) => card.textContent?.slice(0, 80)));

/** What lanes answer from now on: each answer goes after some seconds. */
const keepAnswers = () => panel.evaluate(() => {
  const answers: string[] = [];
  Object.assign(window, { answers });
  new MutationObserver(() => {
    for (const { textContent } of document.querySelectorAll(".state.note, .answer")) if (textContent && textContent !== answers.at(-1)) answers.push(textContent);
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
});
const answers = () => panel.evaluate(() => (window as unknown as { answers: string[] }).answers);

const panelOf = (name: string) => until(`the solutions of ${name} are shown`, async () => {
  for (const frame of window.page.frames()) if (await frame.locator(".origin .file", { hasText: name }).isVisible().catch(() => false)) return frame;
  return undefined;
});

describe("Generate Solutions", () => {
  it("writes eight lanes beside the file", async () => {
    await window.runCommand("Octet: Generate Solutions");
    panel = await window.webview(".lane");
    expect(await panel.locator(".lane").count()).toBe(8);
    await until("every lane has ended", async () => (await panel.locator(".lane:not([data-tone=live])").count()) === 8, { tell: states });
    await until("the best stands first", () => panel.locator(".lane:first-child.best").count(), { tell: states });
    const texts = await panel.locator(".lane .text .code").allInnerTexts();
    expect(texts.filter((text) => text.trim() !== "").length).toBeGreaterThanOrEqual(4);
    expect(new Set(texts.map(words)).size).toBeGreaterThanOrEqual(2);
  });

  it("inserts one into the file, once and whole", async () => {
    const id = (await panel.locator(".lane.best").getAttribute("data-lane")) ?? "";
    const text = words(await lane(id).locator(".text .code").innerText());
    expect(text).not.toBe("");
    await lane(id).locator("button.insert").click();
    const [before = "", after = ""] = typescript.split("|").map(words);
    await until("the file holds it", () => words(onDisk()) === before + text + after, {
      tell: async () => ({ text, file: onDisk(), lane: await lane(id).innerText(), ...(await window.outline()) }),
    });
  });
});

describe("Generate Solutions again", () => {
  it("says so where the editor is read-only, and inserts nothing", async () => {
    const before = onDisk();
    await window.runCommand("File: Set Active Editor Read-only in Session");
    await panel.locator(".lane:not(.best) button.insert:enabled").first().click();
    await until("the lane says why", async () => (await panel.locator("body").innerText()).includes("Nothing was inserted"), { tell: states });
    expect(onDisk()).toBe(before);
    await window.runCommand("File: Set Active Editor Writeable in Session");
  });

  it("takes the column that the other solutions are in", async () => {
    // Files open where the focus is, were that column not locked.
    await window.page.locator(".tab.active", { hasText: "Solutions:" }).click();
    await window.page.locator(".editor-group-container.active .tab.active", { hasText: "Solutions:" }).waitFor();
    await window.openFile("second.ts");
    await window.goTo(sample.line, sample.column);
    await window.runCommand("Octet: Generate Solutions");
    const title = window.page.locator(".tab.active", { hasText: "Solutions: second.ts" });
    await title.waitFor();
    expect(await window.page.locator(".editor-group-container").count()).toBe(2);
    expect(await window.page.locator(".tab.active", { hasText: /^second\.ts/ }).count()).toBe(1);
  });
});

describe("Generate Solutions between brackets that the editor closed", () => {
  const name = "brackets.py";
  const start = "        return self.items.get(";
  const text = python.replace("|", `${start}|)`);
  const place = marked(text);

  it("inserts one without the bracket doubled, another in its place, after an undo again, and two give the bracket back", async () => {
    const other = await panelOf("second.ts");
    await until("it has the focus, which it takes a little after it is there", () => other.evaluate(() => document.hasFocus()));
    writeWorkspaceFile(scratch, name, place.text);
    const now = () => words(readWorkspaceFile(scratch, name));
    await window.openFile(name);
    await window.goTo(place.line, place.column);
    await window.runCommand("Octet: Generate Solutions");
    await window.page.locator(".tab.active", { hasText: `Solutions: ${name}` }).waitFor();
    panel = await panelOf(name);
    await until("every lane has ended", async () => (await panel.locator(".lane:not([data-tone=live])").count()) === 8, { tell: states });
    await until("the best stands first", () => panel.locator(".lane:first-child.best").count(), { tell: states });
    await keepAnswers();
    const [before = "", after = ""] = text.split("|").map(words);
    const shown = panel.locator(".lane:not([hidden])").filter({ has: panel.locator("button.insert:enabled") });
    const ids = await shown.evaluateAll((cards) => cards.map((card) => (card as HTMLElement).dataset.lane ?? ""));
    const texts = (await shown.locator(".text .code").allInnerTexts()).map((code) => words(code).slice(words(start).length));
    const closing = texts.flatMap((code, at) => (/^[^()]*\)/.test(code) ? [at] : []));
    expect(closing.length, JSON.stringify(texts)).toBeGreaterThanOrEqual(2);
    const [first = 0, second = 0] = closing;
    const wholeOf = (at: number) => before + (texts[at] ?? "") + after.slice(1);
    const insert = async (at: number) => {
      await lane(ids[at] ?? "").locator("button.insert").click();
      await until("the file holds it", () => now() === wholeOf(at), {
        tell: async () => ({ text: texts[at], file: now(), answers: await answers(), ...(await window.outline()) }),
      });
    };
    await insert(first);
    await insert(second);
    const undo = async (...keys: string[]) => {
      await window.page.locator(".tab.active", { hasText: new RegExp(`^${name}`) }).click();
      await window.press(...keys);
    };
    await undo("Control+z");
    await until("the file holds the first again", () => now() === wholeOf(first), { tell: now });
    await insert(second);
    await undo("Control+z", "Control+z");
    await until("the file is as it was", () => now() === before + after, { tell: now });
  });
});

describe("the latency panel", () => {
  it("shows the figures of the last request and its history", async () => {
    await window.runCommand("Octet: Show Latency");
    const view = await window.webview(".figures .hero");
    await until("milliseconds per token are shown", async () => /\d/.test(await view.locator(".figures .hero").innerText()), { tell: () => view.locator("body").innerText() });
    await until("a chart is drawn", () => view.locator("canvas").count(), { tell: () => view.locator("body").innerText() });
  });
});

// Ghost text, as a user meets it: it appears while typing and when asked for, Tab takes it, Alt+] shows another.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { pictureFailures } from "./failures";
import { marked, typescript } from "./samples";
import { readWorkspaceFile, writeWorkspaceFile } from "./scratch";
import { until } from "./until";
import { CodeWindow, launchBrowser } from "./window";

const scratch = inject("scratch");
/** Past the line's indentation: where ghost text starts with a tab's width of blanks, VS Code's Tab key indents instead. */
const text = typescript.replace("|", "return { x: |");
const sample = marked(text);
let browser: Browser;
let window: CodeWindow;
let count = 0;

const word = marked(typescript.replace("|", "retu|"));

const file = (number: number) => `points${number}.ts`;

pictureFailures(() => window);

beforeAll(async () => {
  for (const number of [1, 2, 3]) writeWorkspaceFile(scratch, file(number), sample.text);
  writeWorkspaceFile(scratch, file(4), word.text);
  browser = await launchBrowser();
  window = await CodeWindow.open(browser, inject("server"), scratch.workspace);
});

beforeEach(async () => {
  await window.openFile(file(++count));
  const { line, column } = count === 4 ? word : sample;
  await window.goTo(line, column);
});

afterAll(() => CodeWindow.end(browser, window));

const onDisk = () => readWorkspaceFile(scratch, file(count));
const words = (written: string) => written.replace(/\s+/g, "");
const before = words(text.slice(0, text.indexOf("|")));

const holds = (ghost: string) =>
  until("the file holds it", () => words(onDisk()).startsWith(before + words(ghost)), { tell: async () => ({ ghost, file: onDisk(), ...(await window.outline()) }) });

describe("ghost text", () => {
  it("appears when it is asked for, and Tab takes it", async () => {
    await window.press("Alt+\\");
    const ghost = await window.waitForGhostText();
    await window.press("Tab");
    await holds(ghost);
  });

  it("appears while typing", async () => {
    const keys = [..."a.x - b.x, y: a.y"];
    await until("ghost text appears", async () => {
      await window.typeText(keys.shift() ?? " ");
      return window.waitForGhostText({ timeoutMs: 10_000 }).catch(() => "");
    }, { timeoutMs: 150_000, tell: () => window.outline() });
  });

  it("has a second, different candidate behind Alt+]", async () => {
    await window.press("Alt+\\");
    const first = await window.waitForGhostText();
    await window.press("Alt+]");
    const second = await window.waitForGhostText({ not: first });
    await window.press("Tab");
    await holds(second);
  });

  it("goes on with a word that is half typed, and Tab writes it whole", async () => {
    await window.press("Alt+\\");
    expect(await window.waitForGhostText()).toMatch(/^rn\b/);
    await window.press("Tab");
    await until("the word is whole", () => /^ {2}return\b/m.test(onDisk().split("\n")[word.line - 1] ?? ""), { tell: onDisk });
  });
});

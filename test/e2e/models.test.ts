// Choosing models in the window: what is offered, the terms before a download, and a pair that another tool has put on the
// disk, taken without any network.

import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { pictureFailures } from "./failures";
import { workers } from "./processes";
import { marked, typescript } from "./samples";
import { userSettings, writeWorkspaceFile } from "./scratch";
import { until } from "./until";
import { CodeWindow, launchBrowser } from "./window";

const scratch = inject("scratch");
const sample = marked(typescript);
const starters = path.resolve(import.meta.dirname, "../../models");
const cache = path.join(scratch.home, ".lmstudio/models/octet/starter");
const settingsText = () => (existsSync(userSettings(scratch)) ? readFileSync(userSettings(scratch), "utf8") : "");

let browser: Browser;
let window: CodeWindow;

pictureFailures(() => window);

beforeAll(async () => {
  mkdirSync(cache, { recursive: true });
  copyFileSync(path.join(starters, "octet-starter-6M-q8_0.gguf"), path.join(cache, "large.gguf"));
  copyFileSync(path.join(starters, "octet-starter-1M-draft-q8_0.gguf"), path.join(cache, "small.gguf"));
  writeWorkspaceFile(scratch, "models.ts", sample.text);
  browser = await launchBrowser();
  window = await CodeWindow.open(browser, inject("server"), scratch.workspace);
});

afterAll(async () => {
  await window.runCommand("Octet: Use the Starter Model");
  await until("the settings name no file of the cache", () => !settingsText().includes(cache), { tell: settingsText });
  rmSync(cache, { recursive: true, force: true });
  await CodeWindow.end(browser, window);
});

/** "" for a process that has left meanwhile. */
function mapped(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/maps`, "utf8");
  } catch {
    return "";
  }
}

const row = (text: RegExp) => window.page.locator(".quick-input-list .monaco-list-row").filter({ hasText: text }).first();

describe("Choose Models", () => {
  it("says of each pair what it takes, its licence, and whether it fits; the terms come before a download", async () => {
    await window.runCommand("Octet: Choose Models…");
    await row(/Starter pair/).waitFor();
    await row(/Qwen2\.5-Coder 1\.5B/).waitFor();
    expect((await row(/Qwen2\.5-Coder 1\.5B/).innerText()).replaceAll("\n", " ")).toMatch(/2\.2 GB to download · Apache-2\.0.*(Fits|Does not fit): needs [\d.]+ of [\d.]+ GB/s);
    await window.typeText("Coder 3B");
    await row(/Qwen2\.5-Coder 3B/).click();
    const dialog = window.page.locator(".monaco-dialog-box");
    await dialog.waitFor();
    const terms = await dialog.innerText();
    expect(terms).toMatch(/Download Qwen2\.5-Coder 3B/);
    expect(terms).toMatch(/3\.8 GB from huggingface\.co to .*octet\.octet/);
    expect(terms).toMatch(/Qwen Research Licence \(for research and evaluation only, not for commercial use\)/);
    await window.press("Escape");
    await dialog.waitFor({ state: "detached" });
  });

  it("offers what another tool has, with a draft that fits, and uses it where it is", async () => {
    await window.runCommand("Octet: Choose Models…");
    await row(/Starter pair/).waitFor();
    await window.typeText("large.gguf");
    await row(/large\.gguf.*LM Studio/s).click();
    await row(/No draft/).waitFor();
    await row(/small\.gguf.*LM Studio/s).click();
    const [target, draft] = [path.join(cache, "large.gguf"), path.join(cache, "small.gguf")];
    await until("the settings name the pair", () => settingsText().includes(target) && settingsText().includes(draft), { tell: settingsText });
    await window.openFile("models.ts");
    await window.goTo(sample.line, sample.column);
    expect(await window.complete()).not.toBe("");
    await until("the worker has the file open", () => workers(scratch.extensions).some((pid) => mapped(pid).includes(target)));
  });
});

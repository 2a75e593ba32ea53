// The packaged extension in a real VS Code: what it holds, that it starts, says so, and keeps a log.

import { execFileSync } from "node:child_process";
import path from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { contents } from "../../scripts/lib/vsix.mjs";
import { pictureFailures } from "./failures";
import { until } from "./until";
import { CodeWindow, launchBrowser } from "./window";

const root = path.resolve(import.meta.dirname, "../..");
const { workspace } = inject("scratch");
let browser: Browser;
let window: CodeWindow;

pictureFailures(() => window);

beforeAll(async () => {
  browser = await launchBrowser();
  window = await CodeWindow.open(browser, inject("server"), workspace);
});

afterAll(() => CodeWindow.end(browser, window));

describe("the packaged extension", () => {
  it("holds what it needs to run and nothing else", () => {
    const listed = execFileSync("unzip", ["-Z1", inject("vsix")], { encoding: "utf8" }).trim().split("\n");
    const renamed: Record<string, string> = { "README.md": "readme.md", "CHANGELOG.md": "changelog.md", "LICENSE": "LICENSE.txt" };
    const meant = [...contents().keys(), "package.json"].map((name) => `extension/${renamed[name] ?? name}`);
    expect(listed.sort()).toEqual([...meant, "extension.vsixmanifest", "[Content_Types].xml"].sort());
  });

  it("is what vsce would make of the source folder by .vscodeignore, but for what packaging adds", () => {
    const vsce = path.join(root, "scripts/packaging/node_modules/@vscode/vsce/vsce");
    const listed = execFileSync(process.execPath, [vsce, "ls", "--no-dependencies"], { cwd: root, encoding: "utf8" }).trim().split("\n");
    const added = (name: string) => name.startsWith("dist/llama/") || name === "THIRD_PARTY_NOTICES.txt";
    expect(listed.sort()).toEqual([...contents().keys(), "package.json"].filter((name) => !added(name)).sort());
  });

  it("shows its state in the status bar", async () => {
    expect(await window.statusText()).toMatch(/octet/i);
  });

  it("shows its log", async () => {
    await until("the log names Octet's version", async () => {
      await window.runCommand("Octet: Show Log");
      await window.page.waitForTimeout(2_000);
      return /Octet \d+\.\d+\.\d+/.test(await window.visibleLines(".part.panel"));
    });
  });

  it("finds its settings from its menu, which in a remote window are not under User", async () => {
    await window.octetStatus().click();
    await window.page.locator(".quick-input-list .monaco-list-row").first().waitFor();
    await window.typeText("Settings");
    await window.press("Enter");
    const found = window.page.locator(".settings-editor .settings-tree-container", { hasText: "Candidates" });
    await found.waitFor();
    await window.press("Escape");
  });

  it("has no error of its own in the window", () => {
    expect(window.errors).toEqual([]);
  });
});

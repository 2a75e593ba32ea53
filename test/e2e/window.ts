// A VS Code window in a headless Chromium, and what a user does in it.

import type { Browser, BrowserContext, Frame, Page } from "playwright-core";
import { browserPath, launch } from "../webview/harness";
import { until } from "./until";

/** What VS Code calls a webview's local files; a service worker answers, so the name is never looked up. */
const LOCAL_FILES = ".vscode-resource.vscode-cdn.net";

/** A slow machine opens the workbench in half a minute. */
const OPEN_MS = 90_000;

export const launchBrowser = (): Promise<Browser> => {
  if (browserPath === undefined) throw new Error("no Chromium was found: install it, or set CHROMIUM to its path");
  return launch(["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]);
};

export interface WindowOptions {
  width?: number;
  height?: number;
  theme?: "light" | "dark";
}

export class CodeWindow {
  readonly errors: string[] = [];

  private readonly requests: string[] = [];

  private constructor(private readonly context: BrowserContext, readonly page: Page, private readonly server: string) {
    context.on("request", (request) => this.requests.push(request.url()));
    page.on("websocket", (socket) => this.requests.push(socket.url()));
    page.on("pageerror", (error) => this.errors.push(error.message));
  }

  static async open(browser: Browser, server: string, folder: string, options: WindowOptions = {}): Promise<CodeWindow> {
    const { width = 1280, height = 800, theme = "dark" } = options;
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme });
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server });
    const window = new CodeWindow(context, await context.newPage(), server);
    await window.page.goto(`${server}/?folder=${encodeURIComponent(folder)}`);
    await window.ready();
    return window;
  }

  /** Until the workbench is there and its extensions have started. */
  private async ready(): Promise<void> {
    await this.page.locator(".monaco-workbench .part.statusbar").waitFor({ timeout: OPEN_MS });
    await this.octetStatus().waitFor({ timeout: OPEN_MS });
    await this.page.locator(".explorer-folders-view .monaco-list-row").first().waitFor({ timeout: OPEN_MS });
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.ready();
  }

  /** Closes the window as a user does: the page hears that it is unloaded. */
  async close(): Promise<void> {
    await this.page.goto("about:blank").catch(() => undefined);
    await this.context.close();
  }

  /** What the window asked of anything but its own server. */
  requestsElsewhere(): string[] {
    const { host } = new URL(this.server);
    return this.requests.filter((address) => {
      const url = new URL(address);
      return /^(https?|wss?):$/.test(url.protocol) && url.host !== host && !url.host.endsWith(LOCAL_FILES);
    });
  }

  octetStatus() {
    return this.page.locator('.statusbar-item[id^="octet."]').first();
  }

  /** Text and tooltip-like label of Octet's status bar item. */
  async statusText(): Promise<string> {
    const label = await this.octetStatus().locator("a").first().getAttribute("aria-label");
    return `${await this.octetStatus().innerText()} ${label ?? ""}`.trim();
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  async typeText(text: string, delayMs = 30): Promise<void> {
    await this.page.keyboard.type(text, { delay: delayMs });
  }

  private quickInput() {
    return this.page.locator(".quick-input-widget:not([style*='display: none']) .quick-input-box input");
  }

  /** Asks once more where the list came up before what is looked for was known: a command of an extension, a new file. */
  private async pick(prefix: string, text: string): Promise<void> {
    const row = this.page.locator(".quick-input-list .monaco-list-row").filter({ hasText: text }).first();
    await until(`${text} is offered`, async () => {
      await this.press("Escape", "F1");
      await this.quickInput().waitFor();
      await this.quickInput().fill(prefix + text);
      return row.waitFor({ timeout: 5_000 }).then(() => true, () => false);
    }, 60_000);
    await row.click();
    await this.page.mouse.move(400, 500);
  }

  /** Runs a command by its title in the command palette. */
  runCommand(title: string): Promise<void> {
    return this.pick(">", title);
  }

  async openFile(name: string): Promise<void> {
    await this.pick("", name);
    await this.page.locator(`.tabs-container .tab.active[data-resource-name="${name}"]`).waitFor();
    await this.page.locator(".editor-group-container.active .monaco-editor .view-lines").first().waitFor();
  }

  /** Puts the cursor at a line and column, both from 1. */
  async goTo(line: number, column = 1): Promise<void> {
    await this.press("F1");
    await this.quickInput().waitFor();
    await this.quickInput().fill(`:${line}:${column}`);
    await this.press("Enter");
    await this.quickInput().waitFor({ state: "hidden" });
  }

  /** The grey text that the editor shows, "" where there is none. */
  ghostText(): Promise<string> {
    return this.page.evaluate(() => {
      const inline = [...document.querySelectorAll(".view-lines [class*='ghost-text-decoration']")];
      const below = [...document.querySelectorAll(".view-zones .suggest-preview-text .view-line, .view-zones .ghost-text .view-line")];
      return [...inline, ...below].map((part) => (part.textContent ?? "").replaceAll("\u00a0", " ")).join("\n").trim();
    });
  }

  waitForGhostText(timeoutMs = 60_000): Promise<string> {
    return until("ghost text appears", () => this.ghostText(), timeoutMs);
  }

  /** The lines that an output channel or editor shows now. */
  async visibleLines(within: string): Promise<string> {
    const lines = await this.page.locator(`${within} .view-lines .view-line`).allInnerTexts();
    return lines.join("\n").replaceAll("\u00a0", " ");
  }

  notifications(): Promise<string[]> {
    return this.page.locator(".notification-toast .notification-list-item-message").allInnerTexts();
  }

  /** The frame with the document of one of Octet's views, found by what is in it. */
  webview(selector: string, timeoutMs = 30_000): Promise<Frame> {
    return until(`a view with ${selector} opens`, async () => {
      for (const frame of this.page.frames()) {
        if (await frame.locator(selector).count().catch(() => 0)) return frame;
      }
      return undefined;
    }, timeoutMs);
  }
}

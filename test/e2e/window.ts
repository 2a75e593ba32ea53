// A VS Code window in a headless Chromium, and what a user does in it.

import type { Browser, BrowserContext, Frame, Page } from "playwright-core";
import { browserPath, launch } from "../webview/harness";
import { until, USUAL_MS } from "./until";

/** What VS Code calls a webview's local files; a service worker answers, so the name is never looked up. */
const LOCAL_FILES = ".vscode-resource.vscode-cdn.net";

/** What the window answers at once, or not at all because it was busy. */
const ROW_MS = 8_000;

/** A slow machine opens the workbench in half a minute. */
const OPEN_MS = 150_000;

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
    context.setDefaultNavigationTimeout(OPEN_MS);
    context.setDefaultTimeout(USUAL_MS);
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

  /**
   * At the end of a file of tests. A browser that just goes away looks like a lost connection to the server, which then keeps
   * the window's extension host, and our worker with it, for minutes.
   */
  static async end(browser: Browser, window: CodeWindow | undefined): Promise<void> {
    await window?.close();
    await browser.close();
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

  /** Whether keys go to the text of a file. */
  private editorHasFocus(): Promise<boolean> {
    return this.page.evaluate(() => document.activeElement?.closest(".editor-group-container .monaco-editor") != null);
  }

  private quickInput() {
    return this.page.locator(".quick-input-widget:not([style*='display: none']) .quick-input-box input");
  }

  /** Asks once more where the list came up before what is looked for was known: a command of an extension, a new file. */
  private async pick(prefix: string, text: string): Promise<void> {
    const label = this.page.locator(".label-name").filter({ hasText: exactly(text) });
    const row = this.page.locator(".quick-input-list .monaco-list-row").filter({ has: label }).first();
    await until(`${text} is offered`, async () => {
      if (!(await this.ask(prefix + text))) return false;
      return row.click({ timeout: ROW_MS }).then(() => true, () => false);
    }, { timeoutMs: OPEN_MS, tell: () => this.page.locator(".quick-input-list .monaco-list-row").allInnerTexts() });
    await this.page.mouse.move(400, 500);
  }

  /** Opens the quick input with this text; false where it did not open: a busy window drops keys. */
  private async ask(text: string): Promise<boolean> {
    await this.press("Escape", "F1");
    return this.quickInput().waitFor({ timeout: ROW_MS }).then(() => this.quickInput().fill(text, { timeout: ROW_MS })).then(() => true, () => false);
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
    const offered = this.page.locator(".quick-input-list .monaco-list-row").filter({ hasText: new RegExp(`\\b${line}\\b`) }).first();
    const where = () => this.page.locator(".statusbar-item[id='status.editor.selection']").innerText({ timeout: ROW_MS }).catch(() => "");
    await until(`the cursor is at ${line}:${column}`, async () => {
      if (!(await this.ask(`:${line}:${column}`))) return false;
      if (!(await offered.waitFor({ timeout: ROW_MS }).then(() => true, () => false))) return false;
      await this.press("Enter");
      return until("the cursor is there", async () => (await where()) === `Ln ${line}, Col ${column}` && this.editorHasFocus(), { timeoutMs: ROW_MS }).catch(() => false);
    }, { tell: where });
  }

  /** The grey text that the editor shows, "" where there is none. */
  ghostText(): Promise<string> {
    return this.page.evaluate(() => {
      const inline = [...document.querySelectorAll(".view-lines [class*='ghost-text-decoration']")];
      const below = [...document.querySelectorAll(".view-zones .suggest-preview-text .view-line, .view-zones .ghost-text .view-line")];
      return [...inline, ...below].map((part) => (part.textContent ?? "").replaceAll("\u00a0", " ")).join("\n").trim();
    });
  }

  /** The ghost text once it is there and stays as it is; `not` is what was there before. */
  async waitForGhostText({ not = "", timeoutMs }: { not?: string; timeoutMs?: number } = {}): Promise<string> {
    let last = "";
    return until(not === "" ? "ghost text appears" : "other ghost text appears", async () => {
      const shown = await this.ghostText();
      const stays = shown === last && shown !== not;
      last = shown;
      return stays ? shown : "";
    }, { ...(timeoutMs === undefined ? {} : { timeoutMs }), everyMs: 250, tell: async () => ({ shown: last, ...(await this.outline()) }) });
  }

  /** Asks for completions at the cursor; the ghost text that comes. */
  async complete(): Promise<string> {
    await this.press("Escape", "Alt+\\");
    return this.waitForGhostText();
  }

  /** What else the window shows, to understand a failure by. */
  async outline(): Promise<Record<string, unknown>> {
    return { status: await this.statusText(), notifications: await this.notifications(), editorHasFocus: await this.editorHasFocus() };
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
  webview(selector: string): Promise<Frame> {
    return until(`a view with ${selector} opens`, async () => {
      for (const frame of this.page.frames()) {
        if (await frame.locator(selector).count().catch(() => 0)) return frame;
      }
      return undefined;
    }, { timeoutMs: OPEN_MS });
  }
}

const exactly = (text: string): RegExp => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);

// A view in a real Chromium, as VS Code would show it: the bundle from its own sources, the Content-Security-Policy of
// the panel, a theme's variables, and a host that the test plays. Nothing is fetched from any network.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";

const root = rootAbove(path.dirname(fileURLToPath(import.meta.url)));
const here = path.join(root, "test/webview");
const ORIGIN = "http://view.test";
const NONCE = "6d1f0c1b9a5e4d27";

const BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-quic",
  "--no-first-run",
];

export type ViewName = "solutions" | "latency";
export type Theme = "dark" | "light" | "contrast";

/** The browser to test in, from $CHROMIUM or the usual places; undefined where there is none. */
export const browserPath = [process.env.CHROMIUM ?? "", ...BROWSERS].find((file) => file !== "" && existsSync(file));

export const launch = (flags: string[] = []): Promise<Browser> =>
  chromium.launch({ executablePath: browserPath, args: [...FLAGS, ...flags] });

/** The repository's root, wherever in it this file or a bundle of it lies. */
function rootAbove(folder: string): string {
  return existsSync(path.join(folder, "protocol/webview.ts")) ? folder : rootAbove(path.dirname(folder));
}

const bundles = new Map<ViewName, Promise<{ script: string; style: string }>>();

function bundle(view: ViewName): Promise<{ script: string; style: string }> {
  let made = bundles.get(view);
  if (!made) bundles.set(view, (made = bundleNow(view)));
  return made;
}

async function bundleNow(view: ViewName): Promise<{ script: string; style: string }> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [`webview/${view}/main.ts`],
    outfile: `${view}.js`,
    bundle: true,
    platform: "browser",
    format: "iife",
    target: "chrome128",
    minify: true,
    write: false,
    logLevel: "error",
  });
  const text = (extension: string) => outputFiles.find((file) => file.path.endsWith(extension))?.text ?? "";
  return { script: text(".js"), style: text(".css") };
}

// The host's page. The last script is there to be refused: it has no nonce.
const html = (view: ViewName, theme: Theme): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${ORIGIN}; script-src 'nonce-${NONCE}'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/theme.css">
<link rel="stylesheet" href="/${view}.css">
<title>${view}</title>
</head>
<body class="${{ dark: "vscode-dark", light: "vscode-light", contrast: "vscode-dark vscode-high-contrast" }[theme]}">
<div id="root"></div>
<script nonce="${NONCE}" src="/host.js"></script>
<script nonce="${NONCE}" src="/${view}.js"></script>
<script>window.withoutNonce = true;</script>
</body>
</html>`;

const HOST = `
window.posted = [];
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective + " " + event.blockedURI));
window.acquireVsCodeApi = () => ({
  postMessage: (message) => window.posted.push(message),
  getState: () => window.memory,
  setState: (state) => { window.memory = state; },
});`;

declare global {
  interface Window {
    posted: unknown[];
    violations: string[];
    memory: unknown;
    withoutNonce?: boolean;
  }
}

export interface OpenOptions {
  view: ViewName;
  theme?: Theme;
  width?: number;
  height?: number;
  reducedMotion?: boolean;
  forcedColours?: boolean;
}

/** A view that is open, seen from its host. */
export class View<In, Out> {
  constructor(readonly page: Page) {}

  async post(...messages: In[]): Promise<void> {
    await this.page.evaluate((all) => all.forEach((message) => window.postMessage(message, "*")), messages);
    await this.frames(6);
  }

  posted(): Promise<Out[]> {
    return this.page.evaluate(() => window.posted as Out[]);
  }

  /** The messages posted since the last call. */
  async takePosted(): Promise<Out[]> {
    return this.page.evaluate(() => window.posted.splice(0) as Out[]);
  }

  frames(count: number): Promise<void> {
    return this.page.evaluate(async (n) => {
      for (let i = 0; i < n; i++) await new Promise((resolve) => requestAnimationFrame(resolve));
    }, count);
  }
}

export async function open<In, Out>(browser: Browser, options: OpenOptions): Promise<View<In, Out>> {
  const { view, theme = "dark", width = 1240, height = 760, reducedMotion = false, forcedColours = false } = options;
  const context = await browser.newContext({ viewport: { width, height }, reducedMotion: reducedMotion ? "reduce" : "no-preference", forcedColors: forcedColours ? "active" : "none" });
  const page = await context.newPage();
  const { script, style } = await bundle(view);
  const files: Record<string, [string, string]> = {
    "/": ["text/html", html(view, theme)],
    "/host.js": ["text/javascript", HOST],
    "/theme.css": ["text/css", readFileSync(path.join(here, "themes", `${theme}.css`), "utf8")],
    [`/${view}.js`]: ["text/javascript", script],
    [`/${view}.css`]: ["text/css", style],
  };
  await page.route("**/*", (route) => {
    const file = files[new URL(route.request().url()).pathname];
    return file ? route.fulfill({ contentType: file[0], body: file[1] }) : route.abort();
  });
  page.on("pageerror", (error) => console.error(`${view}: ${error.stack ?? error.message}`));
  await page.goto(`${ORIGIN}/`);
  return new View<In, Out>(page);
}

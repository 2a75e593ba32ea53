// A server that is stopped while a window is open: no worker outlives it. With folders and a server of its own.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { pictureFailures } from "./failures";
import { workers } from "./processes";
import { marked, typescript } from "./samples";
import { makeScratch, removeScratch, writeSettings, writeWorkspaceFile } from "./scratch";
import { install, Server } from "./server";
import { until } from "./until";
import { CodeWindow, launchBrowser } from "./window";

const scratch = makeScratch();
const sample = marked(typescript);
const running = () => workers(scratch.extensions);

let browser: Browser;
let server: Server;
let window: CodeWindow | undefined;

pictureFailures(() => window);

beforeAll(async () => {
  writeSettings(scratch);
  writeWorkspaceFile(scratch, "stop.ts", sample.text);
  await install(scratch, inject("vsix"));
  server = await Server.start(scratch, { OCTET_LINGER_MS: "1000" });
  browser = await launchBrowser();
  window = await CodeWindow.open(browser, server.url, scratch.workspace);
});

afterAll(async () => {
  await browser.close();
  await server.stop();
  removeScratch(scratch);
});

it("stopping the server alone leaves no worker", async () => {
  await window?.openFile("stop.ts");
  await window?.goTo(sample.line, sample.column);
  await window?.press("Escape", "Alt+\\");
  expect(await window?.waitForGhostText()).not.toBe("");
  expect(running()).toHaveLength(1);
  await server.askToLeave();
  await until("the worker leaves", () => running().length === 0, { tell: running });
});

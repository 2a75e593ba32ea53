// What is left of the worker when windows go: nothing, whether one of two is closed, the last, or VS Code's server is stopped. With folders
// and a server of its own, whose workers nobody uses stay for a second.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { pictureFailures } from "./failures";
import { workerHosts, workers } from "./processes";
import { marked, typescript } from "./samples";
import { makeScratch, removeScratch, writeSettings, writeWorkspaceFile } from "./scratch";
import { install, Server } from "./server";
import { until } from "./until";
import { CodeWindow, launchBrowser } from "./window";

const scratch = makeScratch();
const sample = marked(typescript);
const running = () => workers(scratch.extensions);
const hosts = () => workerHosts(scratch.extensions);

let browser: Browser | undefined;
let server: Server | undefined;
let first: CodeWindow;
let window: CodeWindow | undefined;

pictureFailures(() => window);

beforeAll(async () => {
  writeSettings(scratch);
  writeWorkspaceFile(scratch, "leaving.ts", sample.text);
  await install(scratch, inject("vsix"));
  server = await Server.start(scratch, { OCTET_LINGER_MS: "1000" });
  browser = await launchBrowser();
  first = await open();
});

afterAll(async () => {
  try {
    await browser?.close();
  } finally {
    await server?.stop();
    removeScratch(scratch);
  }
});

/** A window in which a completion was shown. */
async function open(): Promise<CodeWindow> {
  const opened = await CodeWindow.open(browser!, server!.url, scratch.workspace);
  window = opened;
  await opened.openFile("leaving.ts");
  await opened.goTo(sample.line, sample.column);
  expect(await opened.complete()).not.toBe("");
  return opened;
}

const tell = () => ({ workers: running(), hosts: hosts() });

/** The one worker, and who keeps it for all windows. */
async function sharedWorker(): Promise<number> {
  await until("there is one worker, and one that keeps it", () => running().length === 1 && hosts().length === 1, { tell });
  return running()[0] ?? 0;
}

it("a second window is served by the same worker, or by one of its own where that is set; each goes with its window", async () => {
  const before = await sharedWorker();
  const second = await open();
  try {
    expect(running()).toEqual([before]);

    writeSettings(scratch, { "octet.shareModels": false });
    await until("each window has its own", async () => {
      await second.complete();
      await first.complete();
      return running().length === 2 && !running().includes(before);
    }, { tell });
    await until("nobody keeps workers", () => hosts().length === 0, { tell });
  } finally {
    writeSettings(scratch);
    await second.close();
  }
  await until("one worker again", async () => {
    await first.complete();
    return running().length === 1 && hosts().length === 1;
  }, { tell });
});

it("closing the window leaves no worker, and nobody to keep one", async () => {
  if (window !== first) await window?.close();  // which a case before has left, where it failed
  await first.complete();
  await sharedWorker();
  await first.close();
  await until("the worker leaves", () => running().length + hosts().length === 0, { tell });
});

it("stopping the server alone leaves no worker", async () => {
  await open();
  await sharedWorker();
  await server?.askToLeave();
  await until("the worker leaves", () => running().length + hosts().length === 0, { tell });
});

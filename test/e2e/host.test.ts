// The host suite (test/host) beside the packaged extension: what the extension host sees of it, and from key press to ghost text.
// With folders and a server of its own.

import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { bundleHostTests, hostTests } from "../../scripts/lib/hostTests.mjs";
import type { HostResult } from "../host/harness";
import { pictureFailures } from "./failures";
import { makeScratch, removeScratch, writeSettings } from "./scratch";
import { install, Server } from "./server";
import { until } from "./until";
import { CodeWindow, launchBrowser } from "./window";

/** Half a minute on a quiet machine. */
const SUITE_MS = 480_000;
const RUNNER = "octet.octet-host-tests";

const scratch = makeScratch();
const results = path.join(scratch.root, "results.jsonl");

let browser: Browser | undefined;
let server: Server | undefined;
let window: CodeWindow | undefined;

pictureFailures(() => window);

/** Beside what is installed, and listed with it: VS Code starts only what is. */
function addRunner(): void {
  const relativeLocation = `${RUNNER}-0.0.1`;
  const location = path.join(scratch.extensions, relativeLocation);
  cpSync(hostTests.runner, location, { recursive: true });
  const list = path.join(scratch.extensions, "extensions.json");
  const installed = JSON.parse(readFileSync(list, "utf8")) as unknown[];
  const entry = { identifier: { id: RUNNER }, version: "0.0.1", location: { $mid: 1, path: location, scheme: "file" }, relativeLocation };
  writeFileSync(list, JSON.stringify([...installed, entry]));
}

interface Entry {
  line?: string;
  error?: string;
  results?: HostResult[];
}

const written = (): Entry[] =>
  (existsSync(results) ? readFileSync(results, "utf8") : "").split("\n").slice(0, -1).map((line) => JSON.parse(line) as Entry);

beforeAll(async () => {
  // Its cases change the settings of the user, so the workspace sets none of Octet's.
  writeSettings(scratch, { "octet.seed": undefined, "octet.draftLength": undefined });
  await install(scratch, inject("vsix"));
  await bundleHostTests();
  addRunner();
  server = await Server.start(scratch, { OCTET_HOST_RESULTS: results });
  browser = await launchBrowser();
  window = await CodeWindow.open(browser, server.url, scratch.workspace);
});

afterAll(async () => {
  await window?.close();
  await browser?.close();
  await server?.stop();
  removeScratch(scratch);
});

it("every case of the host suite passes", async () => {
  const ended = await until("the suite ends", () => written().find((entry) => entry.results ?? entry.error), { timeoutMs: SUITE_MS, everyMs: 500, tell: written });
  const lines = written().flatMap(({ line }) => line ?? []);
  console.log(lines.join("\n"));
  expect(ended.error).toBeUndefined();
  expect(ended.results?.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(ended.results?.length).toBeGreaterThan(15);
}, SUITE_MS + 30_000);

// Runs test/host inside a VS Code: code-server in a headless Chromium, or with `--desktop` the VS Code that
// @vscode/test-electron downloads (VSCODE_PATH: one that is there already). Expects `npm run build` to have run.
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as esbuild from "esbuild";
import { codeServer, codeServerIsThere, installCodeServer } from "./lib/codeServer.mjs";
import { librariesFolder } from "./lib/llama.mjs";
import { Failure, root, script } from "./lib/run.mjs";

const out = path.join(root, "build/host");
const smallPair = { OCTET_SHIPPED_PAIR: "small" };
const START_MS = 120_000;
const RUN_MS = 10 * 60_000;

/** `run.js` exports run(); `runner/` is an extension that runs the suite. */
async function bundle() {
  const options = { absWorkingDir: root, bundle: true, platform: "node", format: "cjs", target: "node20", external: ["vscode"], mainFields: ["module", "main"], sourcemap: "inline" };
  await esbuild.build({ ...options, entryPoints: ["test/host/run.ts"], outfile: path.join(out, "run.js") });
  await esbuild.build({ ...options, entryPoints: ["test/host/runner/extension.ts"], outfile: path.join(out, "runner/extension.js") });
  cpSync(path.join(root, "test/host/runner/package.json"), path.join(out, "runner/package.json"));
}

async function desktop() {
  const { runTests } = await import("@vscode/test-electron");
  const folder = mkdtempSync(path.join(tmpdir(), "octet-host-"));
  const given = process.env.VSCODE_PATH;
  await runTests({
    ...(given ? { vscodeExecutablePath: given } : {}),
    extensionDevelopmentPath: root,
    extensionTestsPath: path.join(out, "run.js"),
    extensionTestsEnv: smallPair,
    launchArgs: [folder, "--disable-extensions", "--disable-workspace-trust"],
  });
}

function stage(folder) {
  const extension = path.join(folder, "extensions/octet.octet-0.1.0");
  for (const name of ["package.json", "dist", "models", "media"]) cpSync(path.join(root, name), path.join(extension, name), { recursive: true });
  const libraries = path.join(extension, "dist/llama");
  if (!existsSync(libraries)) symlinkSync(librariesFolder(), libraries);
  cpSync(path.join(out, "runner"), path.join(folder, "extensions/octet.octet-host-tests-0.0.1"), { recursive: true });
  const settings = { "workbench.startupEditor": "none", "telemetry.telemetryLevel": "off", "extensions.autoUpdate": false };
  mkdirSync(path.join(folder, "data/data/User"), { recursive: true });
  writeFileSync(path.join(folder, "data/data/User/settings.json"), JSON.stringify(settings));
  mkdirSync(path.join(folder, "workspace"));
}

async function server() {
  if (!codeServerIsThere()) await installCodeServer();
  const { chromium } = await import("playwright-core");
  const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((file) => file && existsSync(file));
  if (!executablePath) throw new Failure("no Chromium was found: install it, or set CHROMIUM to its path");
  const folder = mkdtempSync(path.join(tmpdir(), "octet-host-"));
  stage(folder);
  const results = path.join(folder, "results.jsonl");
  const port = await freePort();
  const args = [
    codeServer.main, "--host", "127.0.0.1", "--port", String(port), "--without-connection-token", "--accept-server-license-terms",
    "--disable-workspace-trust", "--extensions-dir", path.join(folder, "extensions"), "--server-data-dir", path.join(folder, "data"),
  ];
  const child = spawn(codeServer.node, args, { env: { ...process.env, ...smallPair, EXTENSIONS_GALLERY: "{}", OCTET_HOST_RESULTS: results }, stdio: "ignore", detached: true });
  let browser;
  try {
    const url = `http://127.0.0.1:${port}`;
    await until("VS Code's server answers", START_MS, () => fetch(`${url}/version`).then((reply) => reply.ok, () => false));
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
    const page = await browser.newPage();
    await page.goto(`${url}/?folder=${encodeURIComponent(path.join(folder, "workspace"))}`);
    await until("the suite starts", START_MS, () => existsSync(results));
    const failed = await follow(results);
    if (failed > 0) throw new Failure(`${failed} cases failed`);
  } finally {
    await browser?.close();
    try {
      process.kill(-child.pid, "SIGTERM");
    } catch {
      // It has left by itself.
    }
    await sleep(1_000);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 500 });
  }
}

/** Prints the results as they come; the number of failed cases. */
async function follow(file) {
  let failed = 0;
  let seen = 0;
  let done = false;
  await until("the suite ends", RUN_MS, () => {
    const entries = readFileSync(file, "utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line));
    for (const { line, error, results } of entries.slice(seen)) {
      if (line) console.log(line);
      if (error) throw new Failure(error);
      if (results) [failed, done] = [results.filter((result) => result.error !== undefined).length, true];
    }
    seen = entries.length;
    return done;
  });
  return failed;
}

async function until(what, ms, holds) {
  for (const end = Date.now() + ms; !(await holds()); await sleep(200)) {
    if (Date.now() > end) throw new Failure(`${what}: not within ${ms / 1000} s`);
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject).listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

await script("test-host", async () => {
  await bundle();
  await (process.argv.includes("--desktop") ? desktop() : server());
});

// Runs test/host inside a VS Code: the packaged extension in code-server and a headless Chromium (test/e2e/host.test.ts), or with
// `--desktop` the source folder in the VS Code that @vscode/test-electron downloads (VSCODE_PATH: one that is there already).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Failure, optionsOf, root, run, script } from "./lib/run.mjs";
import { setup } from "./setup.mjs";

async function desktop() {
  // Packages: in a bare clone they are there after the setup only.
  const { runTests } = await import("@vscode/test-electron");
  const { bundleHostTests, hostTests } = await import("./lib/hostTests.mjs");
  const folder = mkdtempSync(path.join(tmpdir(), "octet-host-"));
  const given = process.env.VSCODE_PATH;
  await bundleHostTests();
  try {
    await runTests({
      ...(given ? { vscodeExecutablePath: given } : {}),
      extensionDevelopmentPath: root,
      extensionTestsPath: hostTests.run,
      extensionTestsEnv: { OCTET_SHIPPED_PAIR: "small" },
      launchArgs: [folder, "--disable-extensions", "--disable-workspace-trust"],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function server() {
  const { code } = await run(process.execPath, ["node_modules/vitest/vitest.mjs", "run", "--project", "e2e", "test/e2e/host.test.ts"], { show: true });
  if (code !== 0) throw new Failure("the host suite failed");
}

await script("test-host", async () => {
  const { desktop: isDesktop = false } = optionsOf({ desktop: { type: "boolean" } });
  await setup({ browser: !isDesktop });
  await (isDesktop ? desktop() : server());
});

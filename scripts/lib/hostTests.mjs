// Bundles test/host: `run.js` exports run(), as @vscode/test-electron wants it; `runner/` is an extension that runs the suite.
import { cpSync } from "node:fs";
import path from "node:path";
import * as esbuild from "esbuild";
import { root } from "./run.mjs";

const out = path.join(root, "build/host");
export const hostTests = { run: path.join(out, "run.js"), runner: path.join(out, "runner") };

export async function bundleHostTests() {
  const options = { absWorkingDir: root, bundle: true, platform: "node", format: "cjs", target: "node20", external: ["vscode"], mainFields: ["module", "main"], sourcemap: "inline" };
  await esbuild.build({ ...options, entryPoints: ["test/host/run.ts"], outfile: hostTests.run });
  await esbuild.build({ ...options, entryPoints: ["test/host/runner/extension.ts"], outfile: path.join(hostTests.runner, "extension.js") });
  cpSync(path.join(root, "test/host/runner/package.json"), path.join(hostTests.runner, "package.json"));
}

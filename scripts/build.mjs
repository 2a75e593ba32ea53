// Bundles the TypeScript: dist/extension.js, dist/cli.js, dist/worker.js, dist/workerHost.js, and each view's script and style sheet in
// dist/webview. `--watch` rebuilds on change.
import { chmodSync, existsSync, readFileSync } from "node:fs";
import path from "node:path";
import * as esbuild from "esbuild";
import { optionsOf, root, script } from "./lib/run.mjs";

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  sourcemap: true,
  sourcesContent: false,
  logLevel: "warning",
  mainFields: ["module", "main"],
};

const view = { platform: "browser", format: "iife", target: "chrome128" };

const bundles = [
  { entryPoints: ["extension/extension.ts"], outfile: "dist/extension.js", external: ["vscode"] },
  {
    entryPoints: ["extension/cli/main.ts"],
    outfile: "dist/cli.js",
    banner: { js: "#!/usr/bin/env node" },
    // The packaged extension holds the command line and no examples.
    define: { OCTET_BENCH_PROMPT: JSON.stringify(readFileSync(path.join(root, "examples/bench-prompt.ts"), "utf8")) },
    executable: true,
  },
  { entryPoints: ["native/worker/main.ts"], outfile: "dist/worker.js", external: ["*.node"] },
  { entryPoints: ["extension/worker/shared/main.ts"], outfile: "dist/workerHost.js" },
  { entryPoints: ["webview/solutions/main.ts"], outfile: "dist/webview/solutions.js", ...view },
  { entryPoints: ["webview/latency/main.ts"], outfile: "dist/webview/latency.js", ...view },
];

async function build({ watch = false }) {
  for (const { executable, ...bundle } of bundles) {
    const [entry] = bundle.entryPoints;
    if (!existsSync(path.join(root, entry))) {
      console.error(`build: ${entry} is missing`);
      process.exitCode = 1;
      continue;
    }
    const options = { ...common, ...bundle, ...(bundle.platform === "browser" ? { minify: !watch, sourcemap: watch } : {}) };
    try {
      if (watch) {
        await (await esbuild.context(options)).watch();
      } else {
        await esbuild.build(options);
      }
      if (executable) chmodSync(path.join(root, bundle.outfile), 0o755);
    } catch {
      process.exitCode = 1; // esbuild has printed the errors
    }
  }
}

await script("build", () => build(optionsOf({ watch: { type: "boolean" } })));

// Runs a TypeScript program of this repository: node scripts/run-ts.mjs FILE [ARGUMENT...]
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const [file, ...args] = process.argv.slice(2);
if (!file) {
  console.error("usage: node scripts/run-ts.mjs FILE [ARGUMENT...]");
  process.exit(2);
}
if (!existsSync(file)) {
  console.error(`run-ts: there is no file ${file}`);
  process.exit(2);
}
const outfile = path.join(root, ".cache/run-ts", `${path.basename(file, ".ts")}.mjs`);
await esbuild.build({ entryPoints: [file], outfile, bundle: true, platform: "node", format: "esm", packages: "external", logLevel: "error" });
process.exit(spawnSync(process.execPath, [outfile, ...args], { stdio: "inherit" }).status ?? 1);

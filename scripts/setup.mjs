// From a bare clone to something that runs: system packages, npm packages, llama.cpp's headers, native addon, bundles. Uses
// Node's own modules only, since nothing else is there yet; does only what is missing. `--tests` builds the native tests too.
import { existsSync, statSync, utimesSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { fetchHeaders, headersAreThere } from "./fetch-llama-headers.mjs";
import { buildAddon, buildNativeTests } from "./build-native.mjs";
import { must, optionsOf, root, script, step } from "./lib/run.mjs";
import { checkNode, ensurePrograms } from "./lib/system.mjs";

export async function setup(options = {}) {
  await preparePackages(options);
  await buildAll(options);
}

/** Afterwards the repository's packages can be imported. */
export async function preparePackages({ tests = false, browser = false } = {}) {
  checkNode();
  console.log("Octet: preparing");
  await step("system packages", () => ensurePrograms({ tests, browser }));
  if (!packagesAreThere()) await step("npm packages", installPackages);
}

/** What takes minutes from a bare clone. */
export async function buildAll({ tests = false } = {}) {
  if (!headersAreThere()) await step("llama.cpp headers", fetchHeaders);
  await step("native addon", buildAddon);
  if (tests) await step("native tests", buildNativeTests);
  await step("bundles", () => must("the bundles do not build", process.execPath, ["scripts/build.mjs"]));
}

/** npm writes this file last, so it is older than the lock file where that has changed since. */
const installed = path.join(root, "node_modules/.package-lock.json");

function packagesAreThere() {
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(path.join(root, "package-lock.json")).mtimeMs;
}

async function installPackages() {
  await must("cannot install the npm packages", "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
  utimesSync(installed, new Date(), new Date());
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await script("setup", () => setup(optionsOf({ tests: { type: "boolean" } })));
}

// The licences of others' work in the packaged extension: npm packages that the bundles hold, llama.cpp, and what the addon is
// compiled with; and NVIDIA's, where the CUDA runtime is packaged. A package without a licence text is an error: it may not be passed on.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { cudaLibrary, cudaRuntimeNotice } from "./cudaLibrary.mjs";
import { gpuPlatform, headersFolder, llamaPlatform, sourcePackage } from "./llama.mjs";
import { Failure, root } from "./run.mjs";

/** @typedef {{ name: string, version: string, licence: string, text: string }} Notice */

/** llama.cpp's own licence, from the release that its libraries were built from. */
export const llamaLicence = path.join(headersFolder, "LICENSE");

const readJson = (file) => JSON.parse(readFileSync(file, "utf8"));

/** Every npm package whose code may be in the VSIX: the manifest's dependencies, theirs, and the addon's; what else is linked. @returns {Notice[]} */
export function notices({ cuda = existsSync(cudaLibrary) } = {}) {
  const found = new Map();
  const libraries = [llamaPlatform(), gpuPlatform()].filter(Boolean).map((platform) => `@node-llama-cpp/${platform}`);
  const wanted = [...Object.keys(readJson(path.join(root, "package.json")).dependencies), "node-addon-api", ...libraries]
    .map((name) => ({ name, from: root }));
  for (let next = wanted.pop(); next; next = wanted.pop()) {
    const folder = folderOf(next.name, next.from);
    if (found.has(folder)) continue;
    const { name, version, license, dependencies = {} } = readJson(path.join(folder, "package.json"));
    found.set(folder, { name, version, licence: String(license), text: licenceText(folder, name) });
    for (const dependency of Object.keys(dependencies)) wanted.push({ name: dependency, from: folder });
  }
  if (!existsSync(llamaLicence)) throw new Failure("llama.cpp's licence is missing: run npm run setup");
  found.set("llama.cpp", { name: "llama.cpp", version: `of node-llama-cpp ${sourcePackage.version}`, licence: "MIT", text: readFileSync(llamaLicence, "utf8") });
  if (cuda) found.set(cudaRuntimeNotice.name, cudaRuntimeNotice);
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

export function noticesText(options = {}) {
  const rule = "=".repeat(80);
  const parts = notices(options).map(({ name, version, licence, text }) => `${rule}\n${name} ${version} (${licence})\n${rule}\n\n${text.trim()}\n`);
  return `Octet holds work of others, under these licences.\n\n${parts.join("\n")}`;
}

/** As Node.js looks packages up: from the package that needs it outwards. */
function folderOf(name, from) {
  const folder = createRequire(path.join(from, "package.json")).resolve.paths(name)
    .map((at) => path.join(at, name))
    .find((at) => existsSync(path.join(at, "package.json")));
  if (!folder) throw new Failure(`${name} is not installed: npm ci installs it, unless the npm registry lacks it`);
  return folder;
}

function licenceText(folder, name) {
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  if (!file) throw new Failure(`${name} comes without a licence text`);
  return readFileSync(path.join(folder, file), "utf8");
}

// What a packaged extension holds, for which platforms, and where each file of it comes from.
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { cudaLibrary } from "./cudaLibrary.mjs";
import { gpuLibraries, librariesFolder } from "./llama.mjs";
import { llamaLicence } from "./notices.mjs";
import { Failure, root } from "./run.mjs";

/** VS Code's names of the platforms that llama.cpp's libraries come for. */
export const targets = ["linux-x64", "linux-arm64", "darwin-arm64", "darwin-x64", "win32-x64", "win32-arm64"];

/** The native addon is built for the machine that builds it: a target other than this machine's is refused. */
export function chosenTarget(wanted = `${process.platform}-${process.arch}`) {
  const here = `${process.platform}-${process.arch}`;
  if (!targets.includes(wanted)) throw new Failure(`there is no target ${wanted}; there are: ${targets.join(", ")}`);
  if (wanted !== here) throw new Failure(`${wanted} is packaged on a ${wanted} machine: the native addon of this one is for ${here}`);
  return wanted;
}

export const vsixFile = (target) => path.join(root, `build/octet-${target}.vsix`);

/** Made by packaging. */
export const noticesFile = path.join(root, "build/THIRD_PARTY_NOTICES.txt");

/** Says the same as {@link contents}, for whoever runs vsce himself. */
export const ignoreFile = ".vscodeignore";

const bundles = ["extension.js", "worker.js", "workerHost.js", "cli.js", "octet.node"];
const views = ["latency.css", "latency.js", "solutions.css", "solutions.js"];

/**
 * Every file of the extension but its manifest: path in the extension → path on this machine.
 * @returns {Map<string, string>}
 */
export function contents() {
  const same = (folder, names) => names.map((name) => [`${folder}${name}`, path.join(root, folder, name)]);
  const libraries = librariesFolder();
  return new Map([
    ...same("", ["README.md", "CHANGELOG.md", "LICENSE"]),
    ["THIRD_PARTY_NOTICES.txt", noticesFile],
    ...same("dist/", bundles),
    ...(existsSync(cudaLibrary) ? same("dist/", [path.basename(cudaLibrary)]) : []),
    ...same("dist/webview/", views),
    ...readdirSync(libraries).filter(isLibrary).map((name) => [`dist/llama/${name}`, path.join(libraries, name)]),
    ...gpuLibraries().map((file) => [`dist/llama/${path.basename(file)}`, file]),
    ["dist/llama/LICENSE", llamaLicence],
    ...same("models/", readdirSync(path.join(root, "models")).filter((name) => name.endsWith(".gguf") || name === "README.md")),
    ...same("media/", filesUnder(path.join(root, "media"))),
  ]);
}

/** llama-common is what llama.cpp's own programs share: nothing of Octet uses it. */
function isLibrary(name) {
  return /\.(so|dylib|dll|metal)$/.test(name) && !name.includes("llama-common");
}

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, "/"))
    .sort();
}

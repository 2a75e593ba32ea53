// The release of llama.cpp that Octet is built against and where its parts are.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { Failure, root } from "./run.mjs";

/** node-llama-cpp's npm package carries the source of the llama.cpp release that its binary packages were built from. */
export const sourcePackage = {
  name: "node-llama-cpp",
  version: "3.22.1",
  integrity: "sha512-bltIipuWmc123H7tMIgDGKSsSrhmhlQYeVUC48XTjVW7XGJJiJJyCdlTMzQ/LiWoPkGDpcL4FviDpgw7qfTiDw==",
  bundle: "package/llama/gitRelease.bundle",
};

export const headersFolder = path.join(root, ".cache/llama.cpp");

/** Name of the @node-llama-cpp package for a machine; undefined where there is none. */
export function llamaPlatform(platform = process.platform, arch = process.arch) {
  return {
    "linux-x64": "linux-x64",
    "linux-arm64": "linux-arm64",
    "darwin-arm64": "mac-arm64-metal",
    "darwin-x64": "mac-x64",
    "win32-x64": "win-x64",
    "win32-arm64": "win-arm64",
  }[`${platform}-${arch}`];
}

/** Name of the @node-llama-cpp package whose backend for GPUs is taken beside the machine's own; undefined where there is none. */
export function gpuPlatform(platform = process.platform, arch = process.arch) {
  return { "linux-x64": "linux-x64-vulkan", "win32-x64": "win-x64-vulkan" }[`${platform}-${arch}`];
}

/** Folder of llama.cpp's shared libraries: OCTET_LLAMA_LIBRARIES, or the installed package's. */
export function librariesFolder() {
  const given = givenFolders()[0];
  if (given) return path.resolve(given);
  const platform = llamaPlatform();
  if (!platform) throw new Failure(`there is no llama.cpp package for ${process.platform}-${process.arch}`);
  return installedFolder(platform);
}

/** The backends for GPUs that {@link librariesFolder} does not hold, as files: nothing else is taken from where they are. */
export function gpuLibraries() {
  const platform = gpuPlatform();
  const folders = givenFolders().length > 0 ? givenFolders().slice(1).map((folder) => path.resolve(folder)) : platform ? [installedFolder(platform)] : [];
  return folders.flatMap((folder) => readdirSync(folder).filter((name) => /^(lib)?ggml-(vulkan|cuda|hip|sycl)\.(so|dll)$/.test(name)).map((name) => path.join(folder, name)));
}

const givenFolders = () => (process.env.OCTET_LLAMA_LIBRARIES ?? "").split(path.delimiter).filter(Boolean);

function installedFolder(platform) {
  const folder = path.join(root, "node_modules/@node-llama-cpp", platform);
  if (!existsSync(folder)) throw new Failure(`@node-llama-cpp/${platform} is not installed: npm ci installs it, unless the npm registry lacks it`);
  const { version } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
  if (version !== sourcePackage.version) {
    throw new Failure(`@node-llama-cpp/${platform} is ${version} but the headers are of ${sourcePackage.version}`);
  }
  return path.join(folder, "bins", platform);
}

// The release of llama.cpp that Octet is built against and where its parts are.
import { existsSync, readFileSync } from "node:fs";
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

/** Folder of llama.cpp's shared libraries: OCTET_LLAMA_LIBRARIES, or the installed package's. */
export function librariesFolder() {
  const given = process.env.OCTET_LLAMA_LIBRARIES?.split(path.delimiter)[0];
  if (given) return path.resolve(given);
  const platform = llamaPlatform();
  if (!platform) throw new Failure(`there is no llama.cpp package for ${process.platform}-${process.arch}`);
  const folder = path.join(root, "node_modules/@node-llama-cpp", platform);
  if (!existsSync(folder)) throw new Failure(`@node-llama-cpp/${platform} is not installed: run npm run setup`);
  const { version } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
  if (version !== sourcePackage.version) {
    throw new Failure(`@node-llama-cpp/${platform} is ${version} but the headers are of ${sourcePackage.version}`);
  }
  return path.join(folder, "bins", platform);
}

// Where the native addon and the llama.cpp libraries are, looked for beside the bundle and among installed packages.

import { existsSync, statSync } from "node:fs";
import path from "node:path";

export interface LocateEnvironment {
  /** Folder of the running bundle. */
  bundle: string;
  env: Record<string, string | undefined>;
  platform: NodeJS.Platform;
  arch: string;
}

export function addonPath({ bundle, env }: LocateEnvironment): string {
  return env["OCTET_ADDON"] || path.join(bundle, "octet.node");
}

/** Packages of @node-llama-cpp for this machine, the most capable first. */
export function llamaPackages(platform: NodeJS.Platform, arch: string): string[] {
  if (platform === "darwin") return arch === "arm64" ? ["mac-arm64-metal"] : ["mac-x64"];
  const system = platform === "win32" ? "win" : "linux";
  return [`${system}-${arch}-vulkan`, `${system}-${arch}`];
}

/**
 * Folders with llama.cpp's libraries, in the order to try them: those of OCTET_LLAMA_LIBRARIES alone where it is set, else
 * `llama/` beside the bundle, else those of installed packages, looked for upwards from the bundle.
 */
export function llamaLibraries(where: LocateEnvironment): string[] {
  const given = where.env["OCTET_LLAMA_LIBRARIES"];
  if (given) return given.split(path.delimiter).filter((folder) => folder !== "");
  const shipped = path.join(where.bundle, "llama");
  if (isFolder(shipped)) return [shipped];
  return llamaPackages(where.platform, where.arch).flatMap((name) => installed(where.bundle, name) ?? []);
}

function installed(from: string, name: string): string | null {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const libraries = path.join(folder, "node_modules", "@node-llama-cpp", name, "bins", name);
    if (isFolder(libraries)) return libraries;
    if (path.dirname(folder) === folder) return null;
  }
}

function isFolder(folder: string): boolean {
  return existsSync(folder) && statSync(folder).isDirectory();
}

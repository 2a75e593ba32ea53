// Loads the native addon once and initialises it; a failure is one clear sentence with advice.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { LogParams } from "../../protocol/worker";
import type { OctetAddon } from "../addon/octet";
import { firstLine, WorkerError } from "./errors";
import { addonPath, llamaLibraries, type LocateEnvironment } from "./locate";

const REINSTALL = "Reinstall Octet, or build it with `npm run build` in its source folder.";

/** Without `gpus` no GPU's driver is loaded. Throws WorkerError: no addon, one that this machine cannot load, or no llama.cpp backend. */
export function loadAddon(where: LocateEnvironment, gpus: boolean, onLog: (line: LogParams) => void): OctetAddon {
  const file = addonPath(where);
  if (!existsSync(file)) throw new WorkerError("internal", `the native addon is missing: ${file}`, REINSTALL);
  const libraries = llamaLibraries(where);
  if (where.platform === "win32") {
    process.env["PATH"] = [...libraries, process.env["PATH"] ?? ""].join(path.delimiter);
  }
  let addon: OctetAddon;
  try {
    addon = createRequire(file)(file) as OctetAddon;
  } catch (error) {
    throw new WorkerError("internal", `the native addon cannot be loaded: ${firstLine(error)}`, REINSTALL);
  }
  addon.initialize({ libraries, gpus, onLog });
  return addon;
}

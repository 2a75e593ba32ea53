// Where the command line has the CUDA runtime keep the plans of matrix products that it measured on this machine.
import { homedir } from "node:os";
import path from "node:path";
import { absolute, type Home } from "../models/store";

const here = (): Home => ({ env: process.env, home: homedir(), platform: process.platform });

/** In the place for what programs can make again. */
export function plansFile({ env, home, platform }: Home = here()): string {
  const cache = platform === "win32" ? env.LOCALAPPDATA || path.join(home, "AppData", "Local")
    : platform === "darwin" ? path.join(home, "Library", "Caches")
    : absolute(env.XDG_CACHE_HOME) ?? path.join(home, ".cache");
  return path.join(cache, "octet", "cuda-plans.txt");
}

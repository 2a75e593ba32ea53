// Where the command line has the CUDA runtime keep the plans of matrix products that it measured on this machine.
import path from "node:path";
import { absolute, currentUser, type Home } from "../models/home";

/** In the place for what programs can make again. */
export function plansFile({ env, home, platform }: Home = currentUser()): string {
  const cache = platform === "win32" ? env.LOCALAPPDATA || path.join(home, "AppData", "Local")
    : platform === "darwin" ? path.join(home, "Library", "Caches")
    : absolute(env.XDG_CACHE_HOME) ?? path.join(home, ".cache");
  return path.join(cache, "octet", "cuda-plans.txt");
}

// Which pair of models the settings mean: files named by the user, or the starter pair that comes with Octet.
import { realpathSync } from "node:fs";
import path from "node:path";
import { homeFolder } from "./home";
import { shippedPair } from "./shipped";

/** Value of the draft setting that means: no draft model. */
export const NO_DRAFT = "none";

export interface Pair {
  target: string;
  draft: string | null;
}

export const modelsFolder = (root: string): string => path.join(root, "models");

/** The pair that comes with Octet: what is used when nothing is named. */
export function starterPair(root: string): { target: string; draft: string } {
  const starter = shippedPair();
  return { target: path.join(modelsFolder(root), starter.target), draft: path.join(modelsFolder(root), starter.draft) };
}

export interface PairSettings {
  target: string | undefined;
  /** undefined: the starter draft with the starter target, else none. */
  draft: string | undefined;
}

/** `folder` is what relative paths start from. */
export function pairOf({ target, draft }: PairSettings, root: string, folder: string): Pair {
  const usual = starterPair(root);
  const chosen = target === undefined ? usual.target : absolutePath(target, folder);
  if (draft === undefined) return { target: chosen, draft: sameFile(chosen, usual.target) ? usual.draft : null };
  return { target: chosen, draft: draft === NO_DRAFT ? null : absolutePath(draft, folder) };
}

export function absolutePath(file: string, folder: string, home = homeFolder()): string {
  const expanded = /^~(?=$|[\\/])/.test(file) ? path.join(home, file.slice(1)) : file;
  return path.resolve(folder, expanded);
}

export function sameFile(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return path.resolve(a) === path.resolve(b);
  }
}

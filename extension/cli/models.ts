// Which pair of models a command uses.
import { existsSync } from "node:fs";
import path from "node:path";
import type { DraftLength } from "../../protocol/worker";
import { sameFile, starterPair, type Pair } from "../models/pair";

export { modelsFolder, starterPair, type Pair } from "../models/pair";

/** The folder of package.json: the first one above `folder` that has it. */
export function packageRoot(folder: string): string {
  for (let at = folder; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, "package.json"))) return at;
    if (at === path.dirname(at)) return folder;
  }
}

export interface PairOptions {
  target?: string;
  /** false: --no-draft. */
  draft?: string | false;
  /** undefined: the user did not say. */
  draftLength?: DraftLength;
}

/**
 * A target named without a draft model has none, unless it is the starter target. Draft length "none" needs none, so none is
 * loaded unless named.
 */
export function choosePair(options: PairOptions, root: string): Pair {
  const pair = starterPair(root);
  const target = options.target ?? pair.target;
  const usual = sameFile(target, pair.target) && options.draftLength !== "none" ? pair.draft : null;
  return { target, draft: options.draft === false ? null : options.draft ?? usual };
}

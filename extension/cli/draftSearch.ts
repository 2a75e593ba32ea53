// Finds a draft for a target among the GGUF files nearby.
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { InspectResult, ModelInfo } from "../../protocol/worker";
import { isModelName } from "../models/caches/walk";
import { errorCode } from "./errors";
import type { WorkerApi } from "./workerApi";

/** A draft larger than this share of its target costs more than it saves. */
const MAX_SHARE = 1 / 3;
/** The share that tends to serve best; among several drafts the nearest to it is suggested. */
const GOOD_SHARE = 1 / 10;
/** Files looked into, the smallest first. */
const MAX_CANDIDATES = 40;

export interface DraftCandidate {
  path: string;
  model: ModelInfo;
  compatible: boolean;
  reason: string;
}

/** Compatible drafts, the suggested one first. Files that are no models are passed over. */
export async function findDrafts(worker: WorkerApi, target: InspectResult, folders: readonly string[]): Promise<DraftCandidate[]> {
  const found: DraftCandidate[] = [];
  for (const file of await smallerFiles(target.model, folders)) {
    const candidate = await compare(worker, target.model.path, file);
    if (candidate?.compatible) found.push(candidate);
  }
  return found.sort((a, b) => unfit(a.model, target.model) - unfit(b.model, target.model));
}

/** How far the draft's size is from a good share of the target's, in powers of e. */
export function unfit(draft: { fileBytes: number }, target: { fileBytes: number }): number {
  return Math.abs(Math.log(draft.fileBytes / (target.fileBytes * GOOD_SHARE)));
}

async function compare(worker: WorkerApi, target: string, file: string): Promise<DraftCandidate | null> {
  try {
    const { draft } = await worker.inspect({ path: target, draft: file });
    return draft ? { path: file, ...draft } : null;
  } catch (error) {
    if (errorCode(error) === "workerDied" || errorCode(error) === "cancelled") throw error;
    return null;
  }
}

async function smallerFiles(target: ModelInfo, folders: readonly string[]): Promise<string[]> {
  const files = new Map<string, number>();
  for (const folder of new Set(folders.map((name) => path.resolve(name)))) {
    for (const name of await readdir(folder).catch(() => [])) {
      if (!isModelName(name)) continue;
      const file = path.join(folder, name);
      const size = await stat(file).then((entry) => (entry.isFile() ? entry.size : 0), () => 0);
      if (size > 0 && size <= target.fileBytes * MAX_SHARE) files.set(file, size);
    }
  }
  return [...files].sort((a, b) => a[1] - b[1]).slice(0, MAX_CANDIDATES).map(([file]) => file);
}

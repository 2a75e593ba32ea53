// Models that other local tools have downloaded already, and which files of the catalogue they are: offered rather than
// downloaded again. They stay where they are.
import { realpath } from "node:fs/promises";
import path from "node:path";
import { filesOf, type CataloguePair, type ModelFile } from "./catalogue";
import type { FoundFile } from "./caches/cache";
import { findInFolders } from "./caches/folders";
import { findHuggingFace } from "./caches/huggingFace";
import { findOllama } from "./caches/ollama";
import { isGguf } from "./gguf";
import type { Home } from "./home";
import { storedFile } from "./store";

export type { FoundFile } from "./caches/cache";

/** Every file once, however many caches link to it; files that are no GGUF models are passed over. Never rejects. */
export async function findModels(home: Home, except: string): Promise<FoundFile[]> {
  const all = (await Promise.all([findHuggingFace(home), findOllama(home), findInFolders(home)])).flat();
  const seen = new Set<string>();
  const found: FoundFile[] = [];
  for (const file of all) {
    const real = await realpath(file.path).catch(() => file.path);
    if (seen.has(real) || isWithin(file.path, except) || !(await isGguf(file.path))) continue;
    seen.add(real);
    found.push(file);
  }
  return found;
}

const isWithin = (file: string, folder: string): boolean => file.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);

/** By content where the cache names it, else by size and name; llama.cpp puts the repository before the name. */
export function isSame(found: FoundFile, file: ModelFile): boolean {
  if (found.sha256 !== undefined) return found.sha256 === file.sha256;
  const name = path.basename(found.path).toLowerCase();
  return found.bytes === file.bytes && (name === file.file || name.endsWith(`_${file.file}`));
}

export interface Located {
  path: string;
  /** null: in the models folder; else the tool that has it. */
  source: string | null;
}

export interface LocatedPair {
  pair: CataloguePair;
  /** null: to be downloaded. */
  target: Located | null;
  draft: Located | null;
  /** Bytes that are still to come. */
  missingBytes: number;
}

export async function locate(pair: CataloguePair, folder: string, found: readonly FoundFile[]): Promise<LocatedPair> {
  const [target, draft] = await Promise.all(filesOf(pair).map(async (file) => {
    const stored = await storedFile(file, folder);
    if (stored.state === "present") return { at: { path: stored.path, source: null }, missing: 0 };
    const other = found.find((candidate) => isSame(candidate, file));
    return other ? { at: { path: other.path, source: other.source }, missing: 0 } : { at: null, missing: file.bytes - stored.bytes };
  })) as [{ at: Located | null; missing: number }, { at: Located | null; missing: number }];
  return { pair, target: target.at, draft: draft.at, missingBytes: target.missing + draft.missing };
}

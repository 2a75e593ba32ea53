// The folder of downloaded models: FOLDER/OWNER/REPOSITORY/FILE, as LM Studio lays it out. What is there, how much it takes, and
// how it is deleted.
import { readdir, rm, rmdir, stat } from "node:fs/promises";
import path from "node:path";
import { filesOf, type CataloguePair, type ModelFile } from "./catalogue";
import { isWhole } from "./download";
import { checkUnlocked } from "./lock";
import { partOf, removePart } from "./partFile";

export const placeOf = (file: ModelFile, folder: string): string => path.join(folder, ...file.repository.split("/"), file.file);

export interface StoredFile {
  file: ModelFile;
  path: string;
  /** partial: a download was cut or cancelled, and can go on. */
  state: "present" | "partial" | "missing";
  /** On the disk. */
  bytes: number;
}

export async function storedFile(file: ModelFile, folder: string): Promise<StoredFile> {
  const place = placeOf(file, folder);
  if (await isWhole(place, file)) return { file, path: place, state: "present", bytes: file.bytes };
  const part = await stat(partOf(place)).then(({ size }) => size, () => null);
  return { file, path: place, state: part === null ? "missing" : "partial", bytes: part ?? 0 };
}

export interface StoredPair {
  pair: CataloguePair;
  target: StoredFile;
  draft: StoredFile;
}

/** Pairs whose target is in the folder, in whole or in part; a draft there that none of them needs stands for the first pair it is of. */
export async function storedPairs(pairs: readonly CataloguePair[], folder: string): Promise<StoredPair[]> {
  const all = await Promise.all(pairs.map(async (pair) => ({
    pair, target: await storedFile(pair.target, folder), draft: await storedFile(pair.draft, folder),
  })));
  const wanted = new Set(all.filter(({ target }) => target.state !== "missing").map(({ draft }) => draft.path));
  return all.filter(({ target, draft }) => {
    if (target.state !== "missing") return true;
    if (draft.state === "missing" || wanted.has(draft.path)) return false;
    wanted.add(draft.path);
    return true;
  });
}

/** Bytes of all the catalogue's files in the folder; a draft that several pairs share counts once. */
export async function usedBytes(pairs: readonly CataloguePair[], folder: string): Promise<number> {
  const files = new Map(pairs.flatMap(filesOf).map((file) => [placeOf(file, folder), file]));
  const stored = await Promise.all([...files.values()].map((file) => storedFile(file, folder)));
  return stored.reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Deletes a pair's files, parts of cut downloads included, and folders that become empty; a draft that another pair in the folder
 * needs stays. Returns the bytes freed. Throws DownloadError("locked") where one is being downloaded, and errors of the file system.
 */
export async function removePair(pair: CataloguePair, pairs: readonly CataloguePair[], folder: string): Promise<number> {
  const others = (await storedPairs(pairs, folder)).filter((other) => other.pair.name !== pair.name);
  const needed = new Set(others.map(({ draft }) => draft.path));
  const unneeded = filesOf(pair).filter((file) => !needed.has(placeOf(file, folder)));
  for (const file of unneeded) await checkUnlocked(placeOf(file, folder));
  let freed = 0;
  for (const file of unneeded) {
    const { path: place, bytes } = await storedFile(file, folder);
    await rm(place, { force: true });
    await removePart(place);
    freed += bytes;
    await removeEmpty(path.dirname(place), folder);
  }
  return freed;
}

async function removeEmpty(folder: string, end: string): Promise<void> {
  for (let at = folder; at !== end && at.startsWith(end); at = path.dirname(at)) {
    if ((await readdir(at).catch(() => ["?"])).length > 0) return;
    await rmdir(at);
  }
}

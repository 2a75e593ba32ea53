// Looks for GGUF files below a folder. Folders that cannot be read hold nothing.
import { readdir, stat } from "node:fs/promises";
import path from "node:path";

/** Paths of model files, in order of name. */
export async function ggufFilesBelow(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const files: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const place = path.join(folder, entry.name);
    if (isModelName(entry.name)) files.push(place);
    else if (depth > 0 && entry.isDirectory()) files.push(...await ggufFilesBelow(place, depth - 1));
  }
  return files;
}

/** Of a split model the first part stands for all; projectors of images are no models. */
export const isModelName = (name: string): boolean =>
  /\.gguf$/i.test(name) && !/^mmproj/i.test(name) && !/-(?!0*1-)\d+-of-\d+\.gguf$/i.test(name);

/** null: no file is there. Links are followed. */
export async function fileBytes(file: string): Promise<number | null> {
  return stat(file).then((entry) => (entry.isFile() ? entry.size : null), () => null);
}

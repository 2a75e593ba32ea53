// The cache of Hugging Face's tools, and of newer llama.cpp: hub/models--OWNER--NAME/snapshots/REVISION/FILE, each a link to
// blobs/HASH, where HASH is the SHA-256 of a large file (on systems without links the snapshot holds the file itself).
import { readdir, realpath } from "node:fs/promises";
import path from "node:path";
import type { Home } from "../home";
import type { FoundFile } from "./cache";
import { fileBytes, ggufFilesBelow } from "./walk";

const source = "Hugging Face cache";

export async function findHuggingFace(home: Home): Promise<FoundFile[]> {
  const hub = hubFolder(home);
  const found: FoundFile[] = [];
  for (const repository of (await readdir(hub).catch(() => [])).filter((name) => name.startsWith("models--")).sort()) {
    for (const file of await ggufFilesBelow(path.join(hub, repository, "snapshots"), 3)) {
      const bytes = await fileBytes(file);
      if (bytes === null) continue;
      const blob = path.basename(await realpath(file).catch(() => ""));
      found.push({ path: file, name: path.basename(file), source, bytes, ...(/^[0-9a-f]{64}$/.test(blob) && { sha256: blob }) });
    }
  }
  return found;
}

function hubFolder({ env, home }: Home): string {
  const named = env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE;
  if (named) return named;
  const base = env.HF_HOME || path.join(env.XDG_CACHE_HOME || path.join(home, ".cache"), "huggingface");
  return path.join(base, "hub");
}

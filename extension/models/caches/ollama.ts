// Ollama's store: manifests/HOST/NAMESPACE/MODEL/TAG lists layers by digest; the layer of the model lies in blobs/sha256-DIGEST.
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { Home } from "../home";
import type { FoundFile } from "./cache";
import { fileBytes } from "./walk";

const source = "Ollama";
const MODEL_LAYER = "application/vnd.ollama.image.model";
/** Host, namespace, model, tag. */
const MANIFEST_DEPTH = 4;

export async function findOllama(home: Home): Promise<FoundFile[]> {
  const found = new Map<string, FoundFile>();
  for (const folder of storeFolders(home)) {
    const manifests = path.join(folder, "manifests");
    for (const names of await pathsBelow(manifests, MANIFEST_DEPTH)) {
      const sha256 = await modelDigest(path.join(manifests, ...names));
      if (sha256 === null) continue;
      const file = path.join(folder, "blobs", `sha256-${sha256}`);
      const bytes = await fileBytes(file);
      if (bytes !== null && !found.has(file)) found.set(file, { path: file, name: modelName(names), source, bytes, sha256 });
    }
  }
  return [...found.values()];
}

function storeFolders({ env, home, platform, share = "/usr/share" }: Home): string[] {
  if (env.OLLAMA_MODELS) return [env.OLLAMA_MODELS];
  const own = path.join(home, ".ollama", "models");
  return platform === "linux" ? [own, path.join(share, "ollama", ".ollama", "models")] : [own];
}

/** Paths of `depth` names below a folder, in order. */
async function pathsBelow(folder: string, depth: number): Promise<string[][]> {
  const names = (await readdir(folder).catch(() => [])).sort();
  if (depth === 1) return names.map((name) => [name]);
  const below = await Promise.all(names.map(async (name) => (await pathsBelow(path.join(folder, name), depth - 1)).map((rest) => [name, ...rest])));
  return below.flat();
}

async function modelDigest(manifest: string): Promise<string | null> {
  try {
    const { layers } = JSON.parse(await readFile(manifest, "utf8")) as { layers?: { mediaType?: unknown; digest?: unknown }[] };
    const digest = layers?.find(({ mediaType }) => mediaType === MODEL_LAYER)?.digest;
    return typeof digest === "string" ? /^sha256[:-]([0-9a-f]{64})$/.exec(digest)?.[1] ?? null : null;
  } catch {
    return null;
  }
}

/** As `ollama list` prints it: the usual host and namespace are left out. */
function modelName([host, namespace, model, tag]: string[]): string {
  const prefix = host === "registry.ollama.ai" ? (namespace === "library" ? "" : `${namespace}/`) : `${host}/${namespace}/`;
  return `${prefix}${model}:${tag}`;
}

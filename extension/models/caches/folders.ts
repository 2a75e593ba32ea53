// Tools that keep GGUF files under their own names in folders: LM Studio, llama.cpp, GPT4All, and Octet's own command line.
import path from "node:path";
import { usualFolder, type Home } from "../home";
import type { FoundFile } from "./cache";
import { fileBytes, ggufFilesBelow } from "./walk";

interface Place {
  source: string;
  folder: string;
  /** Folders within folders that are looked into. */
  depth: number;
}

export async function findInFolders(home: Home): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  for (const { source, folder, depth } of places(home)) {
    for (const file of await ggufFilesBelow(folder, depth)) {
      const bytes = await fileBytes(file);
      if (bytes !== null) found.push({ path: file, name: path.basename(file), source, bytes });
    }
  }
  return found;
}

function places(user: Home): Place[] {
  const { env, home, platform } = user;
  const local = env.LOCALAPPDATA || path.join(home, "AppData", "Local");
  const library = path.join(home, "Library");
  const bySystem = (linux: string, darwin: string, windows: string): string => (platform === "win32" ? windows : platform === "darwin" ? darwin : linux);
  return [
    { source: "LM Studio", folder: path.join(home, ".lmstudio", "models"), depth: 3 },
    { source: "LM Studio", folder: path.join(home, ".cache", "lm-studio", "models"), depth: 3 },
    {
      source: "llama.cpp",
      folder: env.LLAMA_CACHE || bySystem(path.join(env.XDG_CACHE_HOME || path.join(home, ".cache"), "llama.cpp"),
        path.join(library, "Caches", "llama.cpp"), path.join(local, "llama.cpp")),
      depth: 1,
    },
    {
      source: "GPT4All",
      folder: bySystem(path.join(home, ".local", "share", "nomic.ai", "GPT4All"),
        path.join(library, "Application Support", "nomic.ai", "GPT4All"), path.join(local, "nomic.ai", "GPT4All")),
      depth: 0,
    },
    { source: "octet models", folder: usualFolder(user), depth: 2 },
  ];
}

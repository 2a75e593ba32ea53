// The folder of models, and what is found in the caches of other tools, both in a pretended home.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync, existsSync } from "node:fs";
import { hostname, tmpdir, userInfo } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { catalogue, type CataloguePair, type ModelFile } from "../../../extension/models/catalogue";
import { findModels, isSame, locate } from "../../../extension/models/found";
import { installPair } from "../../../extension/models/install";
import { plansFile } from "../../../extension/cli/plansFile";
import { homeFolder, usualFolder, type Home } from "../../../extension/models/home";
import { placeOf, removePair, storedPairs, usedBytes } from "../../../extension/models/store";
import { FileServer, modelBytes, serve, sha256 } from "./fileServer";

let home: string;
let folder: string;
const user = (env: NodeJS.ProcessEnv = {}, platform: NodeJS.Platform = "linux"): Home => ({ env, home, platform, share: path.join(home, "share") });

beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "octet-home-"));
  folder = path.join(home, "octet-models");
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const contents = new Map<string, Buffer>();
/** A file of the catalogue, made small. */
function small(file: ModelFile): ModelFile {
  const bytes = contents.get(file.sha256) ?? modelBytes(1_000 + contents.size);
  contents.set(file.sha256, bytes);
  return { ...file, bytes: bytes.length, sha256: sha256(bytes) };
}
const contentOf = (file: ModelFile): Buffer => [...contents.values()].find((content) => sha256(content) === file.sha256)!;
const pairs: CataloguePair[] = catalogue.map((pair) => ({ ...pair, target: small(pair.target), draft: small(pair.draft) }));
const [first, second] = pairs as [CataloguePair, CataloguePair];

function write(file: string, content: string | Buffer): string {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}
const at = (...names: string[]): string => path.join(home, ...names);
const model = modelBytes(64);

describe("the folder", () => {
  it("is where programs keep their data", () => {
    expect(usualFolder(user())).toBe(at(".local/share/octet/models"));
    expect(usualFolder(user({ XDG_DATA_HOME: "/data" }))).toBe("/data/octet/models");
    expect(usualFolder(user({ XDG_DATA_HOME: "relative" }))).toBe(at(".local/share/octet/models"));
    expect(usualFolder(user({}, "darwin"))).toBe(at("Library/Application Support/octet/models"));
    expect(usualFolder(user({ LOCALAPPDATA: at("Local") }, "win32"))).toBe(at("Local/octet/models"));
  });

  it.skipIf(process.platform === "win32")("of a user without HOME, or with a relative one, is the one that the system knows", () => {
    const { HOME } = process.env;
    try {
      process.env.HOME = home;
      expect(homeFolder()).toBe(home);
      for (const wrong of ["", "somewhere"]) {
        process.env.HOME = wrong;
        expect(homeFolder()).toBe(userInfo().homedir);
      }
    } finally {
      if (HOME === undefined) delete process.env.HOME;
      else process.env.HOME = HOME;
    }
  });

  it("of measured plans is where programs keep what they can make again", () => {
    expect(plansFile(user())).toBe(at(".cache/octet/cuda-plans.txt"));
    expect(plansFile(user({ XDG_CACHE_HOME: "/cache" }))).toBe("/cache/octet/cuda-plans.txt");
    expect(plansFile(user({ XDG_CACHE_HOME: "relative" }))).toBe(at(".cache/octet/cuda-plans.txt"));
    expect(plansFile(user({}, "darwin"))).toBe(at("Library/Caches/octet/cuda-plans.txt"));
    expect(plansFile(user({ LOCALAPPDATA: at("Local") }, "win32"))).toBe(at("Local/octet/cuda-plans.txt"));
  });
  it("says what is there, whole or in part, and how much it takes", async () => {
    expect(await storedPairs(pairs, folder)).toEqual([]);
    write(placeOf(first.target, folder), contentOf(first.target));
    write(`${placeOf(first.draft, folder)}.part`, "GGUFhalf");
    const [stored, ...others] = await storedPairs(pairs, folder);
    expect(others).toEqual([]);
    expect(stored).toMatchObject({ pair: { name: first.name }, target: { state: "present" }, draft: { state: "partial", bytes: 8 } });
    expect(await usedBytes(pairs, folder)).toBe(first.target.bytes + 8);
  });
  it("counts a draft that no target needs once, so that it can be deleted", async () => {
    write(`${placeOf(first.draft, folder)}.part`, "GGUFhalf");
    expect((await storedPairs(pairs, folder)).map(({ pair, target }) => [pair.name, target.state])).toEqual([[first.name, "missing"]]);
    expect(await removePair(second, pairs, folder)).toBe(0);
    expect(await removePair(first, pairs, folder)).toBe(8);
    expect(await usedBytes(pairs, folder)).toBe(0);
  });
  it("takes a file of another size for none", async () => {
    write(placeOf(first.target, folder), "GGUF");
    expect(await storedPairs(pairs, folder)).toEqual([]);
  });
  it("loses a pair, but not the draft that another needs", async () => {
    for (const file of [first.target, second.target, first.draft]) write(placeOf(file, folder), contentOf(file));
    expect(first.draft.sha256).toBe(second.draft.sha256);
    expect(await removePair(first, pairs, folder)).toBe(first.target.bytes);
    expect((await storedPairs(pairs, folder)).map(({ pair }) => pair.name)).toEqual([second.name]);
    write(`${placeOf(second.target, folder)}.part`, "GGUF");
    expect(await removePair(second, pairs, folder)).toBe(second.target.bytes + second.draft.bytes);
    expect(readdirSync(folder)).toEqual([]);
  });
  it("loses nothing of a pair that is being downloaded, and what a dead download has left with the rest", async () => {
    write(placeOf(first.draft, folder), contentOf(first.draft));
    const lock = `${placeOf(first.target, folder)}.lock`;
    write(lock, JSON.stringify({ pid: process.pid, host: hostname() }));
    await expect(removePair(first, pairs, folder)).rejects.toThrow(`being downloaded by another window or program (process ${process.pid})`);
    expect(await usedBytes(pairs, folder)).toBe(first.draft.bytes);
    write(lock, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
    expect(await removePair(first, pairs, folder)).toBe(first.draft.bytes);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("found files", () => {
  const names = async (env: NodeJS.ProcessEnv = {}, platform?: NodeJS.Platform) =>
    (await findModels(user(env, platform), folder)).map(({ source, name, path: place, sha256: hash }) => ({ source, name, path: place, hash }));

  it("none, where no tool is", async () => {
    expect(await names()).toEqual([]);
  });

  it("in the cache of Hugging Face, by the hash that links lead to", async () => {
    const hash = "a".repeat(64);
    const repository = at(".cache/huggingface/hub/models--Qwen--Some-GGUF");
    write(path.join(repository, "blobs", hash), model);
    const link = path.join(repository, "snapshots/rev/some.gguf");
    mkdirSync(path.dirname(link), { recursive: true });
    symlinkSync(`../../blobs/${hash}`, link);
    symlinkSync("../../blobs/gone", path.join(path.dirname(link), "gone.gguf"));
    expect(await names()).toEqual([{ source: "Hugging Face cache", name: "some.gguf", path: link, hash }]);
    const copy = at("elsewhere/hub/models--a--b/snapshots/rev/sub/copy.gguf");
    write(copy, model);
    const other = [{ source: "Hugging Face cache", name: "copy.gguf", path: copy, hash: undefined }];
    expect(await names({ HF_HOME: at("elsewhere") })).toEqual(other);
    expect(await names({ HUGGINGFACE_HUB_CACHE: at("elsewhere/hub") })).toEqual(other);
    expect(await names({ HF_HUB_CACHE: at("elsewhere/hub"), HF_HOME: at("nowhere") })).toEqual(other);
  });

  it("in Ollama's store, by manifest", async () => {
    const hash = "b".repeat(64);
    const manifest = (digest: string) => JSON.stringify({ layers: [
      { mediaType: "application/vnd.ollama.image.license", digest: `sha256:${"c".repeat(64)}` },
      { mediaType: "application/vnd.ollama.image.model", digest },
    ] });
    const store = at(".ollama/models");
    write(path.join(store, `blobs/sha256-${hash}`), model);
    write(path.join(store, "manifests/registry.ollama.ai/library/qwen2.5-coder/7b"), manifest(`sha256:${hash}`));
    write(path.join(store, "manifests/registry.ollama.ai/library/qwen2.5-coder/latest"), manifest(`sha256:${hash}`));
    write(path.join(store, "manifests/registry.ollama.ai/library/broken/tag"), "{");
    write(path.join(store, "manifests/registry.ollama.ai/me/gone/tag"), manifest(`sha256:${"d".repeat(64)}`));
    write(path.join(store, "manifests/registry.ollama.ai/me/evil/tag"), manifest("sha256:../../../../etc/passwd"));
    expect(await names()).toEqual([{ source: "Ollama", name: "qwen2.5-coder:7b", path: path.join(store, `blobs/sha256-${hash}`), hash }]);
    expect(await names({ OLLAMA_MODELS: at("none") })).toEqual([]);
    const service = at("share/ollama/.ollama/models");
    write(path.join(service, "manifests/registry.ollama.ai/me/mine/tag"), manifest(`sha256:${"e".repeat(64)}`));
    write(path.join(service, `blobs/sha256-${"e".repeat(64)}`), model);
    expect((await names()).map(({ name }) => name)).toEqual(["qwen2.5-coder:7b", "me/mine:tag"]);
    write(at("own/manifests/hf.co/Qwen/Some-GGUF/Q8_0"), manifest(`sha256:${hash}`));
    write(at(`own/blobs/sha256-${hash}`), model);
    expect(await names({ OLLAMA_MODELS: at("own") })).toMatchObject([{ name: "hf.co/Qwen/Some-GGUF:Q8_0" }]);
  });

  it("in the folders of LM Studio, llama.cpp, GPT4All and the command line", async () => {
    const files = [
      at(".lmstudio/models/Qwen/Some-GGUF/a.gguf"), at(".cache/lm-studio/models/Qwen/Other/b.GGUF"), at(".cache/llama.cpp/Qwen_Some_c.gguf"),
      at(".local/share/nomic.ai/GPT4All/d.gguf"), at(".local/share/octet/models/Qwen/Some/e.gguf"),
    ];
    for (const file of files) write(file, modelBytes(64));
    expect(await names()).toEqual([["LM Studio", 0], ["LM Studio", 1], ["llama.cpp", 2], ["GPT4All", 3], ["octet models", 4]]
      .map(([source, index]) => ({ source, name: path.basename(files[index as number]!), path: files[index as number], hash: undefined })));
    write(at("cache/f.gguf"), model);
    expect(await names({ LLAMA_CACHE: at("cache"), XDG_CACHE_HOME: at("none") })).toContainEqual({ source: "llama.cpp", name: "f.gguf", path: at("cache/f.gguf"), hash: undefined });
    write(at("Library/Caches/llama.cpp/g.gguf"), model);
    expect((await names({}, "darwin")).map(({ path: place }) => place)).toContain(at("Library/Caches/llama.cpp/g.gguf"));
    write(at("AppData/Local/llama.cpp/h.gguf"), model);
    expect((await names({}, "win32")).map(({ path: place }) => place)).toContain(at("AppData/Local/llama.cpp/h.gguf"));
  });

  it("that are no models, later parts of split ones, or projectors are passed over, and none is shown twice", async () => {
    const lmStudio = at(".lmstudio/models/a/b");
    write(path.join(lmStudio, "text.gguf"), "a text that is no model");
    write(path.join(lmStudio, "old.gguf"), Buffer.from("GGUF\u0001\0\0\0", "latin1"));
    write(path.join(lmStudio, "mmproj-x.gguf"), model);
    const part = write(path.join(lmStudio, "big-00001-of-00002.gguf"), model);
    write(path.join(lmStudio, "big-00002-of-00002.gguf"), model);
    mkdirSync(at(".cache/llama.cpp"), { recursive: true });
    symlinkSync(part, at(".cache/llama.cpp/same.gguf"));
    mkdirSync(path.join(lmStudio, "folder.gguf"));
    expect((await names()).map(({ path: place }) => place)).toEqual([part]);
  });

  it("do not include the models folder itself", async () => {
    folder = at(".lmstudio/models");
    write(at(".lmstudio/models/a/b/c.gguf"), model);
    expect(await names()).toEqual([]);
  });
});

describe("a pair of the catalogue", () => {
  it("is known by hash, or by size and name", () => {
    const found = { path: "/x/blobs/sha256-1", name: "x:7b", source: "Ollama", bytes: 1, sha256: first.target.sha256 };
    expect(isSame(found, first.target)).toBe(true);
    expect(isSame({ ...found, path: `/x/${first.target.file}`, bytes: first.target.bytes, sha256: "0".repeat(64) }, first.target)).toBe(false);
    const named = { name: "", source: "llama.cpp", bytes: first.target.bytes };
    expect(isSame({ ...named, path: `/x/${first.target.file.toUpperCase()}` }, first.target)).toBe(true);
    expect(isSame({ ...named, path: `/x/ggml-org_Repo_${first.target.file}` }, first.target)).toBe(true);
    expect(isSame({ ...named, path: `/x/my${first.target.file}` }, first.target)).toBe(false);
    expect(isSame({ ...named, path: `/x/${first.target.file}`, bytes: 5 }, first.target)).toBe(false);
  });

  it("is downloaded but for what is found, and not a second time", async () => {
    const file = write(at(".lmstudio/models/a/b", first.draft.file), contentOf(first.draft));
    const found = await findModels(user(), folder);
    const located = await locate(first, folder, found);
    expect(located).toMatchObject({ target: null, draft: { path: file, source: "LM Studio" }, missingBytes: first.target.bytes });
    const server = new FileServer(contentOf(first.target));
    await server.start();
    try {
      const lines: { bytes: number; total: number }[] = [];
      const options = { folder, endpoint: server.url, fetch, onProgress: ({ bytes, total }: { bytes: number; total: number }) => lines.push({ bytes, total }) };
      const paths = await installPair(located, options);
      expect(paths).toEqual({ target: placeOf(first.target, folder), draft: file });
      expect(server.paths).toEqual([`/${first.target.repository}/resolve/${first.target.revision}/${first.target.file}`]);
      const again = await locate(first, folder, found);
      expect(again).toMatchObject({ target: { source: null }, missingBytes: 0 });
      expect(await installPair(again, options)).toEqual(paths);
      expect(server.paths).toHaveLength(1);
    } finally {
      await server.stop();
    }
  });

  it("is downloaded draft first, with the progress of both", async () => {
    const server = new FileServer(contentOf(second.draft));
    server.answers = [serve, (request, response) => serve(request, response, { content: contentOf(second.target), etag: '"two"' }, server)];
    await server.start();
    try {
      const seen: { bytes: number; total: number; file: string }[] = [];
      await installPair(await locate(second, folder, []), {
        folder, endpoint: server.url, fetch, onProgress: ({ bytes, total }, { file }) => seen.push({ bytes, total, file }),
      });
      const total = second.draft.bytes + second.target.bytes;
      expect(seen.every((now) => now.total === total)).toBe(true);
      expect(seen[0]).toMatchObject({ bytes: 0, file: second.draft.file });
      expect(seen.at(-1)).toMatchObject({ bytes: total, file: second.target.file });
      expect(existsSync(placeOf(second.target, folder))).toBe(true);
    } finally {
      await server.stop();
    }
  });
});

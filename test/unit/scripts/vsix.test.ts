// The packaged extension's list of files: all that runs, nothing that only builds or tests, and every file that the manifest names.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { cudaLibrary } from "../../../scripts/lib/cudaLibrary.mjs";
import { gpuPlatform, llamaPlatform } from "../../../scripts/lib/llama.mjs";
import { notices } from "../../../scripts/lib/notices.mjs";
import { DEFAULT_PAIR, shippedPair, shippedPairs } from "../../../extension/models/shipped";
import { chosenTarget, contents, targets } from "../../../scripts/lib/vsix.mjs";

const root = path.resolve(import.meta.dirname, "../../..");
const names = [...contents().keys()];
const under = (folder: string) => names.filter((name) => name.startsWith(folder));

describe("the packaged extension", () => {
  it("holds the bundles, the addon and the views", () => {
    const cuda = existsSync(cudaLibrary) ? [`dist/${path.basename(cudaLibrary)}`] : []; // only where it has been built
    const bundles = ["dist/cli.js", "dist/extension.js", "dist/octet.node", "dist/worker.js", "dist/workerHost.js", ...cuda];
    expect(names.filter((name) => /^dist\/[^/]+$/.test(name)).sort()).toEqual(bundles.sort());
    expect(under("dist/webview/")).toEqual(["dist/webview/latency.css", "dist/webview/latency.js", "dist/webview/solutions.css", "dist/webview/solutions.js"]);
  });

  it("holds llama.cpp's libraries and their licence", () => {
    const suffix = { darwin: "dylib", win32: "dll" }[process.platform as string] ?? "so";
    const libraries = under("dist/llama/").filter((name) => name.endsWith(`.${suffix}`));
    for (const part of ["llama", "ggml", "ggml-base", "ggml-cpu"]) expect(libraries.join("\n")).toMatch(new RegExp(`/(lib)?${part}[.-]`, "m"));
    expect(names).toContain("dist/llama/LICENSE");
  });

  it.skipIf(!gpuPlatform())("holds llama.cpp's backend for GPUs", () => {
    expect(under("dist/llama/").filter((name) => name.includes("vulkan"))).toEqual([`dist/llama/${process.platform === "win32" ? "ggml-vulkan.dll" : "libggml-vulkan.so"}`]);
  });

  it("holds the licence of every package that is bundled, of what the addon is made of, and of llama.cpp", () => {
    const found = notices({ cuda: false });
    const { dependencies } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { dependencies: Record<string, string> };
    expect(found.map(({ name }) => name)).toEqual(expect.arrayContaining([...Object.keys(dependencies), "strip-ansi", "node-addon-api", "llama.cpp"]));
    for (const { name, licence, text } of found) expect([name, licence, text]).toEqual([name, expect.stringMatching(/^(MIT|ISC|BlueOak-1\.0\.0|Apache-2\.0|BSD-[23]-Clause)$/), expect.stringMatching(/copyright|Blue Oak/i)]);
    expect(found.find(({ name }) => name === "llama.cpp")?.text).toContain("The ggml authors");
  });

  it("holds the pair that is used where nothing is named, and the small one", () => {
    for (const { target, draft } of [shippedPair({}), shippedPairs.small]) {
      expect(under("models/")).toEqual(expect.arrayContaining([`models/${target}`, `models/${draft}`]));
    }
    expect(under("models/").filter((name) => name.endsWith(".gguf"))).toHaveLength(DEFAULT_PAIR === "small" ? 2 : 4);
  });

  it("holds every file that the manifest names", () => {
    const manifest = readFileSync(path.join(root, "package.json"), "utf8");
    const media = [...manifest.matchAll(/"(media\/[^"]+)"/g)].map((match) => match[1]);
    expect(names).toEqual(expect.arrayContaining(media));
  });

  it("holds nothing but these folders, no source map and no source", () => {
    const folders = new Set(names.map((name) => (name.includes("/") ? name.split("/")[0] : name)));
    expect([...folders].sort()).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "THIRD_PARTY_NOTICES.txt", "dist", "media", "models"]);
    expect(names.filter((name) => /\.(map|ts|cpp|h|test\.\w+)$/.test(name))).toEqual([]);
  });
});

describe("targets", () => {
  it.each(targets)("%s has a package of llama.cpp's libraries in the manifest", (target) => {
    const [platform, arch] = target.split("-") as [NodeJS.Platform, NodeJS.Architecture];
    const { optionalDependencies } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { optionalDependencies: object };
    expect(Object.keys(optionalDependencies)).toContain(`@node-llama-cpp/${llamaPlatform(platform, arch)}`);
    const gpu = gpuPlatform(platform, arch);
    if (gpu) expect(Object.keys(optionalDependencies)).toContain(`@node-llama-cpp/${gpu}`);
  });

  it("other than this machine's and unknown ones are refused", () => {
    const here = `${process.platform}-${process.arch}`;
    expect(chosenTarget()).toBe(here);
    expect(() => chosenTarget(targets.find((target) => target !== here))).toThrow("is packaged on a");
    expect(() => chosenTarget("amiga-m68k")).toThrow("there is no target amiga-m68k");
  });
});

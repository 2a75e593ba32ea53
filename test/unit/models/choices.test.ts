// What the list of models offers: states, order, terms of a download, drafts.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { catalogue } from "../../../extension/models/catalogue";
import { downloadTerms, draftCandidates, otherFiles, pairChoices } from "../../../extension/models/choices";
import type { Machine } from "../../../extension/models/fit";
import type { FoundFile } from "../../../extension/models/found";
import { partOf } from "../../../extension/models/partFile";
import { placeOf } from "../../../extension/models/store";

const wanted = { lanes: 8, contextTokens: 4096 };
const current = { target: "/octet/starter.gguf", draft: null };
const laptop: Machine = {
  machine: { physicalCores: 4, logicalCores: 8, memoryBytes: 16e9, freeMemoryBytes: 9e9 },
  devices: [{ name: "CPU", description: "", kind: "cpu", runtime: "llama", memoryBytes: 16e9, freeMemoryBytes: 9e9 }],
};
const [small] = catalogue;
const found = (changes: Partial<FoundFile>): FoundFile => ({ path: "/cache/x.gguf", name: "x.gguf", source: "Ollama", bytes: 1e9, ...changes });

let folder: string;
beforeEach(() => { folder = mkdtempSync(path.join(tmpdir(), "octet-choices-")); });
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("pairs come best first, each with what it takes, its licence and whether it fits", async () => {
  const choices = await pairChoices(laptop, wanted, folder, [], current);
  expect(choices[0]).toMatchObject({
    recommended: true, label: "$(cloud-download) Qwen2.5-Coder 1.5B", description: "recommended · 2.2 GB to download · Apache-2.0",
  });
  expect(choices[0]?.detail).toMatch(/^Fits: needs [\d.]+ of [\d.]+ GB, slow without a GPU\. Best for ghost text\.$/);
  expect(choices.find(({ located }) => located.pair.name === "qwen2.5-coder-3b")?.description).toBe("3.8 GB to download · Qwen Research Licence · non-commercial");
  expect(choices.at(-1)?.label).toBe("$(warning) Qwen2.5-Coder 14B Instruct");
  expect(choices.at(-1)?.detail).toMatch(/^Does not fit: needs [\d.]+ of [\d.]+ GB\. Follows comments\.$/);
  expect(choices.filter(({ recommended }) => recommended)).toHaveLength(1);
});

it("pairs are reckoned for the device that the settings name", async () => {
  const card = (name: string, freeMemoryBytes: number) => ({ name, description: `Card ${name}`, kind: "gpu" as const, runtime: "llama" as const, memoryBytes: 48e9, freeMemoryBytes });
  const machine: Machine = { ...laptop, devices: [card("Vulkan0", 47e9), card("Vulkan1", 4e9), ...laptop.devices] };
  const first = async (device?: string) => (await pairChoices(machine, wanted, folder, [], current, device))[0]?.fit;
  expect(await first("Vulkan1")).toMatchObject({ where: "gpu", device: "Card Vulkan1" });
  expect(await first("cpu")).toMatchObject({ where: "ram" });
  for (const device of [undefined, "auto", "Vulkan7"]) expect(await first(device)).toMatchObject({ where: "gpu", device: "Card Vulkan0" });
});

it("what is said of a pair has room in VS Code's list, and begins with what decides: a narrow window cuts the rest", async () => {
  const gpu = { name: "CUDA0", description: "NVIDIA RTX 6000", kind: "gpu" as const, runtime: "llama" as const, memoryBytes: 48e9, freeMemoryBytes: 47e9 };
  const small = { ...laptop, machine: { ...laptop.machine, freeMemoryBytes: 10.6e9 }, devices: [] };
  const smallGpu = { ...gpu, memoryBytes: 8e9, freeMemoryBytes: 6.2e9 };
  for (const machine of [laptop, small, { ...laptop, devices: [smallGpu, ...laptop.devices] }, { ...laptop, devices: [gpu, ...laptop.devices] }, { ...laptop, machine: { ...laptop.machine, freeMemoryBytes: 1e9 }, devices: [] }]) {
    const details = (await pairChoices(machine, { lanes: 8, contextTokens: 32_768 }, folder, [], current)).map(({ detail }) => detail);
    expect(details.filter((detail) => detail.length > 72)).toEqual([]);
    expect(details.filter((detail) => !/^(Fits|Does not fit): (needs )?[\d.]+( [GM]B)? of [\d.]+ [GM]B\b.*\. (Best for ghost text|Follows comments)\.$/.test(detail))).toEqual([]);
    expect(details.filter((detail) => detail.indexOf("GB") > 36)).toEqual([]); // what a window 400 pixels wide shows
  }
});

it("without a worker they come in the catalogue's order, and nothing is said of memory", async () => {
  const choices = await pairChoices(null, wanted, folder, [], current);
  expect(choices.map(({ located }) => located.pair.name)).toEqual(catalogue.map(({ name }) => name));
  expect(choices.some(({ detail, recommended }) => recommended || /fit|needs/i.test(detail))).toBe(false);
});

it("what is there, found, begun or in use is said", async () => {
  const state = async (files: FoundFile[], target = current.target) =>
    (await pairChoices(null, wanted, folder, files, { target, draft: null }))[0]!.description.split(" · ")[0];
  const draft = found({ path: "/cache/draft", sha256: small!.draft.sha256 });
  const target = found({ path: "/cache/target", sha256: small!.target.sha256, source: "LM Studio" });
  expect(await state([draft])).toBe("1.6 GB still to download");
  expect(await state([draft, target])).toBe("found, LM Studio and Ollama");
  expect(await state([draft, target], "/cache/target")).toBe("in use");
  const part = partOf(placeOf(small!.target, folder));
  mkdirSync(path.dirname(part), { recursive: true });
  writeFileSync(part, Buffer.alloc(1000));
  expect((await pairChoices(null, wanted, folder, [], current))[0]!.located.missingBytes).toBe(small!.target.bytes + small!.draft.bytes - 1000);
});

it("a download's terms are its size, its source, its folder, its licence and its fit", async () => {
  const choices = await pairChoices(laptop, wanted, folder, [found({ sha256: small!.draft.sha256 })], current);
  const three = choices.find(({ located }) => located.pair.name === "qwen2.5-coder-3b")!;
  expect(downloadTerms(three.located, three.fit, "/models", "https://huggingface.co").split("\n")).toEqual([
    "3.3 GB from huggingface.co to /models.",
    "Licence: Qwen Research Licence (for research and evaluation only, not for commercial use); draft: Apache-2.0.",
    "The draft is there already (Ollama).",
    expect.stringMatching(/^The pair fits in memory/) as string,
  ]);
});

it("files of the catalogue are not offered as others too", () => {
  const other = found({ bytes: 5 });
  const larger = found({ path: "/cache/y.gguf", bytes: 9 });
  expect(otherFiles([other, found({ sha256: small!.draft.sha256 }), larger])).toEqual([larger, other]);
});

it("drafts are at most a third of the target, smallest first, never itself", () => {
  const files = [300, 100, 334, 200].map((bytes) => found({ path: `/cache/${bytes}.gguf`, bytes }));
  expect(draftCandidates({ path: "/cache/100.gguf", bytes: 1000 }, files).map(({ bytes }) => bytes)).toEqual([200, 300]);
});

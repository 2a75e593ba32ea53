// The catalogue is sound in itself, and its memory estimates rank pairs as a machine needs it.
import { describe, expect, it } from "vitest";
import { bytesOf, catalogue, filesOf, licenceLine, pageOf } from "../../../extension/models/catalogue";
import { checkedUrl, endpointOf, urlOf } from "../../../extension/models/endpoint";
import { fitBrief, fitOf, fitSentence, machineWith, rank, type Machine } from "../../../extension/models/fit";
import { progressLine } from "../../../extension/models/install";
import { availableOf, needOf, partOf, type MemoryKind } from "../../../extension/models/need";
import { Rate } from "../../../extension/models/rate";
import { formatBytes, formatRemaining } from "../../../extension/models/words";

const GB = 1e9;
const wanted = { lanes: 8, contextTokens: 4096 };
const pairNamed = (name: string) => catalogue.find((pair) => pair.name === name)!;

/** Its graphics processor computes in the machine's memory, and is listed before the others. */
function withIntegrated(ramGb: number, ...gpusGb: number[]): Machine {
  const bare = machine(ramGb, ...gpusGb);
  const own = { name: "Vulkan9", description: "Iris", kind: "integratedGpu" as const, runtime: "llama" as const, memoryBytes: ramGb * GB, freeMemoryBytes: ramGb * GB };
  return { ...bare, devices: [own, ...bare.devices] };
}

function machine(ramGb: number, ...gpusGb: number[]): Machine {
  const free = ramGb * GB;
  return {
    machine: { physicalCores: 8, logicalCores: 16, memoryBytes: free, freeMemoryBytes: free },
    devices: [
      { name: "CPU", description: "a processor", kind: "cpu", runtime: "llama", memoryBytes: free, freeMemoryBytes: free },
      ...gpusGb.map((gb, index) => ({
        name: `Vulkan${index}`, description: `GPU ${index}`, kind: "gpu" as const, runtime: "llama" as const, memoryBytes: gb * GB, freeMemoryBytes: gb * GB,
      })),
    ],
  };
}

describe("the catalogue", () => {
  it.each(catalogue)("$name pins its files, and its draft is much smaller than its target", (pair) => {
    for (const file of filesOf(pair)) {
      expect(file.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(file.revision).toMatch(/^[0-9a-f]{40}$/);
      expect(file.repository).toMatch(/^[\w.-]+\/[\w.-]+$/);
      expect(file.file).toMatch(/^[\w.-]+\.gguf$/);
      expect(file.shape.heads % file.shape.kvHeads).toBe(0);
    }
    expect(pair.name).toMatch(/^[a-z0-9.-]+$/);
    expect(pair.draft.bytes).toBeLessThan(pair.target.bytes * 0.7);
    expect(pair.target.bytes * 8 / pair.parameters).toBeGreaterThan(4);
    expect(pair.target.bytes * 8 / pair.parameters).toBeLessThan(10);
  });
  it("has no name, and no file under two hashes, twice", () => {
    expect(new Set(catalogue.map(({ name }) => name)).size).toBe(catalogue.length);
    const files = catalogue.flatMap(filesOf);
    const paths = new Set(files.map(({ repository, file }) => `${repository}/${file}`));
    expect(new Set(files.map(({ sha256 }) => sha256)).size).toBe(paths.size);
  });
  it("says where a licence is no free one", () => {
    expect(licenceLine(pairNamed("qwen2.5-coder-3b"))).toBe("Qwen Research Licence (for research and evaluation only, not for commercial use); draft: Apache-2.0");
    expect(licenceLine(pairNamed("qwen2.5-coder-7b"))).toBe("Apache-2.0");
    expect(catalogue.filter(({ parameters }) => Math.round(parameters / 1e9) === 3).every(({ target }) => target.licence.caution !== undefined)).toBe(true);
  });
});

describe("addresses", () => {
  const { target } = pairNamed("qwen2.5-coder-7b-instruct");
  it("are of the pinned revision", () => {
    expect(urlOf(target, endpointOf({}))).toBe(
      `https://huggingface.co/Qwen/Qwen2.5-Coder-7B-Instruct-GGUF/resolve/${target.revision}/qwen2.5-coder-7b-instruct-q4_k_m.gguf`);
    expect(pageOf(target, endpointOf({}))).toBe("https://huggingface.co/Qwen/Qwen2.5-Coder-7B-Instruct-GGUF");
  });
  it("may be those of a mirror", () => {
    expect(endpointOf({ HF_ENDPOINT: "https://mirror.example/hf/" })).toBe("https://mirror.example/hf");
    expect(endpointOf({ HF_ENDPOINT: " " })).toBe("https://huggingface.co");
    expect(endpointOf({ HF_ENDPOINT: "http://127.0.0.1:8080" })).toBe("http://127.0.0.1:8080");
  });
  it.each(["http://mirror.example", "mirror", "ftp://127.0.0.1", "http://127.0.0.1.example"])("%s is none", (text) => {
    expect(() => endpointOf({ HF_ENDPOINT: text })).toThrow(/HF_ENDPOINT/);
  });
  it("are not shown with a password where they are none", () => {
    expect(() => endpointOf({ HF_ENDPOINT: "https://me:secret@ho st" })).toThrow("HF_ENDPOINT names no address: https://ho st");
  });
  it("do not lead from the network to this machine", () => {
    expect(() => checkedUrl("http://localhost/x", new URL("https://huggingface.co/y"))).toThrow(/not encrypted/);
    expect(checkedUrl("/x", new URL("https://huggingface.co/y")).href).toBe("https://huggingface.co/x");
  });
});

describe("fit", () => {
  const seven = pairNamed("qwen2.5-coder-7b-instruct");
  const parts = [seven.target, seven.draft].map(partOf);
  it("counts weights, cache and buffers", () => {
    const need = needOf(parts, wanted, "ram");
    expect(need.weights).toBe(bytesOf(seven));
    // 4096 + 7 · 1024 + 8 · 33 cells, rounded up to 11,776, of 28 · 4 · 256 · 2 and 24 · 2 · 128 · 2 bytes.
    expect(need.kvCache).toBe(11_776 * (57_344 + 12_288));
    expect(need.total).toBe(need.weights + need.kvCache + need.compute);
    expect(needOf(parts, { lanes: 8, contextTokens: 1e6 }, "ram")).toEqual(needOf(parts, { lanes: 8, contextTokens: 32_768 }, "ram"));
  });
  it("leaves out of a GPU's own memory what stays beside it: token embeddings, and the logits' copies", () => {
    const [gpu, ram, shared] = (["gpu", "ram", "integrated"] as const).map((memory) => needOf(parts, wanted, memory));
    expect(gpu!.weights).toBe(bytesOf(seven) - seven.target.hostBytes - seven.draft.hostBytes);
    expect(shared!.weights).toBe(ram!.weights);
    const logits = 8 * 33 * (seven.target.shape.vocabulary + seven.draft.shape.vocabulary) * 4;
    expect(ram!.compute - gpu!.compute).toBe(logits);
    expect(shared!.compute).toBeGreaterThan(ram!.compute);
  });
  /** Gigabytes that must be free, a twentieth of which is left to others. */
  const freeFor = (lanes: number, memory: MemoryKind): number => (needOf(parts, { lanes, contextTokens: 1024 }, memory).total + 1000) / 0.95 / GB;
  it("leaves a twentieth, at most half a gigabyte, to others", () => {
    expect(availableOf(1000)).toBe(950);
    expect(availableOf(100 * GB)).toBe(100 * GB - 512 * 2 ** 20);
  });
  it("takes the first GPU that holds it, else memory, else says that nothing does", () => {
    expect(fitOf(seven, machine(64, 4, 24), wanted)).toMatchObject({ where: "gpu", device: "GPU 1", reduced: false });
    expect(fitOf(seven, machine(64, 2), wanted)).toMatchObject({ where: "ram", reduced: false });
    expect(fitOf(seven, machine(1, 4), wanted)).toMatchObject({ where: "nowhere", device: "GPU 0" });
  });
  it("takes a graphics card rather than an integrated GPU, and that rather than the processor", () => {
    expect(fitOf(seven, withIntegrated(64, 24), wanted)).toMatchObject({ where: "gpu", device: "GPU 0" });
    expect(fitOf(seven, withIntegrated(64, 2), wanted)).toMatchObject({ where: "integrated", device: "Iris" });
    expect(fitSentence(fitOf(seven, withIntegrated(64), wanted))).toMatch(/^fits on Iris, slower than on a graphics card: needs [\d.]+ GB of 63 GB free$/);
    expect(fitBrief(fitOf(seven, withIntegrated(64), wanted))).toMatch(/^Fits: needs [\d.]+ of 63 GB, not fast, on Iris\.$/);
  });
  it("is in memory, and no GPU is spoken of, where there is but an accelerator such as Apple's BLAS", () => {
    const blas = { name: "BLAS", description: "Accelerate", kind: "accelerator" as const, runtime: "llama" as const, memoryBytes: 0, freeMemoryBytes: 0 };
    const bare = machine(64);
    for (const freeMemoryBytes of [0, 64 * GB]) {
      const fit = fitOf(seven, { ...bare, devices: [{ ...blas, freeMemoryBytes }, ...bare.devices] }, wanted);
      expect(fitSentence(fit)).toMatch(/^fits in memory, slow without a GPU:/);
    }
  });
  it("takes less context rather than nothing", () => {
    const long = { lanes: 8, contextTokens: 16_384 };
    const { total } = needOf(parts, long, "gpu");
    const tight = fitOf(seven, machine(1, total / GB), long);
    expect(tight).toMatchObject({ where: "gpu", reduced: true });
    expect(fitSentence(tight)).toMatch(/^fits on GPU 0, with a shorter context: needs [\d.]+ GB of [\d.]+ GB free$/);
    expect(fitBrief(tight)).toMatch(/^Fits: needs [\d.]+ of [\d.]+ GB on the GPU, less context\.$/);
  });
  it("takes two lanes on a graphics card rather than all of them elsewhere, and says so", () => {
    const free = (lanes: number): number => freeFor(lanes, "gpu");
    for (const others of [machine(64, free(2)), withIntegrated(64, free(2))]) {
      const fit = fitOf(seven, others, wanted);
      expect(fit).toMatchObject({ where: "gpu", lanes: 2, fewerLanes: true, reduced: true });
      expect(fitSentence(fit)).toMatch(/^fits on GPU 0, with a short context and 2 completions at once: needs [\d.]+ GB of [\d.]+ GB free$/);
      expect(fitBrief(fit)).toMatch(/^Fits: needs [\d.]+ of [\d.]+ GB on the GPU, 2 at once\.$/);
    }
    expect(fitOf(seven, machine(64, free(2) - 0.05), wanted)).toMatchObject({ where: "split", lanes: 8, fewerLanes: false });
    expect(fitOf(seven, machine(64, free(2), free(4)), wanted)).toMatchObject({ device: "GPU 1", lanes: 4 });
    expect(fitOf(seven, machine(64, free(1)), { ...wanted, lanes: 1 })).toMatchObject({ where: "gpu", lanes: 1, fewerLanes: false });
  });
  it("can be asked of one device alone", () => {
    const all = withIntegrated(64, 24);
    const where = (device: string) => fitOf(seven, machineWith(device, all)!, wanted);
    expect(where("auto")).toMatchObject({ where: "gpu" });
    expect(where("gpu")).toMatchObject({ where: "gpu" });
    expect(where("Vulkan9")).toMatchObject({ where: "integrated", device: "Iris" });
    expect(where("cpu")).toMatchObject({ where: "ram", tooLargeForGpu: false });
    expect(fitOf(seven, machineWith("gpu", machine(64, 4))!, wanted)).toMatchObject({ where: "split", device: "GPU 0" });
    expect(fitOf(seven, machineWith("gpu", machine(64, 1))!, wanted)).toMatchObject({ where: "nowhere", device: "GPU 0" });
    const few = { where: "split", layers: { onGpu: 3, all: 28 } };
    expect(fitOf(seven, machineWith("gpu", machine(64, 2.4))!, wanted)).toMatchObject(few); // as asked, though the processor alone is hardly slower
    expect(fitOf(seven, machine(64, 2.4), wanted)).toMatchObject({ where: "ram" });
    expect(machineWith("gpu", machine(64))).toBeNull();
    expect(machineWith("abacus", all)).toBeNull();
  });
  it("is split between a graphics card that holds a quarter of the layers and memory, rather than in memory or on an integrated GPU", () => {
    for (const others of [machine(64, 4), withIntegrated(64, 4), machine(64, 3, 4)]) {
      const split = fitOf(seven, others, wanted);
      expect(split).toMatchObject({ where: "split", lanes: 8, fewerLanes: false, reduced: false, layers: { onGpu: 12, all: 28 } });
      expect(fitSentence(split)).toMatch(/^fits in part on GPU \d, 12 of 28 layers, 3\.8 of 6\.1 GB, the rest in memory: slower than on the card alone$/);
      expect(fitBrief(split)).toBe("Fits: 3.8 of 6.1 GB on the GPU, rest in RAM.");
    }
    expect(fitOf(seven, machine(2, 4), wanted)).toMatchObject({ where: "nowhere" }); // nor is there memory for the rest
  });
  it("is split with a short context where that makes it worth it", () => {
    const long = { lanes: 8, contextTokens: 16_384 };
    const split = fitOf(seven, machine(64, 3.1), long);
    expect(split).toMatchObject({ where: "split", reduced: true });
    expect(split.layers!.onGpu).toBeGreaterThanOrEqual(7);
    expect(fitSentence(split)).toMatch(/^fits in part on GPU 0, with a shorter context, \d+ of 28 layers/);
    expect(fitBrief(split)).toMatch(/^Fits: [\d.]+ of [\d.]+ GB on the GPU, with less context\.$/);
  });
  it("is not split where the GPU computes in the machine's memory, as Metal's do", () => {
    const { devices, machine: here } = machine(64, 4);
    const metal = { machine: here, devices: devices.map((device) => (device.kind === "gpu" ? { ...device, name: "MTL0" } : device)) };
    expect(fitOf(seven, metal, wanted)).toMatchObject({ where: "ram" });
  });
  it("is not split by the CUDA runtime", () => {
    const { devices, machine: here } = machine(64, 4);
    const cuda = { machine: here, devices: devices.map((device) => (device.kind === "gpu" ? { ...device, name: "cuda", runtime: "cuda" as const } : device)) };
    expect(fitOf(seven, cuda, wanted)).toMatchObject({ where: "ram" });
    expect(fitOf(seven, machineWith("cuda", cuda)!, wanted)).toMatchObject({ where: "nowhere" });
  });
  it("takes fewer lanes where nothing holds them all", () => {
    const few = fitOf(seven, machine(freeFor(3, "ram")), wanted);
    expect(few).toMatchObject({ where: "ram", lanes: 3, fewerLanes: true });
    expect(fitSentence(few)).toMatch(/^fits in memory, with a short context and 3 completions at once, slow without a GPU: /);
    expect(fitBrief(few)).toMatch(/^Fits: needs [\d.]+ of [\d.]+ GB, 3 at once, slow\.$/);
    expect(fitSentence({ ...few, lanes: 1 })).toMatch(/, with a short context and one completion at a time, slow/);
    expect(fitBrief({ ...few, where: "integrated", device: "Iris", lanes: 1 })).toMatch(/, 1 at a time, not fast, on Iris\.$/);
  });
  it("is a sentence with its numbers", () => {
    expect(fitSentence(fitOf(seven, machine(64), wanted))).toMatch(/^fits in memory, slow without a GPU: needs [\d.]+ GB of 63 GB free$/);
    expect(fitSentence(fitOf(seven, machine(64, 2), wanted))).toMatch(/^fits in memory, slow as it is too large for the GPU: needs [\d.]+ GB of 63 GB free$/);
    expect(fitBrief(fitOf(seven, machine(64, 2), wanted))).toMatch(/^Fits: needs [\d.]+ of 63 GB, slow, too large for the GPU\.$/);
    expect(fitSentence(fitOf(seven, machine(1), wanted))).toMatch(/^does not fit: needs [\d.]+ GB of 950 MB free$/);
  });
  it("recommends the largest that fits a graphics card, and without one the smallest", () => {
    const best = (on: Machine) => rank(catalogue, on, wanted).filter(({ recommended }) => recommended).map(({ pair }) => pair.name);
    expect(best(machine(64, 80))).toEqual(["qwen2.5-coder-14b-instruct"]);
    expect(best(machine(64, 12))).toEqual(["qwen2.5-coder-7b"]);
    expect(best(machine(64, 8))).toEqual(["qwen2.5-coder-7b-instruct"]);
    expect(best(machine(64))).toEqual(["qwen2.5-coder-1.5b"]);
    expect(best(withIntegrated(64))).toEqual(["qwen2.5-coder-1.5b"]);
    expect(best(withIntegrated(64, 80))).toEqual(["qwen2.5-coder-14b-instruct"]);
    expect(best(machine(1))).toEqual([]);
    expect(best(machine(64, 4))).toEqual(["qwen2.5-coder-3b-instruct"]);
    expect(rank(catalogue, machine(16, 8), wanted).map(({ fit }) => fit.where).join()).toMatch(/^gpu(,gpu)+(,split)+$/);
    expect(rank(catalogue, withIntegrated(64, 3), wanted).map(({ fit }) => fit.where).join()).toMatch(/^gpu(,gpu)*(,split)+(,integrated)+$/);
  });
});

describe("progress", () => {
  it("has the rate of the last seconds", () => {
    const rate = new Rate();
    expect(rate.bytesPerSecond).toBeNull();
    for (let second = 0; second <= 60; second++) rate.add(second < 30 ? second * 100 : 3_000 + (second - 30) * 900, second * 1000);
    expect(rate.bytesPerSecond).toBe(900);
    rate.reset();
    expect(rate.bytesPerSecond).toBeNull();
  });
  it("is one line", () => {
    const now = { bytes: 1.2 * GB, total: 8.6 * GB, bytesPerSecond: 45e6, remainingMs: 164_000 };
    expect(progressLine({ ...now, phase: "downloading" })).toBe("1.2 GB of 8.6 GB, 45 MB/s, 3 min left");
    expect(progressLine({ ...now, phase: "downloading", bytesPerSecond: null, remainingMs: null })).toBe("1.2 GB of 8.6 GB");
    expect(progressLine({ ...now, phase: "checking" })).toBe("1.2 GB of 8.6 GB, checking");
    expect(progressLine({ ...now, phase: "waiting", reason: "the server answered 503" })).toMatch(/waiting to try again: the server answered 503$/);
  });
  it("is in units people use", () => {
    expect([0, 999, 1000, 4_683_073_536, 19_851_335_872].map(formatBytes)).toEqual(["0 B", "999 B", "1.0 KB", "4.7 GB", "20 GB"]);
    expect([100, 59_000, 61_000, 7_500_000].map(formatRemaining)).toEqual(["1 s", "59 s", "1 min", "2 h 5 min"]);
  });
});

// What pairs need and where they go, in test/golden/memory/pairs.txt: the worker's formulas are held to the same file
// (test/native/llama_golden_memory_test.cpp). UPDATE_GOLDEN=1 writes what comes out here.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import type { DeviceInfo } from "../../../protocol/worker";
import { catalogue, type CataloguePair, type ModelFile } from "../../../extension/models/catalogue";
import { fitOf, type Machine } from "../../../extension/models/fit";
import { needOf, partOf, type MemoryKind } from "../../../extension/models/need";

const file = path.join(import.meta.dirname, "../../golden/memory/pairs.txt");
const lines = readFileSync(file, "utf8").trimEnd().split("\n");
const pairNamed = (name: string): CataloguePair => catalogue.find((pair) => pair.name === name)!;

const modelWords = ({ bytes, hostBytes, outputBytes, shape: s }: ModelFile): string =>
  [bytes, hostBytes, outputBytes, s.layers, s.embedding, s.heads, s.kvHeads, s.keyLength, s.valueLength, s.feedForward, s.vocabulary, s.trainedContext].join(" ");

/** "need gpu 8 4096 -> weights kvCache compute" of a pair. */
function needAnswer(pair: CataloguePair, [memory, lanes, context]: string[]): string {
  const parts = [pair.target, pair.draft].map(partOf);
  const { weights, kvCache, compute } = needOf(parts, { lanes: Number(lanes), contextTokens: Number(context) }, memory as MemoryKind);
  return [weights, kvCache, compute].join(" ");
}

/** "place 8 4096 gpu=6000 cpu=16000 -> its number among the devices, lanes, and of a split target the layers there" of a pair; free memory is in megabytes. */
function placeAnswer(pair: CataloguePair, [lanes, context, ...places]: string[]): string {
  const devices = places.map((place, index) => {
    const [kind = "", free] = place.split("=");
    const bytes = Number(free) * 1e6;
    return { name: String(index), description: "", kind: kind as DeviceInfo["kind"], runtime: "llama" as const, memoryBytes: bytes, freeMemoryBytes: bytes };
  });
  const { freeMemoryBytes, memoryBytes } = devices.find(({ kind }) => kind === "cpu")!;
  const machine: Machine = { devices, machine: { physicalCores: 8, logicalCores: 8, memoryBytes, freeMemoryBytes } };
  const fit = fitOf(pair, machine, { lanes: Number(lanes), contextTokens: Number(context) });
  const device = fit.where === "ram" ? devices.length - 1 : Number(fit.device);
  return fit.where === "nowhere" ? "nowhere" : `${device} ${fit.lanes}${fit.layers ? ` ${fit.layers.onGpu}` : ""}`;
}

function answered(line: string, pair: CataloguePair): string {
  const [question = ""] = line.split(" -> ");
  const [what, ...words] = question.split(" ");
  if (what === "target") return `target ${modelWords(pair.target)}`;
  if (what === "draft") return `draft ${modelWords(pair.draft)}`;
  return `${question} -> ${what === "need" ? needAnswer(pair, words) : placeAnswer(pair, words)}`;
}

it("pairs need and go where the worker's own formulas say", () => {
  let pair: CataloguePair | undefined;
  const out = lines.map((line) => {
    if (line === "" || line.startsWith("#")) return line;
    if (line.startsWith("pair ")) pair = pairNamed(line.slice(5));
    else return answered(line, pair!);
    return line;
  });
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(file, `${out.join("\n")}\n`);
  else expect(out).toEqual(lines);
});

it("what stays in the machine's memory is a matrix of the vocabulary, in the format of the file", () => {
  for (const { bytes, hostBytes, quantization, shape } of catalogue.flatMap(({ target, draft }) => [target, draft])) {
    const bits = quantization === "Q8_0" ? 8.5 : 4.5;
    expect([0, (shape.vocabulary * shape.embedding * bits) / 8]).toContain(hostBytes);
    expect(hostBytes).toBeLessThan(bytes / 3);
  }
});

// Counts what the machine code of the tensor-core products asks of an H200's multiprocessor, against the bytes it reads: a
// static estimate from published rates, no measurement (docs/cuda-roofline.md).
//
//   nvcc -arch=sm_90 -std=c++20 -O3 -I native --expt-relaxed-constexpr -cubin -o q4_k.cubin native/runtimes/cuda/kernels/gemm_q4_k.cu
//   cuobjdump -sass -res-usage q4_k.cubin > q4_k.txt && node scripts/sass-counts.mjs q4_k.txt ...
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { Failure, script } from "./lib/run.mjs";

/**
 * @typedef {{ address: number, guard: string | undefined, op: string, args: string }} Instruction
 * @typedef {{ name: string, registers: number, code: Instruction[] }} Listing
 * @typedef {{ code: Instruction[], next: number[] }} Block
 * @typedef {{ instruction: Instruction, times: number }} Issued
 * @typedef {{ format: string, by: string, rows: number, registers: number, units: number, before: number, instructions: number, issue: number, tensor: number,
 *   shared: number, alu: number, fma: number, conversion: number, dram: number, ofCopy: number }} Row
 */

/** The kernels' formats in their enum's order (weights.h), with the bytes of 16 x 64 packed weights, a quarter of a K-quant's factors included. */
export const formats = [
  { name: "f32" },
  { name: "f16", bytes: 2048, units: 1 },
  { name: "bf16", bytes: 2048, units: 1 },
  { name: "q8_0", bytes: 1088, units: 2 },
  { name: "q4_0", bytes: 576, units: 4 },
  { name: "q4_k", bytes: 592, units: 4 },
  { name: "q6_k", bytes: 840, units: 4 },
];

/** Of one multiprocessor, a clock: instructions of whole warps. A tensor core's mma.sync reaches some 62 % of the dense rate on Hopper; wgmma is
 * taken to reach all of it: n / 2 clocks for 64 x n x 16, a quarter of that for each of its warps. */
export const rates = { issue: 4, alu: 2, conversion: 2, fma: 4, imad: 2, tensor: (0.62 * 2048) / 2048, sharedBytes: 128 };
const clockHz = 1.755e9, multiprocessors = 132, copyBytes = 4.3e12;

/**
 * What the text of `cuobjdump -sass -res-usage` lists.
 * @param {string} text
 * @returns {Listing[]}
 */
export function functionsOf(text) {
  const found = new Map();
  let current;
  const named = (name) => {
    if (!found.has(name)) found.set(name, { name, registers: 0, code: [] });
    return found.get(name);
  };
  for (const line of text.split("\n")) {
    const title = /Function\s*:?\s+(\w+)/.exec(line);
    if (title) current = named(title[1]);
    const registers = /\bREG:(\d+)/.exec(line);
    if (registers && current) current.registers = Number(registers[1]);
    const at = /^\s+\/\*([0-9a-f]{4,})\*\/\s+(?:@(!?U?P\w+)\s+)?([A-Z][\w.]*)\s*(.*?)\s*;/.exec(line);
    if (at && current) current.code.push({ address: parseInt(at[1], 16), guard: at[2], op: at[3], args: at[4] });
  }
  return [...found.values()].filter((each) => each.code.length > 0);
}

/** mma.sync, or a warp's part of a wgmma. */
const isProduct = (instruction) => /^HG?MMA\./.test(instruction.op);
/** x's rows of a wgmma, 0 for others. */
const wgmmaRows = ({ op }) => Number(/^HGMMA\.64x(\d+)x16\./.exec(op)?.[1] ?? 0);
const kind = (instruction) => instruction.op.split(".")[0];
const target = (instruction) => parseInt(/0x([0-9a-f]+)$/.exec(instruction.args)?.[1] ?? "-1", 16);

/**
 * Straight runs of instructions and which may follow which.
 * @param {Instruction[]} code
 * @returns {Block[]}
 */
export function blocksOf(code) {
  const starts = new Set([code[0].address]);
  code.forEach((each, i) => {
    if (!["BRA", "BRX", "EXIT", "RET"].includes(kind(each))) return;
    if (i + 1 < code.length) starts.add(code[i + 1].address);
    if (kind(each) === "BRA") starts.add(target(each));
  });
  const blocks = [];
  for (const each of code) {
    if (starts.has(each.address) || blocks.length === 0) blocks.push({ code: [], next: [] });
    blocks.at(-1).code.push(each);
  }
  const indexAt = new Map(blocks.map((block, i) => [block.code[0].address, i]));
  blocks.forEach((block, i) => {
    const last = block.code.at(-1);
    const falls = last.guard !== undefined || /^!?U?P\d/.test(last.args);
    if (kind(last) === "BRA" && last.op !== "BRA.DIV") {
      if (indexAt.has(target(last))) block.next.push(indexAt.get(target(last)));
      if (falls) block.next.push(i + 1);
    } else if (kind(last) === "BRX") {
      // Its targets are in a table: the waits behind it (wait_for_stage).
      for (let j = i + 1; j < Math.min(i + 16, blocks.length); ++j) if (blocks[j].code.some((each) => kind(each) === "DEPBAR")) block.next.push(j);
    } else if (!["EXIT", "RET"].includes(kind(last)) || falls) {
      block.next.push(i + 1);
    }
    block.next = block.next.filter((next) => next < blocks.length);
  });
  return blocks;
}

/** Blocks from `from` to `to`, forward, by the fewest instructions; null where there is no way. */
function shortest(blocks, from, to) {
  const best = new Map([[from, { length: 0, before: -1 }]]);
  for (let i = from; i < to; ++i) {
    const here = best.get(i);
    if (!here) continue;
    for (const next of blocks[i].next) {
      const length = here.length + blocks[i].code.length;
      if (next > i && next <= to && length < (best.get(next)?.length ?? Infinity)) best.set(next, { length, before: i });
    }
  }
  if (!best.has(to)) return null;
  const way = [];
  for (let i = to; i !== -1; i = best.get(i).before) way.unshift(i);
  return way;
}

/**
 * What a warp issues in a steady step of a product: the shortest way round the loop with the barrier that does all products and all copies.
 * Inner loops are weighed: that of the products `units` times, that which copies x `xTrips` times.
 * @param {Instruction[]} code
 * @param {{ units: number, xTrips: number }} trips
 * @returns {Issued[]}
 */
export function steadyStep(code, { units, xTrips }) {
  const blocks = blocksOf(code);
  const has = (i, name) => blocks[i].code.some((each) => kind(each) === name);
  const all = (from, to, name) => Array.from({ length: to - from + 1 }, (_, i) => from + i).filter((i) => has(i, name));
  const loops = blocks.flatMap((block, end) => block.next.filter((top) => top <= end).map((top) => ({ top, end })));
  const products = blocks.map((_, i) => i).filter((i) => blocks[i].code.some(isProduct));
  const around = loops.filter((each) => each.top <= products[0] && each.end >= products.at(-1));
  const step = around.filter((each) => all(each.top, products[0], "DEPBAR").length > 0).sort((a, b) => b.top - a.top)[0];
  if (!step) throw new Error("no loop with a wait, a barrier and products");
  const inner = loops.filter((each) => each.top > step.top && each.end < step.end);
  const within = (i, loop) => loop.top <= i && i <= loop.end;
  const copies = all(step.top, products[0], "LDGSTS");
  const xCopy = copies.at(-1);
  const musts = [...copies.filter((i) => i === xCopy || !inner.some((loop) => within(i, loop))), ...products.filter((i) => step.top <= i && i <= step.end), step.end];
  const way = [step.top];
  for (const must of musts) {
    const part = must > way.at(-1) ? shortest(blocks, way.at(-1), must) : null;
    if (part) way.push(...part.slice(1));
  }
  const timesOf = (i) => {
    if (inner.some((loop) => within(i, loop) && within(products[0], loop))) return units;
    return inner.some((loop) => within(i, loop) && within(xCopy, loop)) ? xTrips : 1;
  };
  return way.flatMap((i) => blocks[i].code.map((instruction) => ({ instruction, times: timesOf(i) })));
}

/**
 * Instructions on the shortest way from a kernel's start to its first asynchronous copy; calls count as `call` each.
 * @param {Instruction[]} code
 */
export function beforeFirstCopy(code, call = 100) {
  const blocks = blocksOf(code);
  const first = blocks.findIndex((block) => block.code.some((each) => kind(each) === "LDGSTS"));
  const way = shortest(blocks, 0, first) ?? [];
  const passed = way.slice(0, -1).flatMap((i) => blocks[i].code).concat(blocks[first].code);
  const end = passed.findIndex((each) => kind(each) === "LDGSTS");
  return passed.slice(0, end).reduce((sum, each) => sum + (kind(each) === "CALL" ? call : 1), 0);
}

const aluOps = new Set("LOP3 SHF PRMT IADD3 VIADD VIADDMNMX ISETP SEL LEA MOV FMNMX PLOP3 IABS FSEL FSETP".split(" "));
const fmaOps = new Set("FFMA FMUL FADD HFMA2 HMUL2 HADD2".split(" "));

/** Shared-memory bytes of a warp's instruction, 0 for others; of a wgmma, whose four warps read x together, a quarter. */
function sharedBytes({ op, args }) {
  if (wgmmaRows({ op }) > 0) return (wgmmaRows({ op }) * 32) / 4;
  const name = op.split(".")[0];
  if (!["LDS", "STS", "LDSM", "LDGSTS"].includes(name) || /^RZ, \[RZ\]/.test(args)) return 0;
  if (name === "LDSM") return 512;
  return 32 * (op.includes(".128") ? 16 : op.includes(".64") ? 8 : 4);
}

/**
 * Clocks of one multiprocessor, by pipe, that a warp's `step` takes.
 * @param {Issued[]} step
 */
export function clocksOf(step) {
  const sum = (of) => step.reduce((total, { instruction, times }) => total + of(instruction) * times, 0);
  const count = (test) => sum((each) => (test(kind(each)) ? 1 : 0));
  return {
    issue: sum(() => 1) / rates.issue,
    tensor: count((name) => name === "HMMA") / rates.tensor + sum(wgmmaRows) / 8,
    shared: sum(sharedBytes) / rates.sharedBytes,
    alu: count((name) => aluOps.has(name)) / rates.alu,
    fma: count((name) => fmaOps.has(name)) / rates.fma + count((name) => name === "IMAD") / rates.imad,
    conversion: count((name) => name === "F2FP") / rates.conversion,
  };
}

/**
 * A row for each product's kernel: clocks for 16 x 64 weights by pipe, those of their bytes at a copy's speed, and the ratio to the slowest pipe.
 * @param {string} text
 * @returns {Row[]}
 */
export function rowsOf(text) {
  const rows = [];
  for (const { name, registers, code } of functionsOf(text)) {
    const match = /multiplyILNS0_12WeightFormatE(\d)ELi(\d)E(?:Lb(\d)E)?/.exec(name);
    if (!match) continue;
    const format = formats[Number(match[1])], tiles = Number(match[2]), panels = tiles <= 2 ? 1 : 2;
    const looped = blocksOf(code).some((block, i) => block.next.includes(i) && block.code.some(isProduct));
    const units = looped ? format.units : 1;
    const step = steadyStep(code, { units, xTrips: (tiles * 8 * units * 8) / 256 });
    const each = Object.fromEntries(Object.entries(clocksOf(step)).map(([pipe, clocks]) => [pipe, clocks / (units * panels)]));
    const dram = format.bytes / (copyBytes / multiprocessors / clockHz);
    rows.push({ format: format.name, by: match[3] === "1" ? "wgmma" : "mma.sync", rows: tiles * 8, registers, units, before: beforeFirstCopy(code), instructions: each.issue * rates.issue, ...each, dram,
                ofCopy: Math.min(1, dram / Math.max(...Object.values(each))) });
  }
  return rows.sort((a, b) => a.format.localeCompare(b.format) || a.rows - b.rows);
}

/** @param {Row[]} rows */
export function markdown(rows) {
  const columns = ["format", "by", "rows", "registers", "units", "before", "instructions", "issue", "tensor", "shared", "alu", "fma", "conversion", "dram"];
  const cell = (value) => (typeof value === "number" ? String(Math.round(value)) : value);
  const lines = rows.map((row) => `| ${columns.map((column) => cell(row[column])).join(" | ")} | ${Math.round(100 * row.ofCopy)} % |`);
  return [`| ${columns.join(" | ")} | of copy, at most |`, `|${" --- |".repeat(columns.length + 1)}`, ...lines].join("\n");
}

/** The rows of a file of `cuobjdump -sass -res-usage`. */
function rowsIn(file) {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new Failure(`there is no file ${file}`);
  const rows = rowsOf(readFileSync(file, "utf8"));
  if (rows.length === 0) throw new Failure(`${file} lists no product's kernel: cuobjdump -sass -res-usage KERNEL.cubin makes such a file`);
  return rows;
}

if (process.argv[1] && import.meta.url === pathToFileURL(path.resolve(process.argv[1])).href) {
  await script("sass-counts", async () => {
    const files = process.argv.slice(2);
    if (files.length === 0) throw new Failure("which listings? node scripts/sass-counts.mjs FILE...");
    console.log(markdown(files.flatMap(rowsIn)));
  });
}

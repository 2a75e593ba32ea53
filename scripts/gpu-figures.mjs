// What the tables of native/bench/run_gpu.sh say of the figures the CUDA runtime is to reach, as Markdown:
//   node scripts/gpu-figures.mjs FOLDER
// A figure that was not measured is missing, never guessed; whatever the device is called stands above.
import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { Failure, script } from "./lib/run.mjs";

/**
 * @typedef {{ name: string, wanted: string, measured: string, holds: "yes" | "no" | "missing" }} Figure
 * @param {(name: string) => any} read the JSON of a table file by its name without ".json", or undefined
 * @returns {Figure[]}
 */
export function figures(read) {
  const rowsOf = (file, wanted) =>
    (read(file)?.tables ?? []).flatMap((table) => table.rows.map((row) => ({ table: table.title, ...row }))).filter(wanted);
  // Of the narrow table, which is measured first, or where that has none of them, of the wide one: never of two runs together.
  const rows = (file, wanted, wide = `${file}-wide`) => [file, wide].map((name) => rowsOf(name, wanted)).find((found) => found.length > 0) ?? [];
  const found = [];
  const add = (name, values, least, most, unit = "", decimals = 2) => {
    const numbers = values.filter((value) => typeof value === "number");
    // The worst that was measured where a figure speaks of several; values hold what a figure's own words choose.
    const value = numbers.length > 0 ? (least === undefined ? Math.max(...numbers) : Math.min(...numbers)) : undefined;
    const scale = unit === "%" ? 100 : 1;
    const holds = value === undefined ? "missing" : value >= (least ?? -Infinity) && value <= (most ?? Infinity) ? "yes" : "no";
    const limit = least === undefined ? `≤ ${most * scale}` : `≥ ${least * scale}`;
    found.push({ name, wanted: `${limit} ${unit}`.trim(), measured: value === undefined ? "-" : `${(value * scale).toFixed(decimals)} ${unit}`.trim(), holds });
  };
  const skinny = (format) => rows(format === "bf16" ? "products" : "products-quantised",
    (row) => row.table.startsWith("7.8B:") && row.format === format && row.rows >= 8 && row.rows <= 72, "products-wide");
  add("products, bf16, 8 to 72 rows: least share of the measured copy", skinny("bf16").map((row) => row.ofCopy), 0.85, undefined, "%", 1);
  // By plans measured on the device, as the product does it: tables of their own, named so.
  const tuned = (file, wanted) => rowsOf(`${file}-tuned`, wanted);
  const addTuned = (format, least) => add("  the same, by plans measured on the device", tuned("products",
    (row) => row.table.startsWith("7.8B: products") && row.format === format && row.rows >= 8 && row.rows <= 72).map((row) => row.ofCopy), least, undefined, "%", 1);
  addTuned("bf16", 0.85);
  for (const format of ["q8_0", "q4_k"]) {
    add(`products, ${format}`, skinny(format).map((row) => row.ofCopy), 0.7, undefined, "%", 1);
    addTuned(format, 0.7);
    const byWarpgroups = rowsOf("products-wgmma", (row) => row.by === "wgmma" && row.format === format && row.rows <= 72);
    add(`  the same, 48 to 72 rows by wgmma (OCTET_CUDA_WGMMA=1)`, byWarpgroups.map((row) => row.ofCopy), 0.7, undefined, "%", 1);
  }

  const usual = (row) => row.format === "bf16" && row.batch === 8 && row.prompt === 512;
  const passes = (pass) => rows("steps", (row) => usual(row) && row.pass === pass).map((row) => row.ms);
  const tunedPasses = (pass) => tuned("steps", (row) => usual(row) && row.pass === pass).map((row) => row.ms);
  add("draft forward, 0.5B bf16, batch 8", passes("draft: one token"), undefined, 0.4, "ms", 3);
  add("  the same, by plans measured on the device", tunedPasses("draft: one token"), undefined, 0.4, "ms", 3);
  add("verification of k = 7, 7.8B bf16, batch 8", passes("target: verify k=7"), undefined, 5, "ms", 3);
  add("  the same, by plans measured on the device", tunedPasses("target: verify k=7"), undefined, 5, "ms", 3);
  for (const [kind, file] of [["simulated 0.8", "decode-simulated"], ["real", "decode-real"]]) {
    const decoded = rows(file, usual);
    const speculative = decoded.filter((row) => row.draftLengths !== "none");
    const best = speculative.filter((row) => row.msPerTokenAll === Math.min(...speculative.map((other) => other.msPerTokenAll)));
    const of = (key) => best.map((row) => row[key]);
    const label = best.length > 0 ? ` (${best[0].draftLengths}, accepted/drafted ${best[0].acceptance?.toFixed(3) ?? "-"})` : "";
    add(`regular decoding, per step; beside acceptance ${kind}`, decoded.filter((row) => row.draftLengths === "none").map((row) => row.msPerStep), undefined, 4.4, "ms", 3);
    add(`best policy at acceptance ${kind}, per token and sequence${label}`, of("msPerTokenAll"), undefined, 2, "ms", 3);
    add(`  the same, tokens per second`, of("tokensPerSecond"), 4000, undefined, "", 0);
    add(`  the same, times regular decoding`, of("overRegular"), 2.15, undefined, "", 2);
  }
  // Of fixed lengths: Algorithm 1's lengths move, and what has no graph yet is launched kernel by kernel (docs/cuda.md, Shapes).
  const steady = rows("decode-simulated", (row) => usual(row) && /^fixed:/.test(row.draftLengths));
  const most = (key) => steady.map((row) => row[key]);
  add("steady step of a fixed draft length: kernels, copies and fills outside graphs", most("launchesPerStep"), undefined, 0);
  add("  the same, graphs", most("graphsPerStep"), undefined, 1);
  add("  the same, waits of the host (one, for the step before)", most("waitsPerStep"), undefined, 1);
  const utilisation = ["decode-simulated", "decode-real", "decode-utilisation"].flatMap((file) =>
    [file, `${file}-wide`].flatMap((name) => rowsOf(name, () => true)).map((row) => row.utilisation));
  const known = utilisation.filter((value) => typeof value === "number");
  add("utilisation of the dense bf16 peak at its best", known.length > 0 ? [Math.max(...known)] : [], 0.158, undefined, "%", 1);
  return found;
}

/**
 * One line: how many products have another plan than the cost model's, what that brings, and what was dropped as wrong; or none.
 * @param {(name: string) => any} read
 */
export function tunedPlans(read) {
  const rows = ["products-tuned", "products-tuned-draft", "steps-tuned"].flatMap((file) =>
    (read(file)?.tables ?? []).filter((table) => table.key === "tuned").flatMap((table) => table.rows));
  if (rows.length === 0) return undefined;
  const others = rows.filter((row) => row.modelPlan !== "the same").map((row) => row.overModel).filter((ratio) => typeof ratio === "number");
  const dropped = rows.filter((row) => row.dropped !== "none");
  const gain = others.length > 0 ? `, ${Math.min(...others).toFixed(2)} to ${Math.max(...others).toFixed(2)} times as fast` : "";
  const wrong = dropped.map((row) => `${row.shape} ${row.matrix} ${row.format}, ${row.rows} rows: ${row.dropped}`).join("; ");
  return `Measured plans: ${others.length} of ${rows.length} products take another than the cost model's${gain}. Dropped as wrong: ${wrong || "none"}.`;
}

/** @param {{ device?: string, copyGbPerS?: number } | undefined} facts of any of the files */
export function markdown(facts, found) {
  const lines = found.map(({ name, wanted, measured, holds }) => `| ${name} | ${wanted} | ${measured} | ${holds} |`);
  const device = facts ? `Device: ${facts.device}; its own copy: ${facts.copyGbPerS?.toFixed(0) ?? "-"} GB/s.` : "Device: nothing was measured.";
  return [device, "", "| figure | wanted | measured | holds |", "|---|--:|--:|---|", ...lines].join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await script("gpu-figures", async () => {
    const folder = process.argv[2];
    if (!folder || !statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new Failure("which folder? native/bench/run_gpu.sh leaves its results in build/gpu-out");
    const cut = new Set();
    const read = (name) => {
      const file = path.join(folder, `${name}.json`);
      if (!existsSync(file)) return undefined;
      try {
        return JSON.parse(readFileSync(file, "utf8"));
      } catch {
        cut.add(`${name}.json`);
        return undefined;
      }
    };
    const facts = ["products", "steps", "decode-simulated", "decode-real", "products-wide"].map(read).find(Boolean);
    console.log(markdown(facts, figures(read)));
    const plans = tunedPlans(read);
    if (plans) console.log(`\n${plans}`);
    if (cut.size > 0) console.log(`\nNot whole, and left out: ${[...cut].join(", ")}.`);
    const stages = path.join(folder, "stages.txt");
    if (existsSync(stages)) console.log(`\nStages:\n\n${readFileSync(stages, "utf8").trim().replace(/^/gm, "- ")}`);
  });
}

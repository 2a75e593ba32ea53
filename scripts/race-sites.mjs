// Are the barriers, fences and waits of the CUDA kernels all needed, and do the race detector's cases need them? Takes each for missing
// in turn (docs/cuda-testing.md) and says which case reports it:
//   node scripts/race-sites.mjs [--site step_accept.cu]... [--cases "cuda*"] [--jobs 2] [--seconds 120]
// --site: only sites whose names begin so; --cases: of these instead of the chosen ones; --seconds: the limit of a run. The exit code is 1
// where a site is found by no case.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { raceTestProgram } from "./build-native.mjs";
import { Failure, optionsOf, root, run, script, step } from "./lib/run.mjs";

const kernels = path.join(root, "native/runtimes/cuda/kernels");

/**
 * @typedef {{ name: string, seconds: number }} Case
 * @param {string} output of a run with OCTET_RACES_SITES=1 and doctest's durations
 * @param {(file: string) => boolean} counts whether sites of this file do: the detector's own cases have some too
 * @returns {Map<string, Case[]>} by site, the cases that run it
 */
export function sitesOf(output, counts) {
  const seconds = new Map([...output.matchAll(/^([\d.]+) s: (.*)$/gm)].map(([, time, name]) => [name, Number(time)]));
  const found = new Map();
  for (const [, site, name] of output.matchAll(/^site (\S+) in (.*)$/gm)) {
    if (!counts(site.slice(0, site.lastIndexOf(":")))) continue;
    if (!found.has(site)) found.set(site, new Set());
    found.get(site).add(name);
  }
  const timed = (names) => [...names].map((name) => ({ name, seconds: seconds.get(name) ?? 0 }));
  const inOrder = [...found].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
  return new Map(inOrder.map(([site, names]) => [site, timed(names)]));
}

/** Lines of a source that order something, so that none is overlooked that no case runs. */
export function orderingLines(source) {
  const orders = /\b(block_sync|warp_sync|fence|wait_for_previous)\(\)|\bwait_async<.*>\(\)/;
  return source.split("\n").flatMap((line, index) => (orders.test(line.replace(/\/\/.*/, "")) ? [index + 1] : []));
}

/** Cases in the order in which to try them: first those that have reported another site, the quickest of them first. */
export function likelyFirst(cases, reporters) {
  const likely = ({ name }) => Number(reporters.has(name));
  return [...cases].sort((a, b) => likely(b) - likely(a) || a.seconds - b.seconds);
}

/** doctest's filter for one case: commas part filters, a star is any text. */
export const filterOf = (name) => `-tc=${name.replace(/[,*\\"]/g, "?")}`;

/** A report of the detector, or copies that nobody waited for, which the host takes for a fault. */
const reportOrFault = /^ {2}(RACE|OUT OF BOUNDS|ORDER): |^kernel on the host: a thread ended with asynchronous copies/m;

/**
 * Takes `site` for missing in the cases that run it, one run each, until one reports.
 * @param {(name: string) => Promise<{ code: number, output: string }>} runCase
 * @returns {Promise<{ site: string, case?: string, tried: number, ended: string[] }>} ended: cases that crashed or took too long
 */
export async function tryWithout(site, cases, runCase) {
  const ended = [];
  for (const [index, { name }] of cases.entries()) {
    const { code, output } = await runCase(name);
    if (reportOrFault.test(output)) return { site, case: name, tried: index + 1, ended };
    if (code !== 0) ended.push(name);
  }
  return { site, tried: cases.length, ended };
}

/** @param {Awaited<ReturnType<typeof tryWithout>>[]} results */
export function markdown(results) {
  const line = ({ site, case: name, tried, ended }) => {
    const more = ended.length > 0 ? `; ended early: ${ended.join("; ")}` : "";
    return `| ${site} | ${name ? "found" : "NOT FOUND"} | ${name ?? (tried === 0 ? "no case runs it" : `by none of ${tried}`)}${more} |`;
  };
  const missed = results.filter((result) => !result.case).length;
  return ["| site | | by case |", "|---|---|---|", ...results.map(line), "", `${results.length} sites, ${missed} not found`].join("\n");
}

async function sweep({ site: wanted = [""], cases, jobs = "1", seconds = "120" }) {
  const [workers, limit] = [jobs, seconds].map(Number);
  if (!Number.isInteger(workers) || workers < 1) throw new Failure("--jobs is a number of runs at a time");
  if (!(limit > 0)) throw new Failure("--seconds is a time");
  if (!existsSync(raceTestProgram)) throw new Failure("octet-race-test is not built: npm run build:native -- --tests");
  const listed = await step("sites", async () => {
    const options = { env: { OCTET_RACES_SITES: "1" }, timeoutMs: 30 * 60_000 };
    const { code, output } = await run(raceTestProgram, ["-d", ...(cases ? [`-tc=${cases}`] : [])], options);
    if (code !== 0) throw new Failure("the cases fail with nothing missing", output);
    return sitesOf(output, (file) => existsSync(path.join(kernels, file)));
  });
  for (const file of readdirSync(kernels)) {
    for (const line of orderingLines(readFileSync(path.join(kernels, file), "utf8"))) {
      if (!listed.has(`${file}:${line}`)) listed.set(`${file}:${line}`, []);
    }
  }
  const left = [...listed].filter(([site]) => wanted.some((start) => site.startsWith(start)));
  if (left.length === 0) throw new Failure("there is no such site");
  const results = new Map(left.map(([site]) => [site, undefined]));
  const reporters = new Set();
  const work = async () => {
    for (let next; (next = left.shift());) {
      const [site, itsCases] = next;
      const runCase = (name) => run(raceTestProgram, [filterOf(name)], { env: { OCTET_RACES_WITHOUT: site }, timeoutMs: limit * 1000 });
      const start = performance.now();
      const result = await tryWithout(site, likelyFirst(itsCases, reporters), runCase);
      if (result.case) reporters.add(result.case);
      const took = ((performance.now() - start) / 1000).toFixed(1);
      console.log(`  ${site.padEnd(34)} ${took.padStart(6)} s   ${result.case ? "found" : "NOT FOUND"}`);
      results.set(site, result);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  console.log(`\n${markdown([...results.values()])}`);
  if ([...results.values()].some((result) => !result.case)) process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const text = { type: "string" };
  await script("race-sites", () => sweep(optionsOf({ site: { ...text, multiple: true }, cases: text, jobs: text, seconds: text })));
}

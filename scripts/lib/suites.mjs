// The test suites: how each is run and how its result is counted.
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { ptxTestProgram, raceTestProgram, testProgram } from "../build-native.mjs";
import { ensureCodeServer } from "./codeServer.mjs";
import { gpuLibraries, gpuPlatform } from "./llama.mjs";
import { Failure, root, run, tail } from "./run.mjs";
import { together } from "./schedule.mjs";
import { softwareDriverThere, vulkanDriverThere } from "./system.mjs";

/** @typedef {{ passed: number, failed: number, skipped?: number, why?: string, output?: string, again?: string[] }} Result */
/**
 * parts: what runs beside others; byClock: its tests drive real processes and wait for them, so that one such suite runs at a time; of what runs
 * beside it, all that only computes gives way (patiently()); drivesWindow: it is more sensitive still, and one part fewer runs beside it; prepare:
 * what it fetches; native, browser: needed by it.
 * @typedef {{ name: string, what: string, parts: (() => Promise<Result>)[], byClock?: boolean, drivesWindow?: boolean,
 *   prepare?: () => Promise<void>, native?: boolean, browser?: boolean }} Suite
 */

const minutes = 60_000;
const results = path.join(root, "build/test-results");

/** Runs a program that only computes: it gives way to all others. */
const patiently = (command, args, options) =>
  process.platform === "win32" ? run(command, args, options) : run("nice", ["-n", "10", command, ...args], options);

/** A check that passes or fails as a whole. */
async function whole(program, args) {
  const { code, output } = await patiently(process.execPath, [program, ...args], { timeoutMs: 10 * minutes });
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, output };
}

/** One check a TypeScript project: the code for Node, and the code for browsers. */
async function types() {
  const checks = [];
  for (const project of [".", "webview", "test/webview", "test/e2e"]) {
    checks.push(await whole("node_modules/typescript/bin/tsc", ["--noEmit", "--pretty", "false", "-p", project]));
  }
  return together(checks);
}

/**
 * A test program of doctest's; cases not chosen count as nothing. A crash counts as one failure beside what was reported before it. `folder`:
 * for its temporary files, whose names the cases choose, so that programs side by side need one each.
 */
async function doctest(program, args, folder, env = {}, start = patiently) {
  const temporary = path.join(results, `temporary-${folder}`);
  mkdirSync(temporary, { recursive: true });
  const { code, output } = await start(program, args, { timeoutMs: 25 * minutes, env: { TMPDIR: temporary, ...env } });
  const summary = /test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed/.exec(output);
  if (!summary) return { passed: 0, failed: 1, output: `${output}\nthe native tests ended early, with exit code ${code}` };
  const [passed, failed] = summary.slice(1).map(Number);
  if (passed + failed === 0) return { passed: 0, failed: 1, output: "there are no native tests" };
  return { passed, failed: failed === 0 && code !== 0 ? 1 : failed, output };
}

/** The engine's test program as two processes: cases of the CUDA runtime, which only compute, and all others, of which some look at the clock. */
const cudaCases = "*/native/cuda/*";
const engineCases = [
  () => doctest(testProgram, ["--no-colors=true", `--source-file=${cudaCases}`], "cuda"),
  () => doctest(testProgram, ["--no-colors=true", `--source-file-exclude=${cudaCases}`], "others", {}, run),
];

/** For Mesa's driver that computes on processors: ggml takes it only by number, and it crashes in ggml's fused kernels and in half precision (22.3.6). */
const softwareDriver = { GGML_VK_VISIBLE_DEVICES: "0", GGML_VK_DISABLE_F16: "1", GGML_VK_DISABLE_FUSION: "1" };

/** The engine on a GPU, by llama.cpp's Vulkan backend; where there is none, on Mesa's driver that computes on processors. */
async function gpuCases() {
  const skipped = (why) => ({ passed: 0, failed: 0, skipped: 1, why });
  if (!gpuPlatform()) return skipped(`llama.cpp's packages for ${process.platform}-${process.arch} have no Vulkan backend beside them`);
  if (!vulkanDriverThere()) return skipped("there is no Vulkan driver; on Debian: mesa-vulkan-drivers");
  const { file, why } = vulkanLibrary();
  if (!file) return skipped(why);
  const cases = (env) => doctest(testProgram, ["--no-colors=true", "--source-file=*/native/gpu/*"], "gpu", { OCTET_TEST_GPU_LIBRARIES: path.dirname(file), ...env });
  const onGpu = await cases({});
  if (!listsNoDevice(onGpu)) return onGpu;
  return softwareDriverThere() ? cases(softwareDriver) : skipped("no Vulkan driver here lists a device");
}

/** Where there is none to test, `why`. @returns {{ file?: string, why?: string }} */
export function vulkanLibrary() {
  try {
    const file = gpuLibraries().find((library) => path.basename(library).includes("vulkan"));
    return file ? { file } : { why: "OCTET_LLAMA_LIBRARIES names no second folder with llama.cpp's Vulkan backend" };
  } catch (error) {
    if (error instanceof Failure) return { why: error.message };
    throw error;
  }
}

/** Whether every case of the suite gpu ended for want of a device. @param {Result} result */
export function listsNoDevice({ passed, failed, output = "" }) {
  return passed === 0 && failed > 0 && output.split('There is no device "gpu" here').length - 1 === failed;
}

/** Cases chosen by a program that not every machine builds: where it is missing they are skipped, and the build may have left a line why. */
async function chosenCases(program) {
  const reason = `${program}.txt`;
  if (!existsSync(program)) return { passed: 0, failed: 0, skipped: 1, why: existsSync(reason) ? readFileSync(reason, "utf8").trim() : undefined };
  return doctest(program, [], path.basename(program));
}

/** One vitest project, or some of its files. A file that does not load, or an error outside the tests, counts as one failure. */
async function vitest(project, files = []) {
  mkdirSync(results, { recursive: true });
  const file = path.join(results, `${project}${files.length > 0 ? "-again" : ""}.json`);
  rmSync(file, { force: true });
  const args = ["node_modules/vitest/vitest.mjs", "run", "--project", project, "--no-color", "--reporter=default", "--reporter=json", `--outputFile.json=${file}`, ...files];
  const { code, output } = await run(process.execPath, args, { timeoutMs: 25 * minutes });
  if (!existsSync(file)) return { passed: 0, failed: 1, output: `${output}\nthe suite did not run` };
  const report = JSON.parse(readFileSync(file, "utf8"));
  const unloaded = report.testResults.filter((test) => test.status === "failed" && test.assertionResults.length === 0).length;
  const failed = report.numFailedTests + unloaded;
  if (report.numPassedTests + failed + report.numPendingTests === 0) return { passed: 0, failed: 1, output: `${output}\nthere are no tests` };
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
    output,
    failures: report.testResults.filter((test) => test.status === "failed").map((test) => ({
      file: test.name,
      passed: test.assertionResults.filter((one) => one.status === "passed").length,
      failed: test.assertionResults.filter((one) => one.status === "failed").length || 1,
    })),
  };
}

/**
 * A project whose tests drive real processes or a browser: where one or two files fail, they run once more, without the others. What
 * passes then is counted as passed and named, so that nobody overlooks it: a busy machine explains it, a fault may too.
 */
async function vitestTwice(project) {
  const first = await vitest(project);
  const { failures = [] } = first;
  if (first.failed === 0 || failures.length < 1 || failures.length > 2) return first;
  const second = await vitest(project, failures.map(({ file }) => file));
  const total = (key) => failures.reduce((sum, failure) => sum + failure[key], 0);
  return {
    passed: first.passed - total("passed") + second.passed,
    failed: Math.max(first.failed - total("failed"), 0) + second.failed,
    skipped: first.skipped,
    output: `${first.output}\nonce more:\n${second.output}`,
    again: failures.map(({ file }) => path.relative(root, file)),
  };
}

/** The training recipe's rules, in Python's standard library: no PyTorch is needed. */
async function training() {
  const { code, output } = await run("python3", ["-m", "unittest", "discover", "-v", "-s", "models/training/tests"], { timeoutMs: 10 * minutes });
  const total = Number(/^Ran (\d+) tests?/m.exec(output)?.[1] ?? 0);
  const count = (what) => Number(new RegExp(`\\b${what}=(\\d+)`).exec(output)?.[1] ?? 0);
  const failed = count("failures") + count("errors");
  const skipped = count("skipped");
  const why = [...new Set([...output.matchAll(/ \.\.\. skipped '(.*)'$/gm)].map(([, said]) => said))].join("; ");
  if (total === 0) return { passed: 0, failed: 1, output: `${output}\nthere are no tests of the training recipe` };
  return { passed: total - failed - skipped, failed: failed === 0 && code !== 0 ? 1 : failed, skipped, why, output };
}

/** @type {Suite[]} */
export const suites = [
  { name: "lint", what: "eslint", parts: [() => whole("node_modules/eslint/bin/eslint.js", [".", "--max-warnings=0"])] },
  { name: "types", what: "tsc --noEmit", parts: [types] },
  { name: "unit", what: "pure modules", parts: [() => vitest("unit")] },
  { name: "native", what: "engine and runtimes", native: true, parts: engineCases },
  { name: "gpu", what: "the engine by Vulkan", native: true, parts: [gpuCases] },
  { name: "training", what: "corpus and training recipe", parts: [training] },
  { name: "races", what: "CUDA kernels under the race detector", native: true, parts: [() => chosenCases(raceTestProgram)] },
  { name: "ptx", what: "CUDA kernels as nvcc compiles them, interpreted", native: true, parts: [() => chosenCases(ptxTestProgram)] },
  { name: "process", what: "worker and command line as processes", byClock: true, parts: [() => vitestTwice("process")] },
  { name: "webview", what: "the views in Chromium", byClock: true, drivesWindow: true, browser: true, parts: [() => vitestTwice("webview")] },
  { name: "e2e", what: "packaged, in a real VS Code", byClock: true, drivesWindow: true, browser: true, prepare: ensureCodeServer, parts: [() => vitestTwice("e2e")] },
];

/** What a failing suite printed, cut to its end. */
export const excerpt = (output) => tail(output, 120);

// octet eval as a user runs it: with a pretended model whose completions are known, and with the starter pair.
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { EvalMethod } from "../../extension/cli/eval/attempt";
import type { ProblemRecord } from "../../extension/cli/eval/metrics";
import type { Comparison, SummaryRow } from "../../extension/cli/eval/table";
import { parsed } from "./evalDocument";
import { childrenOf, folder, isAlive, root, run, runAsked, start, starter, until, useBuiltCli } from "./harness";
import { holdingJails } from "./holdingJails";

useBuiltCli();

interface Document {
  suite: string;
  parameters: Record<string, unknown>;
  complete: boolean;
  summary: SummaryRow[];
  breakdown?: SummaryRow[];
  comparisons: Comparison[];
  problems: ProblemRecord[];
  notices: string[];
}

const problems = [
  { task_id: "Tiny/0", entry_point: "add", prompt: "def add(a, b):\n    \"\"\"The sum.\"\"\"\n", test: "def check(f):\n    assert f(2, 3) == 5\n" },
  { task_id: "Tiny/1", entry_point: "sub", prompt: "def sub(a, b):\n    \"\"\"The difference.\"\"\"\n", test: "def check(f):\n    assert f(2, 3) == -1\n" },
  { task_id: "Tiny/2", entry_point: "hang", prompt: "def hang(a, b):\n    \"\"\"Anything that ends.\"\"\"\n", test: "def check(f):\n    assert f(2, 3) is not None\n" },
];
// Ranked by log-probability: the wrong one for add is best; the one that never finishes would be. The last loops in hang alone.
const lanes = [
  { text: "    return a + b", finishReason: "stop", meanLogprob: -0.5 },
  { text: "    return a - b", finishReason: "end", meanLogprob: -0.2 },
  { text: "    return a + b", finishReason: "length", meanLogprob: -0.1 },
  { text: "    while hang: pass", finishReason: "stop", meanLogprob: -0.9 },
];
const addon = path.join(root, "test", "cli", "evalAddon.cjs");
const pretended = { OCTET_ADDON: addon, OCTET_EVAL_LANES: JSON.stringify(lanes) };

let problemFile = "";
let sources = "";
beforeAll(() => {
  problemFile = path.join(folder, "problems.jsonl");
  writeFileSync(problemFile, problems.map((problem) => JSON.stringify(problem)).join("\n"));
  sources = path.join(folder, "sources");
  mkdirSync(sources);
  writeFileSync(path.join(sources, "a.py"), `${Array.from({ length: 30 }, (_, line) => `value_${line} = compute(${line})`).join("\n")}\n`);
  writeFileSync(path.join(sources, "b.ts"), `${Array.from({ length: 30 }, (_, line) => `const value${line} = compute(${line});`).join("\n")}\n`);
});

const four = ["-n", "4", "--seed", "0", "--timeout-s", "4"];

const jailed = (await holdingJails()).length > 0;

describe.skipIf(!jailed)("humaneval", () => {
  const rowOf = ({ summary }: Document, method: EvalMethod): SummaryRow | undefined => summary.find((row) => row.method === method);

  it("ranks, judges and counts what each method finished within the budget", async () => {
    const { code, stdout } = await run(["eval", "humaneval", "--problems", problemFile, ...four, "--json"], { env: pretended });
    expect(code).toBe(0);
    const document = parsed<Document>(stdout);
    expect(document.complete).toBe(true);
    // Each batch has candidates 0, 1 and 3 finished. add: 0 is right; sub: 1, the best, is right; hang: 0 and 1 are.
    for (const method of ["regular", "bass"] as const) {
      const row = rowOf(document, method);
      expect(row?.problems).toBe(3);
      expect(row?.passFirst?.value).toBeCloseTo(2 / 3);
      expect(row?.passAll?.value).toBe(1);
      expect(row?.passFinished?.value).toBeCloseTo(4 / 9);
      expect(row?.finished?.value).toBe(3);
      expect(row?.acceptanceRate).toBe(method === "bass" ? 0.5 : null);
    }
    // One lane takes 1000 ms: two finish within 2500 ms, the third is cut off, the fourth never starts.
    const single = rowOf(document, "speculative-single");
    expect(single?.finished?.value).toBe(2);
    expect(single?.passFinished?.value).toBeCloseTo(4 / 6);
    const [add] = document.problems;
    expect(add?.methods["speculative-single"]?.candidates.map(({ finishReason, right }) => [finishReason, right]))
      .toEqual([["stop", true], ["end", false], ["budget", null]]);
    expect(add?.methods.bass?.candidates.map(({ right, detail }) => [right, detail]))
      .toEqual([[true, undefined], [false, "AssertionError"], [null, undefined], [false, expect.stringMatching(/^NameError/)]]);
    expect(document.problems[2]?.methods.bass?.candidates[3]).toMatchObject({ right: false, detail: "timeout" });
    expect(add?.methods.bass?.figures.reusedTokens).toBe(0);
    expect(document.comparisons.map(({ over }) => over)).toEqual(["regular", "speculative-single"]);
  });

  it("prints a table, ratios and how to read them", async () => {
    const { code, stdout, stderr } = await run(["eval", "humaneval", "--problems", problemFile, ...four, "--limit", "1"], { env: pretended });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^octet: 1 of 1, regular\n/);
    expect(stdout).toMatch(/^pretended Q8_0 with pretended Q8_0\n/);
    expect(stdout).toMatch(/\nproblems {2}method +Pass@First +Pass@All +Pass@Finished +finished +first +last +all +tok\/s +accepted\n/);
    expect(stdout).toMatch(/\n +1 {2}bass +0 % \[0–79\] +100 % \[21–100\] +33 % \[33–33\] +3\.00 \[3\.00–3\.00\]/);
    expect(stdout).toMatch(/\nbass over regular: .*\nbass over speculative-single: /);
    expect(stdout).toMatch(/right: its tests pass in a sandbox \((bwrap|unshare)\) within 4 s/);
  });

  it("keeps results and goes on where they end, torn line and all", async () => {
    const results = path.join(folder, "results.jsonl");
    const args = ["eval", "humaneval", "--problems", problemFile, ...four, "--methods", "bass", "--results", results, "--json"];
    const whole = parsed<Document>((await run(args, { env: pretended })).stdout);
    const lines = readFileSync(results, "utf8").trimEnd().split("\n");
    expect(lines).toHaveLength(4);
    writeFileSync(results, `${lines.slice(0, 3).join("\n")}\n${lines[3]?.slice(0, 20)}`);
    const again = await run(args, { env: { ...pretended, OCTET_EVAL_SLOW: "3" } }); // one warm-up, one problem: no third request
    expect(again.code).toBe(0);
    expect(parsed<Document>(again.stdout).problems).toEqual(whole.problems);
    expect(readFileSync(results, "utf8").trimEnd().split("\n")).toEqual(lines);

    const other = await run([...args, "--temperature", "0.5"], { env: pretended });
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/^octet: .*results\.jsonl was made with other settings \(temperature\)\. Name another file/m);
    const text = path.join(folder, "letter.txt");
    writeFileSync(text, "Dear all,\n");
    const foreign = await run([...args.slice(0, -2), text], { env: pretended });
    expect(foreign.code).toBe(2);
    expect(foreign.stderr).toMatch(/letter\.txt is not a results file of octet eval/);
    expect(readFileSync(text, "utf8")).toBe("Dear all,\n");
    appendFileSync(results, "damaged\n");
    expect((await run(args, { env: pretended })).stderr).toMatch(/is not a results file/);
  });

  it("prints what is done when it is stopped, and leaves nothing running", async () => {
    const args = ["eval", "humaneval", "--problems", problemFile, ...four, "--methods", "regular", "--json"];
    const seen = path.join(folder, "seen.jsonl");
    const slow = start([...args, "--results", seen], { ...pretended, OCTET_EVAL_SLOW: "4" }); // a warm-up and two problems come first
    await until("two results", () => existsSync(seen) && readFileSync(seen, "utf8").trimEnd().split("\n").length === 3);
    const workers = childrenOf(slow.child.pid ?? 0);
    expect(workers.length).toBeGreaterThan(0);
    slow.child.kill("SIGINT");
    const { code, stdout } = await slow.done;
    expect(code).toBe(130);
    const document = parsed<Document>(stdout);
    expect(document.complete).toBe(false);
    expect(document.problems.map(({ problem }) => problem)).toEqual(["Tiny/0", "Tiny/1"]);
    expect(document.notices).toContain("Stopped after 2 of 3 problems.");
    expect(workers.filter(isAlive)).toEqual([]);
  });

  it("prints what is done when the worker dies", async () => {
    const args = ["eval", "humaneval", "--problems", problemFile, ...four, "--methods", "regular", "--json"];
    const { code, stdout, stderr } = await run(args, { env: { ...pretended, OCTET_EVAL_DIE: "3" } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/\noctet: the worker stopped \(.*\)\..*\n$/);
    expect(parsed<Document>(stdout)).toMatchObject({ complete: false, problems: [{ problem: "Tiny/0" }] });
  });

  it("writes the document into a file, whole, beside the tables", async () => {
    const file = path.join(folder, "document.json");
    const { stdout } = await run(
      ["eval", "humaneval", "--problems", problemFile, ...four, "--methods", "regular", "--markdown", "--json", file], { env: pretended });
    expect(stdout).toMatch(/^\| problems \| method \| Pass@First \|/);
    expect(parsed<Document>(readFileSync(file, "utf8")).problems).toHaveLength(3);
    expect(readdirSync(folder).filter((name) => name.includes(".tmp"))).toEqual([]);
  });

  it("refuses what cannot be, in one line with exit code 2", async () => {
    const refused = async (args: string[], message: RegExp, env = {}): Promise<void> => {
      const { code, stdout, stderr } = await run(["eval", ...args], { env: { ...pretended, ...env } });
      expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(message);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    };
    await refused(["humaneval"], /required option '--problems <FILE>'/);
    await refused(["humaneval", "--problems", path.join(folder, "none")], /none: no such file/);
    await refused(["humaneval", "--problems", starter], /not UTF-8 text .* --problems takes HumanEval's file/);
    await refused(["humaneval", "--problems", problemFile, "--json", "--markdown"], /exclude each other/);
    await refused(["humaneval", "--problems", problemFile, "--draft-length", "none"], /what the method regular does/);
    await refused(["humaneval", "--problems", problemFile, "--timeout-s", "0"], /--timeout-s takes a number above 0/);
    await refused(["humaneval", "--problems", problemFile], /Memory holds 4 lanes, not 8/, { OCTET_EVAL_MAX_LANES: "4" });
    await refused(["infill", "--files", path.join(folder, "none")], /none: no such folder/);
    await refused(["acceptance", "--files", sources, "--temperatures", "0,hot"], /--temperatures takes a number/);
    await refused(["loss", "--files", sources, "--json", ""], /--json takes a path, not an empty text/);
    await refused(["loss", "--files", sources, "--json", path.join(folder, "none", "loss.json")], /loss\.json cannot be written: there is no folder/);
    await refused(["loss", "--files", sources, "--json", sources], /is a folder, not a file/);
    await refused(["nonsense"], /unknown command 'nonsense'/);
  });
});

describe("infill", () => {
  it("cuts the same holes for a seed, and finds the text that was cut out", async () => {
    const env = { ...pretended, OCTET_EVAL_LANES: JSON.stringify([{ text: "value_20 = compute(20)  ", finishReason: "stop", meanLogprob: -1 }]) };
    const infill = async (...args: string[]): Promise<Document> => {
      const { code, stdout, stderr } = await run(
        ["eval", "infill", "--files", sources, "--methods", "bass", "-n", "2", "--holes", "30", "--json", ...args], { env });
      expect(code, stderr).toBe(0);
      return parsed<Document>(stdout);
    };
    const document = await infill();
    const right = document.problems.filter(({ methods }) => methods.bass?.candidates.some((candidate) => candidate.right));
    expect(right.map(({ problem }) => problem)).toEqual(["a.py:21:single-line"]);
    expect(document.summary.map(({ groups, method }) => [groups.kind, method])).toEqual([["multi-line", "bass"], ["single-line", "bass"]]);
    expect(document.breakdown?.map(({ groups }) => Object.values(groups).join(" ")))
      .toEqual(["multi-line python", "multi-line typescript", "single-line python", "single-line typescript"]);
    const few = await infill("--limit", "5");
    expect(few.problems.map(({ problem }) => problem)).toEqual(document.problems.slice(0, 5).map(({ problem }) => problem));
    const otherSeed = await infill("--limit", "5", "--seed", "2");
    expect(otherSeed.problems.map(({ problem }) => problem)).not.toEqual(few.problems.map(({ problem }) => problem));
  });
});

describe("infill --heal", () => {
  const args = ["eval", "infill", "--files", "", "--methods", "bass", "-n", "2", "--limit", "2", "--json"];
  const infill = (...more: string[]) => runAsked([...args.with(3, sources), ...more], { env: pretended });

  it("asks for token healing, which is off by default, and says which in its settings", async () => {
    const [healed, plain] = [await infill("--heal"), await infill()];
    for (const [{ code, stdout, asked }, heal] of [[healed, true], [plain, false]] as const) {
      expect(code).toBe(0);
      expect(parsed<Document>(stdout).parameters.heal).toBe(heal);
      expect(asked.length).toBeGreaterThan(2);
      for (const params of asked) expect(params.heal ?? false).toBe(heal);
    }
    const { stdout } = await run(["eval", "infill", "--files", sources, "--limit", "1", "--methods", "bass", "--heal"], { env: pretended });
    expect(stdout).toMatch(/seed 1, token healing\./);
  });
  it("goes on with results of the same setting alone", async () => {
    const results = path.join(folder, "infill.jsonl");
    expect((await infill("--results", results)).code).toBe(0);
    expect((await infill("--results", results)).code).toBe(0);
    const { code, stderr } = await infill("--results", results, "--heal");
    expect(code).toBe(2);
    expect(stderr).toMatch(/^octet: .*infill\.jsonl was made with other settings \(heal\)\. Name another file/);
  });
});

describe("acceptance", () => {
  it("counts by language, temperature and batch", async () => {
    const { code, stdout } = await run(["eval", "acceptance", "--files", sources, "--temperatures", "0,0.8", "--batch", "1,4", "--json"], { env: pretended });
    expect(code).toBe(0);
    const { summary } = parsed<{ summary: Record<string, unknown>[] }>(stdout);
    expect(summary.map(({ language, temperature, batch }) => [language, temperature, batch])).toEqual(
      ["python", "typescript", "all"].flatMap((language) => [0, 0.8].flatMap((temperature) => [1, 4].map((batch) => [language, temperature, batch]))));
    // Of four drafted two are kept and the third is rejected, so three were looked at.
    for (const row of summary) expect(row).toMatchObject({ acceptanceRate: { value: 0.5 }, perToken: { value: 2 / 3 }, tokensPerStep: 3 });
  });
});

describe("loss", () => {
  it("gives bits per byte of each model", async () => {
    const { code, stdout } = await run(["eval", "loss", "--files", sources, "--json"], { env: pretended });
    expect(code).toBe(0);
    const { summary } = parsed<{ summary: Record<string, number>[] }>(stdout);
    expect(summary.map(({ language }) => language)).toEqual(["typescript", "python", "all"]);
    for (const row of summary) {
      expect(row.target).toBeCloseTo(1);
      expect(row.draft).toBeCloseTo(2);
      expect(row.bytesPerToken).toBe(1);
    }
  });
});

describe("with the starter pair", () => {
  const pair = { env: {} };

  it("runs every suite to its end", async () => {
    const quick = ["-n", "2", "--budget-ms", "400", "--max-tokens", "24", "--limit", "2", "--json"];
    for (const args of [["humaneval", "--problems", problemFile, ...quick], ["infill", "--files", sources, ...quick]]) {
      const { code, stdout, stderr } = await run(["eval", ...args], pair);
      expect(code, stderr).toBe(0);
      const document = parsed<Document>(stdout);
      expect(document.problems).toHaveLength(2);
      for (const { methods } of document.problems) {
        expect(Object.keys(methods).sort()).toEqual(["bass", "regular", "speculative-single"]);
        for (const { figures } of Object.values(methods)) expect(figures.reusedTokens).toBe(0);
      }
    }
  });
  it("foretells code better than chance", async () => {
    const { code, stdout } = await run(["eval", "loss", "--files", sources, "--json"], pair);
    expect(code).toBe(0);
    const { summary } = parsed<{ summary: { language: string; target: number; draft: number }[] }>(stdout);
    const all = summary.find(({ language }) => language === "all");
    expect(all?.target).toBeGreaterThan(0);
    expect(all?.target).toBeLessThan(3);
    expect(all?.draft).toBeLessThan(4);
  });
  it.each([["the pair's acceptance", []], ["a target's alone, of what is looked up", ["--no-draft"]]])("measures %s", async (_, options) => {
    const args = ["eval", "acceptance", "--files", sources, "--limit", "2", "--temperatures", "0", "--batch", "2", "--new-tokens", "16", "--json", ...options];
    const { code, stdout } = await run(args, pair);
    expect(code).toBe(0);
    const { summary } = parsed<{ summary: { acceptanceRate: { value: number }; perToken: { value: number } }[] }>(stdout);
    for (const { acceptanceRate, perToken } of summary) {
      expect(acceptanceRate.value).toBeGreaterThan(0);
      expect(perToken.value).toBeGreaterThanOrEqual(acceptanceRate.value);
      expect(perToken.value).toBeLessThanOrEqual(1);
    }
  });
});

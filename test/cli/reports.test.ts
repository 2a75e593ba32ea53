// octet bench, inspect and doctor.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Row } from "../../extension/cli/benchTable";
import type { Check } from "../../extension/cli/doctorChecks";
import type { InspectReport } from "../../extension/cli/inspect";
import { folder, root, run, start, starter, starterDraft, stories, until, useBuiltCli } from "./harness";

useBuiltCli();

const tiny = ["bench", "--batch", "1,2", "--prompt-tokens", "32", "--new-tokens", "16", "--repeat", "2", "--draft-length", "fixed:2"];

describe("bench", () => {
  it("fills every column for every method and batch size", async () => {
    const { code, stdout, stderr } = await run([...tiny, "--json"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^octet: warm-up, batch 1/);
    const { rows, parameters } = JSON.parse(stdout) as { rows: Row[]; parameters: { newTokens: number } };
    expect(rows.map((row) => [row.batch, row.method])).toEqual([1, 2].flatMap((batch) =>
      ["regular", "speculative-single", "bass"].map((method) => [batch, method])));
    for (const row of rows) {
      expect(row.runs).toBe(2);
      expect(row.tokens).toEqual({ median: row.batch * parameters.newTokens, min: row.batch * parameters.newTokens, max: row.batch * parameters.newTokens });
      const speculative = row.method !== "regular";
      for (const spread of [row.tokensPerSecond, row.tokensPerStep, row.ratioToRegular, ...Object.values(row.msPerToken)]) {
        expect(spread?.median).toBeGreaterThan(0);
        expect(spread?.min).toBeLessThanOrEqual(spread?.median ?? 0);
        expect(spread?.max).toBeGreaterThanOrEqual(spread?.median ?? 0);
      }
      expect(row.acceptanceRate !== null).toBe(speculative);
      expect(row.meanDraftLength !== null).toBe(speculative);
    }
    const [regular, single] = rows.filter((row) => row.batch === 2);
    expect(regular?.ratioToRegular?.median).toBe(1);
    expect(single?.msPerToken.last?.median).toBeGreaterThan(single?.msPerToken.first?.median ?? Infinity);
  });

  it("needs nothing but what the packaged extension holds of it", () => {
    const place = path.join(folder, "packaged");
    mkdirSync(path.join(place, "dist"), { recursive: true });
    for (const name of ["package.json", "dist/cli.js"]) copyFileSync(path.join(root, name), path.join(place, name));
    for (const name of ["dist/worker.js", "models"]) symlinkSync(path.join(root, name), path.join(place, name));
    const { status, stderr } = spawnSync(process.execPath, [path.join(place, "dist/cli.js"), ...tiny, "--batch", "1"], { encoding: "utf8" });
    expect(status, stderr).toBe(0);
  });

  it("prints a table, and Markdown", async () => {
    const text = await run([...tiny, "--batch", "2"]);
    expect(text.stdout).toMatch(/batch {2}method +first +last +all +tok\/s +min-max +accepted +tok\/step +draft +ratio +min-max\n/);
    expect(text.stdout).toMatch(/\n {4}2 {2}bass /);
    const alone = await run([...tiny, "--batch", "2", "--no-draft"]);
    expect(alone.stdout).toMatch(/no draft model\n[^]*\n {4}2 {2}speculative-single [^]*\n {4}2 {2}bass .* \d+ % /);  // accepted, of what was looked up
    const markdown = await run([...tiny, "--batch", "1", "--methods", "bass,regular", "--repeat", "1", "--markdown"]);
    expect(markdown.stdout).toMatch(/^\| batch \| method \|.*\n\|---:\|---\|.*\n\| 1 \| regular \|.*\n\| 1 \| bass \|/);
  });

  it("prints what was measured when it is stopped", async () => {
    const running = start([...tiny, "--repeat", "500", "--json"]);
    await until("the first counted round's end", () => /repeat (?!1 )\d+ of 500/.test(running.stderrSoFar()));
    running.child.kill("SIGINT");
    const { code, stdout } = await running.done;
    expect(code).toBe(130);
    expect((JSON.parse(stdout) as { rows: Row[] }).rows.length).toBeGreaterThan(0);
  });
});

describe("bench that is stopped in its warm-up", () => {
  it("prints nothing: there is nothing to print", async () => {
    const running = start([...tiny, "--new-tokens", "1500", "--prompt-tokens", "500"]);
    await until("the warm-up", () => running.stderrSoFar().includes("warm-up"));
    running.child.kill("SIGINT");
    expect(await running.done).toMatchObject({ code: 130, stdout: "" });
  });
});

describe("inspect", () => {
  it("finds the draft beside the target", async () => {
    const { code, stdout } = await run(["inspect", starter]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^name +octet-starter-6M\n/);
    expect(stdout.replace(/\s+/g, " ")).toContain("fill-in yes, by --at and --suffix-file; in the editor it is shown the text before the cursor alone, where there is any: " +
      "below 50 million parameters models continue better than they fill in");
    expect(stdout).toMatch(/^runs +✓ yes/m);
    expect(stdout).toMatch(/^draft +✓ .*octet-starter-1M-draft-q8_0\.gguf, 4\.0 times smaller$/m);
    expect(stdout).toMatch(/^memory +\d+ MB for 8 lanes/m);
  });
  it("looks among Octet's own models too, and passes over what does not fit", async () => {
    const copy = path.join(folder, "mine.gguf");
    copyFileSync(starter, copy);
    copyFileSync(stories, path.join(folder, "stories.gguf"));
    const { stdout } = await run(["inspect", copy, "--json"]);
    const report = JSON.parse(stdout) as InspectReport;
    expect(report).toMatchObject({ runnable: true, editorFillsIn: false, model: { fim: true } });
    expect(report.drafts.map((draft) => draft.path)).toEqual([starterDraft]);
  });
  it("says which draft fits", async () => {
    const { code, stdout } = await run(["inspect", starter, "--draft", starterDraft]);
    expect(code).toBe(0);
    expect(stdout.trimEnd()).toMatch(/draft +✓ yes · .*1M-draft-q8_0\.gguf$/);
  });
  it("says why a draft does not fit", async () => {
    const { code, stdout } = await run(["inspect", starter, "--draft", stories]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^draft +✗ no: .*vocabulary/m);
  });
});

describe("doctor", () => {
  it("finds the starter pair working", async () => {
    const { code, stdout, stderr } = await run(["doctor"]);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: "" });
    for (const name of ["octet", "worker", "runtime", "device", "memory", "threads", "target", "draft", "in use", "self-test"]) {
      expect(stdout).toMatch(new RegExp(`^[✓!-] ${name} `, "m"));
    }
    expect(stdout).not.toContain("✗");
  });
  it("says what is broken and what to do, with exit code 1", async () => {
    const { code, stdout } = await run(["doctor", "--target", path.join(folder, "none.gguf")]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✗ models .*\n {2,}→ .+/m);
    expect(stdout).toMatch(/^✗ self-test .*\n {2,}→ .+/m);
    const broken = await run(["doctor", "--json"], { env: { OCTET_ADDON: path.join(folder, "none.node") } });
    expect(broken.code).toBe(1);
    const { healthy, checks } = JSON.parse(broken.stdout) as { healthy: boolean; checks: Check[] };
    expect(healthy).toBe(false);
    for (const check of checks.filter(({ state }) => state === "broken")) expect(check.advice).toBeTruthy();
  });
});

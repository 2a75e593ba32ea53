// octet generate with the starter pair: documents, prompts, seeds, stops, budgets.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import Ajv from "ajv";
import { describe, expect, it } from "vitest";
import type { GenerateResult, LoadResult } from "../../protocol/worker";
import { example, folder, hostileAddon, root, run, runAsked, starterDraft, starter, useBuiltCli } from "./harness";

useBuiltCli();

interface Document extends GenerateResult {
  models: Pick<LoadResult, "target" | "draft">;
  parameters: { seed: number; draftLength: string; lanes: number; prompt: string; heal: boolean };
}

const validate = new Ajv().compile(JSON.parse(readFileSync(path.join(root, "docs", "generate.schema.json"), "utf8")) as object);
const short = ["--max-tokens", "12"];

async function generate(args: readonly string[], options: Parameters<typeof run>[1] = {}): Promise<Document> {
  const { code, stdout, stderr } = await run(["generate", ...args, "--json"], options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const document = JSON.parse(stdout) as Document;
  expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
  return document;
}

describe("the JSON document", () => {
  it("follows its schema and adds up", async () => {
    const { sequences, totals, models } = await generate([example, ...short]);
    expect(sequences.map((sequence) => sequence.lane)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(sequences.map((sequence) => sequence.rank).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    for (const { tokens, tokenLogprobs, meanLogprob } of sequences) {
      expect(tokenLogprobs).toHaveLength(tokens.length);
      expect(meanLogprob).toBeCloseTo(tokenLogprobs.reduce((sum, value) => sum + value, 0) / tokens.length);
    }
    expect(totals.tokens).toBe(sequences.reduce((sum, sequence) => sum + sequence.tokens.length, 0));
    expect(models.target.path).toBe(starter);
    expect(models.draft?.path).toBe(starterDraft);
  });

  it("is the same for the same seed where the prompt is computed in many pieces", async () => {
    const file = path.join(folder, "long.ts");
    writeFileSync(file, readFileSync(path.join(root, "extension/completion/completer.ts"), "utf8").slice(0, 6_000));
    const texts = async (): Promise<string[]> =>
      (await generate([file, "-n", "8", "--max-tokens", "64", "--temperature", "1", "--seed", "9", "--draft-length", "none"])).sequences.map(({ text }) => text);
    const first = await texts();
    for (let again = 0; again < 3; again++) expect(await texts()).toEqual(first);
  });

  it("is the same for the same seed and another for another", async () => {
    const texts = async (seed: string): Promise<string[]> =>
      (await generate([example, ...short, "--seed", seed, "--draft-length", "fixed:2"])).sequences.map((sequence) => sequence.text);
    const first = await texts("7");
    expect(await texts("7")).toEqual(first);
    expect(await texts("8")).not.toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(1);
  });

  it("holds nothing a terminal would obey, even where the model wrote it", async () => {
    const env = { OCTET_ADDON: hostileAddon, OCTET_HOSTILE_STEP_MS: "1" };
    const { code, stdout } = await run(["generate", example, "-n", "2", "--max-tokens", "8", "--json"], { env });
    expect(code).toBe(0);
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect((JSON.parse(stdout) as Document).sequences[0]?.text).toContain("\u001b[2J");
  });
});

describe("prompts", () => {
  it("come from standard input, named or not", async () => {
    const args = ["-n", "1", "--temperature", "0", ...short];
    const input = "def add(a, b):\n    return";
    const [named, unnamed] = [await generate(["-", ...args], { input }), await generate(args, { input })];
    expect(named.sequences[0]?.text).toBe(unnamed.sequences[0]?.text);
    expect(named.parameters.prompt).toBe("text");
  });
  it("are filled in before a suffix file", async () => {
    const suffix = path.join(folder, "tail.py");
    writeFileSync(suffix, "\n\nprint(add(1, 2))\n");
    const document = await generate(["-", "--suffix-file", suffix, "-n", "2", ...short], { input: "def add(a, b):\n    return" });
    expect(document.parameters.prompt).toBe("fim");
  });
  it.skipIf(process.platform === "win32")("come from pipes that a shell makes, however late they are written to", async () => {
    const cli = path.join(root, "dist", "cli.js");
    const command = `'${process.execPath}' '${cli}' generate <(sleep 0.5; printf 'def add(a, b):\n    return') --suffix-file <(printf '\n\nprint(1)\n') -n 1 --max-tokens 4 --json`;
    const { stdout } = spawnSync("bash", ["-c", command], { encoding: "utf8" });
    expect((JSON.parse(stdout) as Document).parameters.prompt).toBe("fim");
  });
  it("are split at a place", async () => {
    expect((await generate([example, "--at", "9:3", "-n", "2", ...short])).parameters.prompt).toBe("fim");
  });
});

describe("prompts longer than the context", () => {
  const [line, count] = ["    total = total + value  # 漢字\n", 400];
  const long = line.repeat(count);
  const one = ["-n", "1", "--max-tokens", "40", "--no-heal"]; // the totals then count the whole prompt

  it("are cut to their end at a line's start, and the document says so", async () => {
    const { code, stdout, asked } = await runAsked(["generate", "-", ...one, "--json"], { input: `def sum():\n${long}` });
    expect(code).toBe(0);
    const { totals, notices, sequences } = JSON.parse(stdout) as Document;
    expect(validate(JSON.parse(stdout)), JSON.stringify(validate.errors)).toBe(true);
    const [{ prompt } = {}] = asked;
    expect(prompt?.kind === "text" && long.endsWith(prompt.text) && prompt.text.startsWith(line)).toBe(true);
    expect(totals.promptTokens).toBeLessThanOrEqual(2048 - 40);
    expect(totals.promptTokens).toBeGreaterThan((2048 - 40) * 0.95);
    const kept = prompt?.kind === "text" ? prompt.text.length / line.length : 0;
    expect(notices).toEqual([
      `The prompt was cut to its last ${totals.promptTokens.toLocaleString("en-US")} tokens (lines ${402 - kept} to 401 of 401): ` +
        "the context holds 2,048, 40 of them for the completions.",
    ]);
    expect(sequences[0]?.tokens.length).toBeGreaterThan(0);
  });
  it("are cut around a place, and the report says so", async () => {
    const file = path.join(folder, "long.py");
    writeFileSync(file, long);
    const { stdout, asked } = await runAsked(["generate", file, "--at", "200:5", ...one]);
    const [{ prompt } = {}] = asked;
    const [before, after] = [line.repeat(199) + line.slice(0, 4), line.slice(4) + line.repeat(200)];
    expect(prompt?.kind === "fim" && before.endsWith(prompt.prefix) && after.startsWith(prompt.suffix)).toBe(true);
    expect(stdout).toMatch(/\nnote: The prompt was cut to the last 1,\d{3} tokens before the completion \(lines \d+ to 200 of 400\) and the first \d{3} tokens after it \(lines 200 to \d{3} of 400\): the context holds 2,048, 40 of them for the completions\.\n$/);
  });
  it("are given as they stand up to the last token that leaves room", async () => {
    const options = [...one, "--seed", "1"];
    const { totals } = await generate([example, ...options]);
    const fits = await runAsked(["generate", example, ...options, "--json", "--context", String(totals.promptTokens + 40)]);
    expect(fits.asked[0]?.prompt).toEqual({ kind: "text", text: readFileSync(example, "utf8") });
    expect((JSON.parse(fits.stdout) as Document).notices).toEqual([]);
    const short = await generate([example, ...options, "--context", String(totals.promptTokens + 39)]);
    expect(short.totals.promptTokens).toBeLessThan(totals.promptTokens);
    expect(short.notices[0]).toMatch(/^The prompt was cut .* Raise --context for more; these models hold up to 2,048\.$/);
  });
});

describe("token healing", () => {
  it("is asked for unless it is turned off, and the document says which", async () => {
    for (const [args, heal] of [[[], true], [["--no-heal"], false]] as const) {
      const { stdout, asked } = await runAsked(["generate", example, "-n", "1", "--max-tokens", "4", "--json", ...args]);
      expect(asked.map((params) => params.heal ?? false)).toEqual([heal]);
      expect((JSON.parse(stdout) as Document).parameters.heal).toBe(heal);
    }
  });
});

describe("options", () => {
  it("end lanes at a stop text", async () => {
    const { sequences } = await generate([example, "-n", "4", "--max-tokens", "200", "--stop", String.raw`\n`, "--seed", "3"]);
    for (const sequence of sequences) expect(sequence.text).not.toContain("\n");
    expect(sequences.some((sequence) => sequence.finishReason === "stop")).toBe(true);
  });
  it("end at a time budget, with exit code 0", async () => {
    const { sequences } = await generate([example, "--max-tokens", "1500", "--budget-ms", "300", "--context", "2048", "-n", "4"]);
    expect(sequences.some((sequence) => sequence.finishReason === "budget")).toBe(true);
  });
  it("look drafts up without a draft model, and draft by each length", async () => {
    const alone = await generate([example, ...short, "--no-draft", "--draft-length", "fixed:3"]);
    expect(alone.models.draft).toBeNull();
    expect(alone.totals.drafted).toBeGreaterThan(0);
    expect((await generate([example, ...short, "--target", starter, "--draft-length", "none"])).totals.drafted).toBe(0);
    for (const length of ["bass", "fixed:4"]) {
      const { totals, parameters } = await generate([example, ...short, "--draft-length", length]);
      expect(parameters.draftLength).toBe(length);
      expect(totals.drafted).toBeGreaterThan(0);
    }
  });
});

describe("the report", () => {
  it("ranks whole texts, groups equal ones, and ends with the totals", async () => {
    const { code, stdout, stderr } = await run(["generate", example, "-n", "3", "--temperature", "0", "--max-tokens", "9", "--seed", "5"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^ 1 {2}token limit · log p −?\d+\.\d\d · 9 tokens · [\d.]+ ms\/token · 3 lanes wrote this ─+\n/);
    expect(stdout.match(/log p/g)).toHaveLength(1);
    expect(stdout).toMatch(/\nper token .+\ntogether .+ tok\/s.+\n(draft .+ accepted .+\n)?prompt .+\nmodels +octet-starter-6M Q8_0 with .+\ndevice +CPU, \d threads?, seed 5\n$/);
    expect(stdout).not.toContain("\u001b");
  });
  it("is sanitised", async () => {
    const { stdout } = await run(["generate", example, "-n", "2", "--max-tokens", "8"], { env: { OCTET_ADDON: hostileAddon, OCTET_HOSTILE_STEP_MS: "1" } });
    expect(stdout).toContain("␛[2J␛[H␛]0;owned␇");
    expect(stdout).toContain("a ␛[5mnotice");
    expect(stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  });
});

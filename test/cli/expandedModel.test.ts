// Small models blown up to large ones by the training recipe's expand.py, in octet: they foretell a text as the small ones do.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { folder, root, run, starter, starterDraft, stories, useBuiltCli } from "./harness";

useBuiltCli();

const hasNumPy = spawnSync("python3", ["-c", "import numpy"]).status === 0;
const target = (): string => path.join(folder, "large.gguf");
const draft = (): string => path.join(folder, "large-draft.gguf");

function expand(source: string, to: string, width: number, layers: number, feedForward: number, heads: number, kvHeads: number) {
  const shape = ["--width", width, "--layers", layers, "--feed-forward", feedForward, "--heads", heads, "--kv-heads", kvHeads];
  return spawnSync("python3", [path.join(root, "models/training/expand.py"), source, to, ...shape.map(String)], { encoding: "utf8" });
}

it.skipIf(!hasNumPy)("more layers, heads, key heads, units and channels, and the same bits of a text", async () => {
  expect(expand(starter, target(), 512, 8, 1408, 12, 3)).toMatchObject({ status: 0, stderr: "" });
  expect(expand(starterDraft, draft(), 384, 3, 416, 4, 2)).toMatchObject({ status: 0, stderr: "" });
  const sources = path.join(folder, "sources");
  mkdirSync(sources);
  writeFileSync(path.join(sources, "a.ts"), Array.from({ length: 40 }, (_, line) => `export const value${line} = compute(${line}, "text");\n`).join(""));
  const bits = async (of: string, with_: string) => {
    const { code, stdout, stderr } = await run(["eval", "loss", "--files", sources, "--target", of, "--draft", with_, "--device", "cpu", "--kv", "f32", "--json"]);
    expect(code, stderr).toBe(0);
    return (JSON.parse(stdout) as { files: { target: number; draft: number }[] }).files[0]!;
  };
  const [small, large] = [await bits(starter, starterDraft), await bits(target(), draft())];
  expect(large.target / small.target).toBeCloseTo(1, 2);
  expect(large.draft / small.draft).toBeCloseTo(1, 2);
}, 120_000);

it.skipIf(!hasNumPy)("what cannot be blown up is refused in one line, and nothing is written", () => {
  const to = path.join(folder, "none.gguf");
  for (const [made, why] of [
    [expand(starter, to, 520, 8, 1408, 12, 3), "no multiple of"],
    [expand(starter, to, 512, 2, 1408, 12, 3), "--layers 2"],
    [expand(starter, to, 512, 8, 1400, 12, 3), "multiple of 32"],
    [expand(starter, to, 512, 8, 1408, 4, 4), "--heads 4 is not --kv-heads 4 times 2 or more"],
    [expand(stories, to, 512, 8, 1408, 12, 3), "--kv-heads 3"],
    [expand(starterDraft, path.join(folder, "nowhere", "none.gguf"), 128, 2, 384, 2, 1), "No such file"],
    [expand(path.join(folder, "nowhere.gguf"), to, 512, 8, 1408, 12, 3), "No such file"],
  ] as const) {
    expect(made.status).toBe(2);
    expect(made.stderr).toContain(why);
    expect(made.stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(existsSync(to)).toBe(false);
  }
});

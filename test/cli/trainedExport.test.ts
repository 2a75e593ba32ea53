// Files as the training recipe exports them, in octet: bits of a text against a model in NumPy with the weights before rounding.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { folder, root, run, useBuiltCli } from "./harness";

useBuiltCli();

it("F16 and Q8_0 files foretell a text as the model they were exported from", async ({ skip }) => {
  const sources = path.join(folder, "held-out");
  const text = path.join(sources, "a.py");
  mkdirSync(sources);
  writeFileSync(text, Array.from({ length: 8 }, (_, line) => `value_${line} = compute(${line})\n`).join(""));
  const made = spawnSync("python3", [path.join(root, "models/training/tests/tiny_export.py"), folder, text], { encoding: "utf8" });
  expect(made.stderr).toBe("");
  const expected = JSON.parse(made.stdout) as { tokens: number; bits: number } | null;
  if (expected === null) return skip("NumPy is not here");
  for (const [kind, share] of [["f16", 0.002], ["q8_0", 0.01]] as const) {
    const file = path.join(folder, `${kind}.gguf`);
    const { code, stdout, stderr } = await run(["eval", "loss", "--files", sources, "--target", file, "--draft", file, "--device", "cpu", "--kv", "f32", "--json"]);
    expect(code, stderr).toBe(0);
    const [sample] = (JSON.parse(stdout) as { files: { tokens: number; target: number }[] }).files;
    expect(sample?.tokens).toBe(expected.tokens);
    expect(Math.abs(sample!.target / expected.bits - 1), `${kind}: ${sample!.target} bits, not ${expected.bits}`).toBeLessThan(share);
  }
});

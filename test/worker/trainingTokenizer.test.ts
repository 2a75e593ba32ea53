// The training recipe's tokenizer and GGUF writer against llama.cpp: the worker loads a file the recipe wrote and tokenises alike.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { addons, root, start, useWorkerBundle } from "./harness";

useWorkerBundle();
const real = addons.find((addon) => addon.name === "real");

const sources = ["extension/completion", "models/training", "native/engine", "docs"].flatMap((folder) =>
  readdirSync(path.join(root, folder)).filter((name) => /\.(ts|py|cpp|h|md)$/.test(name)).map((name) => readFileSync(path.join(root, folder, name), "utf8")));
const awkward = [
  "", " ", "\n", "\r\n\r\n", "a  b   c\n\n  \n\td", "  \n", "it's I'LL we'Ve don't 'tis", "x=1234567890;", "<|fim_prefix|><|endoftext|>",
  "naïve café Ünïcode 漢字かな 한국어 русский ελληνικά", "🙂👩‍👩‍👧 e\u0301 ½ ² Ⅷ ٣", "\u00a0\u2003x\u3000y\u0085z", "!!!???((([[{{\r\n\n", "$a_b-c\\d/e\"f'g`h",
  "\t\tif (a) {\r\n\t\t\treturn;\r\n\t\t}", "trailing   ", "\u0001\u001f\u007f", "-".repeat(300), "ǅ ʰ ª º ١٢٣",
];

const kept = path.join(root, "models/training/tokenizer.json");

test.skipIf(!real).each([["of 2,048 tokens, trained here", "2048"], ["that the recipe keeps", kept]])(
  "the tokenizer %s tokenises code, prose and awkward text as llama.cpp does", async (_, tokenizer) => {
  const folder = mkdtempSync(path.join(tmpdir(), "octet-tokenizer-"));
  try {
    const target = path.join(folder, "tiny.gguf");
    const samples = [...awkward, ...sources];
    const made = spawnSync("python3", [path.join(root, "models/training/tests/tiny_gguf.py"), target, tokenizer], {
      input: JSON.stringify({ text: sources.join("\n"), samples }), encoding: "utf8", maxBuffer: 1 << 26,
    });
    expect(made.stderr).toBe("");
    const expected = JSON.parse(made.stdout) as number[][];
    const client = start(real!);
    await client.hello();
    await client.load({ ...real!.load, target, draft: null, lanes: 1 });
    for (const [index, text] of samples.entries()) {
      const { tokens } = await client.tokenize(text);
      expect({ text: text.slice(0, 300), tokens }).toEqual({ text: text.slice(0, 300), tokens: expected[index] });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

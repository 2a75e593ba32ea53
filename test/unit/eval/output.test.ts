// The file that octet eval --json writes.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { writeFileWhole } from "../../../extension/cli/eval/report";

let folder: string;
beforeEach(() => { folder = mkdtempSync(path.join(tmpdir(), "octet-output-")); });
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("is whole, in place of one before", async () => {
  const file = path.join(folder, "report.json");
  for (const text of ["{}\n", '{"suite": "loss"}\n']) {
    await writeFileWhole(file, text);
    expect([readdirSync(folder), readFileSync(file, "utf8")]).toEqual([["report.json"], text]);
  }
});

it("that cannot be written is said in a line, and nothing else stays", async () => {
  const taken = path.join(folder, "taken");
  mkdirSync(taken);
  await expect(writeFileWhole(taken, "{}\n")).rejects.toThrow(/taken cannot be written: /);
  expect(readdirSync(folder)).toEqual(["taken"]);
});

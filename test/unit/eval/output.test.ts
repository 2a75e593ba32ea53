// The files that octet eval writes: --json and --results.
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openRecords } from "../../../extension/cli/eval/records";
import { checkOutput, writeFileWhole } from "../../../extension/cli/eval/report";

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

it.skipIf(process.platform === "win32")("is written where a link leads, and the link stays", async () => {
  const [file, link] = [path.join(folder, "report.json"), path.join(folder, "latest.json")];
  writeFileSync(file, "before");
  symlinkSync("report.json", link);
  await writeFileWhole(link, "{}\n");
  expect(readFileSync(file, "utf8")).toBe("{}\n");
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
});

it.skipIf(process.platform === "win32")("is written where a link leads though nothing is there yet", async () => {
  const link = path.join(folder, "latest.json");
  symlinkSync("report.json", link);
  await writeFileWhole(link, "{}\n");
  expect(readFileSync(path.join(folder, "report.json"), "utf8")).toBe("{}\n");
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
});

it.skipIf(process.platform === "win32")("is never put in a device's place", () => {
  expect(() => checkOutput({ json: "/dev/null" })).toThrow("--json: /dev/null is not a regular file");
});

it.skipIf(process.platform === "win32")("results are kept in a regular file alone: none else can be gone on with", async () => {
  const pipe = path.join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  for (const file of ["/dev/null", pipe]) await expect(openRecords(file, {})).rejects.toThrow(`${file} is not a regular file`);
});

it("results are written by one at a time", async () => {
  const file = path.join(folder, "results.jsonl");
  const first = await openRecords(file, {});
  await expect(openRecords(file, {})).rejects.toThrow(`${file} is being written by another window or program (process ${process.pid})`);
  await first.close();
  await expect(openRecords(file, { other: "settings" })).rejects.toThrow("was made with other settings");
  await (await openRecords(file, {})).close();
  expect(readdirSync(folder)).toEqual(["results.jsonl"]);
  await expect(openRecords(path.join(folder, "none", "results.jsonl"), {})).rejects.toThrow("results.jsonl cannot be written: ENOENT");
});

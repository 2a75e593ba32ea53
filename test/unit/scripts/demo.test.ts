// What `npm run demo` makes of its arguments before it prepares anything.
import { spawnSync } from "node:child_process";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { addGenerate } from "../../../extension/cli/generateCommand";
import { judgeArguments } from "../../../extension/cli/program";
import { demoArguments, generateOptions } from "../../../scripts/lib/demoArguments.mjs";

const shown = ["-n", "8", "--temperature", "0.6", "--max-tokens", "48"];

describe("the demo's arguments", () => {
  it("complete the example, with the options given behind its own", () => {
    expect(demoArguments([])).toEqual(["generate", "examples/csv_columns.py", ...shown]);
    const given = ["--temperature", "0.8", "-n", "2", "--top-p=0.9", "--no-draft", "--verbose", "--stop", "--"];
    expect(demoArguments(given)).toEqual(["generate", "examples/csv_columns.py", ...shown, ...given]);
  });
  it("complete a file or standard input in the example's place", () => {
    expect(demoArguments(["package.json", "--json"])).toEqual(["generate", ...shown, "package.json", "--json"]);
    expect(demoArguments(["-"])).toEqual(["generate", ...shown, "-"]);
  });
  it("keep the example where an option's value is a file", () => {
    expect(demoArguments(["--target", "package.json"])).toEqual(["generate", "examples/csv_columns.py", ...shown, "--target", "package.json"]);
  });
  it.each([
    [["--nonsense"], "Unknown option '--nonsense'; options: --suffix-file, "], [["-x"], "Unknown option '-x'; options: "],
    [["--seed"], "--seed wants a value"], [["--json=yes"], "--json takes no value"], [["nothing.py"], "there is no file nothing.py"],
    [["package.json", "README.md"], "one file at a time, not package.json and README.md"],
  ])("refuse %j", (given, words) => expect(() => demoArguments(given)).toThrow(words));

  it("are those of octet generate", () => {
    const program = new Command();
    addGenerate(program, async () => {});
    const options = program.commands[0]!.options.map(({ long, short, required }) =>
      ({ name: long?.slice(2), type: required ? "string" : "boolean", short: short?.slice(1) }));
    expect(Object.entries(generateOptions).map(([name, { type, ...more }]) => ({ name, type, short: undefined, ...more }))).toEqual(options);
  });
});

describe("the values of its options", () => {
  it.each([
    [["--temperature", "abc"], '--temperature takes a number from 0 to 100, not "abc".'], [["--lanes", "99"], '-n takes a whole number from 1 to 16, not "99".'],
    [["--target", "missing.gguf"], "--target: missing.gguf: no such file."], [["--draft", "docs"], "--draft: docs: a folder, not a file."],
    [["--suffix-file", "missing.py"], "--suffix-file: missing.py: no such file."], [["--stop", ""], "--stop takes a text that is not empty."],
    [["--no-draft", "--draft", "package.json"], "--draft and --no-draft exclude each other."],
  ])("are judged by octet's own parsers: %j", async (given, words) => {
    await expect(judgeArguments(demoArguments(given))).rejects.toThrow(new Error(words));
  });
  it("are right where octet takes them", async () => {
    expect(await judgeArguments(demoArguments(["--lanes", "2", "--target", "package.json", "--suffix-file", "-", "--no-heal"]))).toBe(true);
    expect(await judgeArguments(demoArguments(["--no-draft"]))).toBe(true);
  });
  it("are judged before anything is built, and help is given without", () => {
    const demo = (...args: string[]) => spawnSync(process.execPath, ["scripts/demo.mjs", ...args], { encoding: "utf8" });
    const refused = demo("--temperature", "abc");
    expect(refused.status).toBe(1);
    expect(refused.stderr).toBe('demo: --temperature takes a number from 0 to 100, not "abc".\n');
    const help = demo("--help");
    expect(help.status).toBe(0);
    expect(help.stdout).toContain("Usage: octet generate");
    for (const { stdout } of [refused, help]) expect(stdout).not.toMatch(/native addon|bundles/);
  });
});

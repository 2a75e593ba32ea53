// What `npm run demo` makes of its arguments before it prepares anything.
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { addGenerate } from "../../../extension/cli/generateCommand";
import { demoArguments, generateOptions } from "../../../scripts/lib/demoArguments.mjs";

const shown = ["-n", "8", "--draft-length", "auto", "--temperature", "0.6", "--max-tokens", "48"];

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

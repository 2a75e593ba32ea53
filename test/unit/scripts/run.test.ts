// What every script has in common: scripts/lib/run.mjs.
import { spawn, spawnSync } from "node:child_process";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { step } from "../../../scripts/lib/run.mjs";

describe.skipIf(process.platform === "win32")("a script that is ended", () => {
  it.each(["{}", "{ show: true, input: true }"])("ends the program that it runs, %s", async (options) => {
    const seconds = `${1000 + process.pid}.25`;                     // a command line that nobody else has
    const runs = () => spawnSync("pgrep", ["-f", `sleep ${seconds}`], { encoding: "utf8" }).stdout.trim() !== "";
    const source = `import { run, script } from ${JSON.stringify(pathToFileURL(path.resolve("scripts/lib/run.mjs")).href)};
      await script("sleeps", () => run("sleep", [process.argv[1]], ${options}));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", source, seconds], { stdio: "ignore" });
    const ended = new Promise((resolve) => child.on("exit", resolve));
    await expect.poll(runs, { timeout: 5000 }).toBe(true);
    child.kill("SIGTERM");
    expect(await ended).toBe(143);
    await expect.poll(runs, { timeout: 5000 }).toBe(false);
  });
});

describe.skipIf(process.platform === "win32")("a program that is run", () => {
  const runs = `import { run, script } from ${JSON.stringify(pathToFileURL(path.resolve("scripts/lib/run.mjs")).href)};`;
  const code = (source: string, input = "") =>
    spawnSync(process.execPath, ["--input-type=module", "-e", `${runs} process.exitCode = (await run(${source})).code;`], { encoding: "utf8", input });

  it("says with its code which signal ended it", () => {
    expect(["INT", "TERM", "KILL"].map((signal) => code(`"sh", ["-c", "kill -${signal} $$"]`).status)).toEqual([130, 143, 137]);
  });
  it("reads this process's input where it is to, else none", () => {
    expect(code(`"cat", [], { show: true, input: true }`, "a line").stdout).toBe("a line");
    expect(code(`"cat", [], { show: true }`, "a line").stdout).toBe("");
  });
});

describe("a step", () => {
  const said = async (isTTY: boolean, work: () => unknown): Promise<string> => {
    let text = "";
    const output = { isTTY, write: (part: string) => ((text += part), true) };
    await step("npm packages", work, { output, everyMs: 20 }).catch(() => (text += "failed"));
    const quiet = text;
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(text).toBe(quiet);
    return text.replace(/\d+\.\d/g, "N").replace(/ +/g, " ");
  };
  const slow = () => new Promise((resolve) => setTimeout(resolve, 70));

  it("says while it lasts that it does, in one line of a terminal, and in lines elsewhere", async () => {
    expect(await said(true, slow)).toMatch(/^ npm packages N s \.\.\.(\r\x1b\[K npm packages N s \.\.\.){1,}\r\x1b\[K npm packages N s\n$/);
    expect(await said(false, slow)).toMatch(/^( npm packages N s \.\.\.\n){1,} npm packages N s\n$/);
    expect(await said(false, () => 1)).toBe(" npm packages N s\n");
  });

  it("that fails leaves the line to what is said of it", async () => {
    const fails = (): never => { throw new Error("no network"); };
    expect(await said(true, fails)).toBe(" npm packages N s ...\nfailed");
    expect(await said(false, fails)).toBe("failed");
  });
});

describe("a script that fails", () => {
  const said = (main: string) => {
    const source = `import { script } from ${JSON.stringify(pathToFileURL(path.resolve("scripts/lib/run.mjs")).href)}; import fs from "node:fs";
      await script("fails", () => { ${main} });`;
    const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", source], { encoding: "utf8" });
    return { status, lines: stderr.trimEnd().split("\n") };
  };
  it("says what is wrong with the disk in one line", () => {
    expect(said(`fs.mkdirSync("/none/below");`)).toEqual({ status: 1, lines: ["fails: ENOENT: no such file or directory, mkdir '/none/below'"] });
  });
  it("by a mistake of its own shows where", () => {
    expect(said("undefined.name;").lines.length).toBeGreaterThan(3);
  });
});

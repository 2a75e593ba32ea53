// scripts/carried.sh: how large a call to a machine with a GPU is.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";

describe.skipIf(process.platform === "win32")("scripts/carried.sh", () => {
  it("says how large a call is with the checkout, and refuses one that is too large, with advice", () => {
    const carried = (most: string) => spawnSync("bash", ["scripts/carried.sh", "models"], { env: { ...process.env, CARRIED_MIB: most }, encoding: "utf8" });
    const { status, stdout, stderr } = carried("10000");
    expect([status, stderr]).toEqual([0, ""]);
    const size = Number(/^largest call: (\d+\.\d) MiB with the checkout$/m.exec(stdout)![1]);
    expect(size).toBeGreaterThan(15);                             // models and the checkout, of which it is a part
    expect(carried(String(size + 1)).status).toBe(0);
    expect(carried(String(size - 1)).status).toBe(1);
    expect(carried("1").stderr).toContain("git restore models");
  });

  it("says in a line what is asked wrongly", () => {
    const ask = (words: string[], most = "64") => {
      const { status, stdout, stderr } = spawnSync("bash", ["scripts/carried.sh", ...words], { env: { ...process.env, CARRIED_MIB: most }, encoding: "utf8" });
      return [status, stdout, stderr];
    };
    expect(ask([])).toEqual([2, "", "carried.sh PATH...\n"]);
    expect(ask(["models"], "many")).toEqual([2, "", "CARRIED_MIB is a number: many\n"]);
    expect(ask(["nowhere"])[0]).toBe(1);
    expect(ask(["nowhere"])[2]).toMatch(/^du: .*nowhere.*\n$/);
  });

  it("counts tracked files and new ones as they lie there, not ignored ones nor those taken out of the working tree", () => {
    const there = mkdtempSync(path.join(tmpdir(), "octet-carried-"));
    const size = () => Number(/: (\d+\.\d) MiB/.exec(spawnSync("bash", ["scripts/carried.sh", ".gitignore"], { cwd: there, encoding: "utf8" }).stdout)![1]);
    try {
      for (const folder of ["scripts", "models"]) mkdirSync(path.join(there, folder));
      copyFileSync("scripts/carried.sh", path.join(there, "scripts/carried.sh"));
      writeFileSync(path.join(there, ".gitignore"), "*.log\n");
      writeFileSync(path.join(there, "models/a b.gguf"), Buffer.alloc(5 << 20));
      spawnSync("git", ["init", "-q"], { cwd: there });
      spawnSync("git", ["add", "."], { cwd: there });
      expect(size()).toBe(6.5);
      writeFileSync(path.join(there, "ignored.log"), Buffer.alloc(3 << 20));
      writeFileSync(path.join(there, "new.txt"), Buffer.alloc(2 << 20));
      expect(size()).toBe(8.5);
      rmSync(path.join(there, "models/a b.gguf"));
      expect(size()).toBe(3.5);
    } finally {
      rmSync(there, { recursive: true, force: true });
    }
  });
});

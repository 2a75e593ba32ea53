// models/training/ship.sh: what it refuses to put in the default pair's place, before it has copied anything.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(path.join(tmpdir(), "octet ship "));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What ship.sh says of a pair of these sizes in bytes; a model of none is missing. */
function ship(target: number, draft: number) {
  const run = mkdtempSync(path.join(folder, "run"));
  for (const [name, bytes] of Object.entries({ target, draft })) {
    if (bytes === 0) continue;
    writeFileSync(path.join(run, `${name}.gguf`), "");
    truncateSync(path.join(run, `${name}.gguf`), bytes);
  }
  mkdirSync(path.join(run, "root"));
  const { status, stderr } = spawnSync("bash", ["models/training/ship.sh", run, path.join(run, "root")], { encoding: "utf8" });
  return { status, stderr, copied: existsSync(path.join(run, "root/models")) };
}

describe.skipIf(process.platform === "win32")("models/training/ship.sh", () => {
  it("refuses a pair over 150 MB", () => {
    expect(ship(140_000_000, 10_000_001)).toEqual({ status: 1, stderr: "the pair has 150000001 bytes: more than 150 MB\n", copied: false });
  });

  it("refuses a draft over an eighth of its target", () => {
    expect(ship(80_000_000, 10_000_001)).toEqual({ status: 1, stderr: "the draft costs more than an eighth of the target\n", copied: false });
  });

  it("says which model is missing", () => {
    const { status, stderr } = ship(1, 0);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^there is no .*\/draft\.gguf: run_gpu\.sh join makes it\n$/)]);
    const nowhere = spawnSync("bash", ["models/training/ship.sh", path.join(folder, "no such folder", "run")], { encoding: "utf8" });
    expect([nowhere.status, nowhere.stderr]).toEqual([2, expect.stringMatching(/^there is no .*\/run\/target\.gguf: run_gpu\.sh join makes it\n$/)]);
  });
});

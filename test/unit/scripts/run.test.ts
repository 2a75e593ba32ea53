// What every script has in common: scripts/lib/run.mjs.
import { spawn, spawnSync } from "node:child_process";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";

describe.skipIf(process.platform === "win32")("a script that is ended", () => {
  it("ends the program that it runs", async () => {
    const seconds = `${1000 + process.pid}.25`;                     // a command line that nobody else has
    const runs = () => spawnSync("pgrep", ["-f", `sleep ${seconds}`], { encoding: "utf8" }).stdout.trim() !== "";
    const source = `import { run, script } from ${JSON.stringify(pathToFileURL(path.resolve("scripts/lib/run.mjs")).href)};
      await script("sleeps", () => run("sleep", [process.argv[1]]));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", source, seconds], { stdio: "ignore" });
    const ended = new Promise((resolve) => child.on("exit", resolve));
    await expect.poll(runs, { timeout: 5000 }).toBe(true);
    child.kill("SIGTERM");
    expect(await ended).toBe(143);
    await expect.poll(runs, { timeout: 5000 }).toBe(false);
  });
});

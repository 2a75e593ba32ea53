// An option that a script does not know is said at once, before anything is installed or built.
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";

describe.each(["setup", "build", "build-native", "fetch-llama-headers", "demo", "package", "test-host", "race-sites"])("scripts/%s.mjs", (name) => {
  it("names an unknown option and those that there are, and does nothing", () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [`scripts/${name}.mjs`, "--nonsense"], { encoding: "utf8", timeout: 20_000 });
    expect(status).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(new RegExp(`^${name}: Unknown option '--nonsense'; (options: --\\w+.*|it takes none)\\n$`));
  });
});

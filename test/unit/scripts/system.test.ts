// What the scripts do without: optional programs that cannot be installed, and what the suite gpu needs.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { gpuPlatform } from "../../../scripts/lib/llama.mjs";
import { listsNoDevice, vulkanLibrary } from "../../../scripts/lib/suites.mjs";
import { ensurePrograms } from "../../../scripts/lib/system.mjs";

describe.skipIf(process.platform === "win32")("on Debian without a network", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "octet-system-"));
    writeFileSync(path.join(folder, "apt-get"), "#!/bin/sh\nexit 100\n");
    chmodSync(path.join(folder, "apt-get"), 0o755);
    vi.stubEnv("PATH", `${folder}:/usr/bin:/bin`);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });
  const ensure = (user: number, optional: boolean, tests = true): Promise<void> => {
    vi.spyOn(process, "getuid").mockReturnValue(user);
    return ensurePrograms({ tests, browser: false, programs: [{ what: "a program", debian: "program", tests: true, optional, found: () => false }] });
  };

  it("root does without what is optional, not without what is needed", async () => {
    await ensure(0, true);
    await expect(ensure(0, false)).rejects.toThrow("cannot read the Debian package lists");
    await ensure(0, false, false);
  });
  it("nobody else is asked for what is optional", async () => {
    await ensure(1000, true);
    await expect(ensure(1000, false)).rejects.toThrow("needed and not found: a program; install with: sudo apt-get install -y program");
  });
});

describe("the suite gpu", () => {
  afterEach(() => void vi.unstubAllEnvs());
  it.skipIf(!gpuPlatform())("finds the backend, or says why there is none", () => {
    expect(vulkanLibrary().file).toMatch(/ggml-vulkan\.(so|dll)$/);
    vi.stubEnv("OCTET_LLAMA_LIBRARIES", tmpdir());
    expect(vulkanLibrary()).toEqual({ why: "OCTET_LLAMA_LIBRARIES names no second folder with llama.cpp's Vulkan backend" });
  });
  it("is skipped where no case found a device, and only then", () => {
    const refused = "ERROR: test case THREW exception: There is no device \"gpu\" here; there is: CPU (a processor)\n";
    expect(listsNoDevice({ passed: 0, failed: 2, output: refused + refused })).toBe(true);
    expect(listsNoDevice({ passed: 0, failed: 2, output: `${refused}ERROR: something else\n` })).toBe(false);
    expect(listsNoDevice({ passed: 1, failed: 1, output: refused })).toBe(false);
    expect(listsNoDevice({ passed: 2, failed: 0, output: "" })).toBe(false);
  });
});

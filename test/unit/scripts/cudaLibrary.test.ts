// The CUDA runtime's library in a package: of the addon's own build or refused, with NVIDIA's notice and not without it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { buildOf, checkCudaLibrary } from "../../../scripts/lib/cudaLibrary.mjs";
import { noticesText } from "../../../scripts/lib/notices.mjs";

const folder = mkdtempSync(path.join(tmpdir(), "octet-cuda-library-"));
afterAll(() => rmSync(folder, { recursive: true }));

function binary(name: string, content: string) {
  const file = path.join(folder, name);
  writeFileSync(file, Buffer.from(`\x7fELF\0\xff${content}\0rest`, "latin1"));
  return file;
}
const built = (name: string, digit: string) => binary(name, `octet-cuda-build:${digit.repeat(64)}`);

describe("a package with the CUDA runtime", () => {
  it("takes the library of the addon's build", () => {
    expect(buildOf(built("one.so", "a"))).toBe("a".repeat(64));
    expect(() => checkCudaLibrary(built("one.so", "a"), built("addon.node", "a"))).not.toThrow();
  });

  it("is refused where the library is an earlier build's, or does not say of which it is", () => {
    expect(() => checkCudaLibrary(built("stale.so", "b"), built("addon.node", "a"))).toThrow("built from other sources than the addon");
    expect(() => checkCudaLibrary(binary("old.so", "octet_cuda_library"), built("addon.node", "a"))).toThrow("does not say what it was built from");
    expect(() => checkCudaLibrary(binary("cut.so", "octet-cuda-build:12"), built("addon.node", "a"))).toThrow("does not say");
  });

  it("needs no library", () => {
    expect(() => checkCudaLibrary(path.join(folder, "missing.so"), path.join(folder, "missing.node"))).not.toThrow();
  });

  it("names NVIDIA's runtime among the notices, and only then", () => {
    expect(noticesText({ cuda: true })).toMatch(/NVIDIA CUDA Runtime .*End User License Agreement[^]*libcudart_static[^]*Attachment A/);
    expect(noticesText({ cuda: false })).not.toContain("NVIDIA");
  });
});

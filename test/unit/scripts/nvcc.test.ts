// test/native/ptx/nvcc.cmake with an nvcc that is played: what the suite `ptx` is skipped for has to be a line, never a failed build.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** What nvcc.cmake says of an nvcc with this body, beside headers of this release. */
function refused(nvcc: string, headers = "13000", ...options: string[]) {
  const folder = mkdtempSync(path.join(tmpdir(), "octet nvcc "));
  folders.push(folder);
  for (const name of ["bin", "include"]) mkdirSync(path.join(folder, name));
  writeFileSync(path.join(folder, "bin/nvcc"), `#!/bin/sh\n${nvcc}\n`, { mode: 0o755 });
  writeFileSync(path.join(folder, "include/cuda_runtime_api.h"), `#define CUDART_VERSION  ${headers}\n`);
  const script = path.join(folder, "ask.cmake");
  writeFileSync(script, `include(${path.resolve("test/native/ptx/nvcc.cmake")})\nmessage("<\${OCTET_NVCC_REFUSED}>")\n`);
  const known = ["-DCMAKE_CXX_COMPILER_ID=GNU", "-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_CXX_COMPILER=g++", ...options];
  const { status, stderr } = spawnSync("cmake", [...known, "-P", script], { cwd: folder, env: { ...process.env, CUDA_PATH: folder }, encoding: "utf8" });
  return status === 0 ? /<([^<>]*)>\s*$/.exec(stderr)?.[1]?.replaceAll(folder, "F") : stderr;
}

const release = (number: string) => `echo "Cuda compilation tools, release ${number}, V${number}.88"`;

describe.skipIf(process.platform === "win32")("the nvcc of the suite ptx", () => {
  it("is taken where it compiles", () => expect(refused(release("13.0"))).toBe(""));

  it.each([
    ["is broken", "exit 1", "13000", "F/bin/nvcc --version fails"],
    ["says nothing of itself", "exit 0", "13000", "F/bin/nvcc --version fails"],
    ["is older than the stand-in for its library", release("12.4"), "12040", "F/bin/nvcc is of release 12, F/include of 12: 13 is wanted"],
    ["is of another release than the headers", release("13.0"), "12040", "F/bin/nvcc is of release 13, F/include of 12: 13 is wanted"],
    ["does not get on with the host's compiler", `[ "$1" != --version ] || exec ${release("13.0")}\necho "x.h(1): error: unsupported GNU version" >&2\nexit 1`,
      "13000", "F/bin/nvcc does not compile: x.h(1): error: unsupported GNU version"],
  ])("is refused in a line where it %s", (_, nvcc, headers, said) => {
    expect(refused(nvcc.replace("exec echo", "exec /bin/echo"), headers)).toBe(said);
  });

  it("is left out where that is asked for, and beside a GPU's build", () => {
    expect(refused(release("13.0"), "13000", "-DOCTET_NVCC=OFF")).toBe("there is no nvcc");
    expect(refused(release("13.0"), "13000", "-DOCTET_CUDA=ON")).toMatch(/without OCTET_CUDA/);
  });
});

// Where the worker host listens: in a folder of this user's alone, under a name that tells different workers apart.

import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { hostAddress, type Env } from "../../extension/worker/shared/address";

const user = process.getuid?.() ?? -1;
let folder: string;
let bundle: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "octet-address-"));
  bundle = path.join(folder, "worker.js");
  writeFileSync(bundle, "");
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const of = (env: Env): string => hostAddress([bundle], env);

it("is in a folder that nobody else can enter, whatever the folder above allows", () => {
  const before = process.umask(0);
  try {
    expect(path.dirname(of({ XDG_RUNTIME_DIR: folder }))).toBe(path.join(folder, `octet-${user}`));
  } finally {
    process.umask(before);
  }
  expect(statSync(path.join(folder, `octet-${user}`)).mode & 0o777).toBe(0o700);
});

it("counts bytes, not letters, and takes blanks", () => {
  const inside = path.join(folder, "a ü");
  mkdirSync(inside);
  expect(of({ XDG_RUNTIME_DIR: inside })).toContain("a ü");
  const long = path.join(folder, "ü".repeat(30));
  mkdirSync(long);
  expect(() => of({ XDG_RUNTIME_DIR: long })).toThrow(/is too long for a socket's path$/);
});

it.each<[string, (folder: string) => string | undefined]>([
  ["is not there", (folder) => path.join(folder, "missing")],
  ["is a file", () => bundle],
  ["is relative", () => "somewhere"],
  ["is not set", () => undefined],
  ["is empty", () => ""],
])("is among temporary files where the session's folder %s", (_why, session) => {
  vi.stubEnv("TMPDIR", folder);
  expect(path.dirname(of({ XDG_RUNTIME_DIR: session(folder) }))).toBe(path.join(folder, `octet-${user}`));
  expect(existsSync(path.join(folder, "missing"))).toBe(false);
});

it.runIf(user === 0 && existsSync("/proc/self"))("is refused at once where the folder above takes no folders", () => {
  expect(() => of({ XDG_RUNTIME_DIR: "/proc" })).toThrow(/ENOENT|EACCES/);
});

it("is found for a user without an entry in the system's list", () => {
  vi.spyOn(os, "userInfo").mockImplementation(() => {
    throw new Error("uv_os_get_passwd returned ENOENT");
  });
  expect(of({ XDG_RUNTIME_DIR: folder })).toContain(`octet-${user}`);
});

it("is another for other files or for variables that choose another device or driver, and the same for the rest", () => {
  const env = { XDG_RUNTIME_DIR: folder };
  const before = of(env);
  expect(of({ ...env, TERM: "dumb", VSCODE_PID: "1" })).toBe(before);
  for (const name of ["OCTET_ADDON", "VK_ICD_FILENAMES", "CUDA_VISIBLE_DEVICES", "DRI_PRIME", "__NV_PRIME_RENDER_OFFLOAD", "LD_LIBRARY_PATH", "HOME"])
    expect(of({ ...env, [name]: "1" }), name).not.toBe(before);
  utimesSync(bundle, 1, 1);
  expect(of(env)).not.toBe(before);
});

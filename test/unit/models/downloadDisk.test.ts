// Downloads and the disk: room, rights, and two windows that want the same file.
import { rmSync, utimesSync, writeFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { hostname } from "node:os";
import type * as Files from "node:fs/promises";
import { open } from "node:fs/promises";
import { describe, expect, it, vi } from "vitest";
import { fileError, type DownloadError } from "../../../extension/models/downloadError";
import { arrived, destination, failure, filesLeft, folder, server, start } from "./downloadFixture";

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof Files>();
  return { ...real, open: vi.fn(real.open) };
});

describe("the disk", () => {
  it("is asked for space before anything is downloaded", async () => {
    const error = await failure({ freeBytes: () => Promise.resolve(1_000) });
    expect(error).toMatchObject({ code: "noSpace" });
    expect(error.message).toMatch(/300 KB are to come, and 1\.0 KB are free/);
    expect(server.paths).toEqual([]);
    expect(filesLeft()).toEqual([]);
  });
  it("that becomes full on the way is named", () => {
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" });
    expect(fileError(full, destination)).toMatchObject({ code: "noSpace", message: `The disk of ${destination} is full` });
  });
  it("that cannot be written is named", async () => {
    writeFileSync(path.join(folder, "models"), "a file where the folder is to be");
    const error = await failure();
    expect(error).toMatchObject({ code: "folder" });
    expect(error.message).toContain(destination);
  });
  it.runIf(process.platform === "linux")("that takes no folders, and says that there are none, is named", async () => {
    const error = await failure({ destination: "/proc/octet/models/model.gguf" });
    expect(error).toMatchObject({ code: "folder" });
    expect(error.message).toMatch(/^\/proc\/octet\/models\/model\.gguf cannot be written: .*'\/proc\/octet'$/);
  });
  it("that is full when it is to be locked holds nobody up once there is room", async () => {
    vi.mocked(open).mockImplementationOnce(async (...args) => {
      const handle = await (await vi.importActual<typeof Files>("node:fs/promises")).open(...args);
      return Object.assign(handle, { writeFile: () => Promise.reject(Object.assign(new Error("no space left"), { code: "ENOSPC" })) });
    });
    expect(await failure()).toMatchObject({ code: "noSpace" });
    expect(filesLeft()).toEqual([]);
    await start();
    expect(arrived()).toBe(true);
  });
});

describe("two windows at once", () => {
  it("one downloads, the other is told", async () => {
    let other: DownloadError | undefined;
    let asked = false;
    await start({
      onProgress: () => {
        if (asked) return;
        asked = true;
        void failure().then((error) => { other = error; });
      },
    });
    await expect.poll(() => other).toMatchObject({ code: "locked" });
    expect(other?.message).toContain(String(process.pid));
    expect(arrived()).toBe(true);
    expect(filesLeft()).toEqual(["model.gguf"]);
  });
  it("a lock whose process is gone, is old, or says nothing does not hold", async () => {
    const place = `${destination}.lock`;
    mkdirSync(path.dirname(destination), { recursive: true });
    writeFileSync(place, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
    await start();
    rmSync(destination);
    const longAgo = new Date(Date.now() - 3_600_000);
    for (const text of [JSON.stringify({ pid: process.pid, host: hostname() }), "", "{"]) {
      writeFileSync(place, text);
      utimesSync(place, longAgo, longAgo);
      await start();
      rmSync(destination);
    }
    writeFileSync(place, JSON.stringify({ pid: 1, host: "another machine" }));
    expect(await failure()).toMatchObject({ code: "locked" });
  });
});

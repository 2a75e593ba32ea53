// The file of a socket whose process was killed: taken away, but not that of one who listens.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import type * as Files from "node:fs";
import { connect, createServer, type Server } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { identityOf, removeStale, sweepBeside, takeAway } from "../../extension/worker/shared/socketFile";

const link = vi.hoisted(() => ({ before: (): void => undefined }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof Files>();
  return { ...fs, linkSync: (from: string, to: string) => (link.before(), fs.linkSync(from, to)) };
});

let folder: string;
let address: string;
let servers: Server[];
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "octet-file-"));
  address = path.join(folder, "s.sock");
  servers = [];
  link.before = () => undefined;
});
afterEach(async () => {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(folder, { recursive: true });
});

function listen(at: string): Promise<void> {
  const server = createServer((socket) => socket.on("error", () => undefined));
  servers.push(server);
  return new Promise((resolve) => server.listen(at, resolve));
}

/** As after a kill: a server that closes takes away the file where it made it. */
async function leaveStale(at = address): Promise<void> {
  const before = path.join(folder, "before.sock");
  await listen(before);
  renameSync(before, at);
  await new Promise((resolve) => servers.pop()!.close(resolve));
}

it("is taken away where nobody listens", async () => {
  await leaveStale();
  expect(await removeStale(address)).toBe(true);
  expect(existsSync(address)).toBe(false);
  expect(await removeStale(address)).toBe(true);
});

it("stays where somebody listens", async () => {
  await listen(address);
  expect(await removeStale(address)).toBe(false);
  expect(existsSync(address)).toBe(true);
});

it("stays where another process has taken the old one away and listens by now", async () => {
  await leaveStale();
  const removed = removeStale(address);
  unlinkSync(address);
  await listen(address);
  expect(await removed).toBe(true);
  expect(existsSync(address)).toBe(true);
});

it("that is no socket's is an error, rather than tried for ever", async () => {
  mkdirSync(address);
  await expect(removeStale(address)).rejects.toThrow();
});

describe("of other names beside it", () => {
  const beside = (name: string): string => path.join(folder, name);
  const aged = (file: string): void => utimesSync(file, 1, 1);
  const answers = (file: string): Promise<boolean> => new Promise((resolve) => {
    const socket = connect(file, () => resolve(true)).on("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });

  it("are taken away where nobody listens, and stay where somebody does", async () => {
    await listen(address);
    for (const name of ["a.sock", "b.sock"]) {
      await leaveStale(beside(name));
      aged(beside(name));
    }
    await listen(beside("live.sock"));
    aged(beside("live.sock"));
    aged(address);
    await sweepBeside(address);
    expect(readdirSync(folder).sort()).toEqual(["live.sock", "s.sock"]);
    expect([await answers(address), await answers(beside("live.sock"))]).toEqual([true, true]);
  });

  it("stay while they are young: a process may be about to listen there", async () => {
    await leaveStale(beside("young.sock"));
    await sweepBeside(address);
    expect(readdirSync(folder)).toEqual(["young.sock"]);
    aged(beside("young.sock"));
    await sweepBeside(address);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("stay where they are no sockets, or not named as such", async () => {
    writeFileSync(beside("file.sock"), "");
    mkdirSync(beside("folder.sock"));
    await leaveStale(beside("socket.other"));
    symlinkSync(beside("socket.other"), beside("link.sock"));
    for (const name of readdirSync(folder)) aged(beside(name));
    const before = readdirSync(folder);
    await sweepBeside(address);
    expect(readdirSync(folder)).toEqual(before);
  });

  it("that cannot be taken away stay, and keep nobody from going on", async () => {
    await leaveStale(beside("a.sock"));
    aged(beside("a.sock"));
    mkdirSync(beside(`${process.pid}.sock`)); // where it would be moved
    const before = readdirSync(folder);
    await sweepBeside(address);
    expect(readdirSync(folder)).toEqual(before);
  });

  it.skipIf(process.getuid?.() === 0)("that cannot be taken away since the folder may not be written stay, too", async () => {
    await leaveStale(beside("a.sock"));
    aged(beside("a.sock"));
    chmodSync(folder, 0o500);
    await sweepBeside(address);
    chmodSync(folder, 0o700);
    expect(readdirSync(folder)).toEqual(["a.sock"]);
  });

  it("keep nobody from going on where there is no such folder", async () => {
    await expect(sweepBeside(path.join(folder, "missing", "s.sock"))).resolves.toBeUndefined();
  });

  it("are looked at no more than a hundred at a time", async () => {
    for (let i = 0; i < 120; i++) {
      await leaveStale(beside(`${i}.sock`));
      aged(beside(`${i}.sock`));
    }
    await sweepBeside(address);
    expect(readdirSync(folder)).toHaveLength(20);
    await sweepBeside(address);
    expect(readdirSync(folder)).toHaveLength(0);
  });

  it("whose place another process has taken in that very moment are put back, and are still listened on", async () => {
    const file = beside("a.sock");
    await leaveStale(file);
    const before = identityOf(file)!;
    unlinkSync(file);
    await listen(file);
    const now = identityOf(file);
    takeAway(file, before);
    expect([await answers(file), identityOf(file)]).toEqual([true, now]);
    expect(readdirSync(folder)).toEqual(["a.sock"]);
    takeAway(file, now!);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("are put back where the file system links no sockets, too", async () => {
    const file = beside("a.sock");
    await listen(file);
    const now = identityOf(file);
    link.before = () => {
      throw Object.assign(new Error("operation not permitted, link"), { code: "EPERM" });
    };
    takeAway(file, "another");
    expect([await answers(file), identityOf(file)]).toEqual([true, now]);
    expect(readdirSync(folder)).toEqual(["a.sock"]);
  });

  it("are not put back where yet another process has taken the place by then, which keeps it", async () => {
    const [file, third] = [beside("a.sock"), beside("third.sock")];
    await listen(file);
    await listen(third);
    const now = identityOf(third);
    link.before = () => renameSync(third, file);
    takeAway(file, "another");
    expect([await answers(file), identityOf(file)]).toEqual([true, now]);
    expect(readdirSync(folder)).toEqual(["a.sock"]);
  });
});

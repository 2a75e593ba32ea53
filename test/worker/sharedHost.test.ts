// The process that keeps workers for all windows: who starts it, finds it and is alone without it. Real processes and sockets.

import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import os from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { kill } from "../e2e/processes";
import { bundle, hostBundle, pretended, request, until, useWorkerBundle } from "./harness";
import { House, sockets } from "./sharedWindows";

useWorkerBundle();

describe("the worker host", () => {
  it("is one, however many windows open at the same time", async () => {
    const house = new House();
    const windows = Array.from({ length: 10 }, () => house.window());
    const pids = await Promise.all(windows.map(async (window) => (await window.hello()).pid));
    expect(new Set(pids).size).toBe(1);
    expect(await until(() => house.hosts().length === 1)).toBe(true);
    expect(house.reasons).toEqual([]);
  });

  it("is found where the socket's file of one that was killed is still there", async () => {
    const house = new House();
    const before = house.window();
    await before.hello();
    kill(house.hosts()[0]!);
    await before.exited;
    expect(sockets(house)).toHaveLength(1);
    await house.window().hello();
    expect(house.reasons).toEqual([]);
    expect(house.hosts()).toHaveLength(1);
  });

  it("takes away the socket's file of one that was killed and that no window comes for any more, and of nobody else", async () => {
    const house = new House();
    const killed = house.window({}, { OCTET_BUILD: "old" });
    await killed.hello();
    const [host] = house.hosts();
    const [stale] = sockets(house);
    const live = house.window({}, { OCTET_BUILD: "other" });
    await live.hello();
    kill(host!);
    await killed.exited;
    expect(sockets(house)).toHaveLength(2);
    for (const name of sockets(house)) utimesSync(path.join(house.sockets, name), 1, 1);
    await house.window().hello();
    expect(await until(() => !sockets(house).includes(stale!))).toBe(true);
    expect(sockets(house)).toHaveLength(2);
    expect((await live.status()).state).toBe("empty");
    expect((await house.window({}, { OCTET_BUILD: "other" }).hello()).pid).toBe(live.pid);
    expect(house.reasons).toEqual([]);
  });

  it("leaves where nobody comes", async () => {
    const house = new House();
    const socket = path.join(house.folder, "nobody.sock");
    const child = spawn(process.execPath, [hostBundle(), socket, bundle()], { env: { ...process.env, OCTET_FIRST_MS: "300" } });
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });

  it("waits as long as ever for its first window, and for the next one, where it is told nonsense", async () => {
    for (const nonsense of ["soon", "", "-5", "1e99"]) {
      const house = new House(pretended, { OCTET_LINGER_MS: nonsense, OCTET_FIRST_MS: nonsense });
      const one = await house.loaded();
      await one.leave();
      await new Promise((resolve) => setTimeout(resolve, 200));
      const two = house.window();
      expect((await two.hello()).pid, nonsense).toBe(one.pid);
      expect(house.reasons).toEqual([]);
    }
  });

  it("stays for a window that is about to attach", async () => {
    const house = new House();
    const socket = path.join(house.folder, "slow.sock");
    const child = spawn(process.execPath, [hostBundle(), socket, bundle()], { env: { ...process.env, OCTET_LINGER_MS: "500", OCTET_FIRST_MS: "500" } });
    const left = new Promise((resolve) => child.once("exit", resolve));
    expect(await until(() => existsSync(socket))).toBe(true);
    const window = connect(socket);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(child.exitCode).toBe(null);
    window.destroy();
    expect(await left).toBe(0);
  });

  it("says how it is started where it is started by hand", async () => {
    for (const args of [[], ["0", bundle()]]) {
      const child = spawn(process.execPath, [hostBundle(), ...args], { env: { ...process.env, OCTET_FIRST_MS: "100" } });
      let said = "";
      child.stderr.on("data", (text: Buffer) => (said += String(text)));
      expect(await new Promise((resolve) => child.once("close", resolve))).toBe(2);
      expect(said).toBe("The host of Octet's workers is started by Octet itself, not by hand.\n");
    }
  });
});

describe("a window that cannot share", () => {
  it.each<[string, (folder: string) => void, RegExp]>([
    ["the folder is open to others", (folder) => { mkdirSync(folder); chmodSync(folder, 0o755); }, /is open to other users$/],
    ["the folder is a link", (folder) => symlinkSync(os.tmpdir(), folder), /is open to other users$/],
    ["the folder is a file", (folder) => writeFileSync(folder, ""), /is a file, not a folder$/],
  ])("has a worker of its own, and says why: %s", async (_why, prepare, reason) => {
    const house = new House();
    prepare(house.sockets);
    const window = await house.loaded();
    expect((await window.generate(request({ maxTokens: 2 }))).totals.tokens).toBe(16);
    expect(house.reasons).toHaveLength(1);
    expect(house.reasons[0]).toMatch(/^the models are this window's alone: /);
    expect(house.reasons[0]).toMatch(reason);
    await window.leave();
    expect((await window.exited).exit.code).toBe(0);
  });

  it("does so where the path is too long for a socket, and where the worker host does not start", async () => {
    const house = new House();
    const folder = path.join(house.folder, "x".repeat(90));
    mkdirSync(folder);
    const far = house.window({}, { XDG_RUNTIME_DIR: folder });
    await far.hello();
    expect(house.reasons.pop()).toMatch(/is too long for a socket's path$/);
    const broken = house.window({}, { NODE_OPTIONS: "--no-such-option" });
    await broken.exited;
    expect(house.reasons.pop()).toMatch(/workerHost\.js does not start: it left with exit code 9$/);
  });
});

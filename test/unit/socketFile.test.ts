// The file of a socket whose process was killed: taken away, but not that of one who listens.

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, unlinkSync } from "node:fs";
import { createServer, type Server } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { removeStale } from "../../extension/worker/shared/socketFile";

let folder: string;
let address: string;
let servers: Server[];
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "octet-file-"));
  address = path.join(folder, "s.sock");
  servers = [];
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
async function leaveStale(): Promise<void> {
  const before = path.join(folder, "before.sock");
  await listen(before);
  renameSync(before, address);
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

// A worker at the other end of a socket: how its end is told.

import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { WorkerClient } from "../../extension/worker/client";
import { attach } from "../../extension/worker/shared/socketProcess";

let folder: string;
let ends: (() => void)[];
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "octet-socket-"));
  ends = [() => rmSync(folder, { recursive: true })];
});
afterEach(() => ends.forEach((end) => end()));

const framed = (message: object): string => {
  const text = JSON.stringify({ jsonrpc: "2.0", ...message });
  return `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
};
const attached = framed({ method: "octet/attached", params: { pid: 7 } });
const exited = framed({ method: "octet/exited", params: { code: 0, signal: null, lastWords: "" } });
const log = (message: string): string => framed({ method: "octet/log", params: { level: "info", message } });

/** A worker host that answers whatever comes by `serve`. */
async function fakeHost(serve: (socket: Socket, heard: string) => void): Promise<Socket> {
  const address = path.join(folder, "s.sock");
  const server = createServer((socket) => socket.setEncoding("utf8").on("data", (text: string) => serve(socket, text)).on("error", () => undefined));
  ends.unshift(() => server.close());
  await new Promise<void>((resolve) => server.listen(address, resolve));
  return connect(address);
}

it("an answer, and all that was said before it, is heard though the worker's end comes in the same breath", async () => {
  const socket = await fakeHost((socket, heard) => {
    if (heard.includes("octet/attach")) socket.write(attached);
    const id = /"id":(\d+)/.exec(heard)?.[1];
    if (id !== undefined) socket.end(Array.from({ length: 50 }, (_, i) => log(`line ${i}`)).join("") + framed({ id: Number(id), result: null }) + exited);
  });
  const client = new WorkerClient((await attach(socket, { gpus: false }, 5_000))!);
  expect(client.pid).toBe(7);
  const lines: string[] = [];
  client.onLog(({ message }) => void lines.push(message));
  await client.shutdown();
  expect(lines).toHaveLength(50);
  expect((await client.exited).exit).toEqual({ code: 0, signal: null, lastWords: "" });
});

it("a worker that another window ended was not at fault: neither is the file that was being read", async () => {
  const ended = framed({ method: "octet/exited", params: { code: null, signal: "SIGKILL", lastWords: "", byAnother: true } });
  const socket = await fakeHost((socket, heard) => void socket.write(heard.includes("octet/attach") ? attached : ended));
  const client = new WorkerClient((await attach(socket, { gpus: false }, 5_000))!);
  const load = client.load({ target: "/models/a.gguf", draft: null, device: "cpu", threads: 0, lanes: 8, contextTokens: 0, kvType: "f16" });
  const error: unknown = await load.catch((error: unknown) => error);
  expect(error).toMatchObject({ code: "workerDied", message: "the worker stopped (another window ended it)", advice: undefined });
});

it("a worker host that is lost with answers on their way rejects what is still open, and says so", async () => {
  const socket = await fakeHost((socket, heard) => {
    if (heard.includes("octet/attach")) socket.write(attached);
    if (heard.includes("octet/status")) socket.end(log("one last line"));
  });
  const client = new WorkerClient((await attach(socket, { gpus: false }, 5_000))!);
  const lines: string[] = [];
  client.onLog(({ message }) => void lines.push(message));
  await expect(client.status()).rejects.toMatchObject({ code: "workerDied", message: "the worker stopped (its connection is lost)" });
  expect(lines).toEqual(["one last line"]);
  expect((await client.exited).exit.lastWords).toBe("the process that keeps the worker for all windows is gone, or gave up this window, which read nothing for long");
});

it("a worker host that does not say that the worker it was to kill is gone counts as gone with it, and that is what is said", async () => {
  const socket = await fakeHost((socket, heard) => void (heard.includes("octet/attach") && socket.write(attached)));
  const worker = (await attach(socket, { gpus: false }, 5_000))!;
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  ends.unshift(() => vi.useRealTimers());
  worker.kill();
  vi.advanceTimersByTime(2_000);
  expect(await worker.exited).toEqual({
    code: null, signal: "SIGKILL",
    lastWords: "the process that keeps the worker for all windows was told to kill it, and did not say that it is gone",
  });
});

it("nobody who attaches in time is no worker", async () => {
  expect(await attach(await fakeHost(() => undefined), { gpus: false }, 50)).toBe(null);
});

it("a socket that closes at once is no worker", async () => {
  expect(await attach(await fakeHost((socket) => socket.destroy()), { gpus: false }, 5_000)).toBe(null);
});

// What a worker does with messages it should not get: refuses them by name and value, and goes on serving.

import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createMessageConnection, type MessageConnection, type ResponseError } from "vscode-jsonrpc/node";
import { forkWorker, type WorkerProcess } from "../../extension/worker/process";
import type { ErrorData } from "../../protocol/messages";
import { isAlive, pretended, request, root, start, supervise, until, useWorkerBundle, bundle } from "./harness";

useWorkerBundle();

let worker: WorkerProcess;
let connection: MessageConnection;
const log: string[] = [];

beforeEach(async () => {
  worker = forkWorker(bundle(), { OCTET_ADDON: pretended.file });
  connection = createMessageConnection(worker.reader, worker.writer);
  connection.onNotification("octet/log", ({ message }: { message: string }) => void log.push(message));
  connection.listen();
  await connection.sendRequest("octet/load", pretended.load);
});
afterEach(() => {
  worker.kill();
  return worker.exited;
});

const good = request();
const bad: [method: string, params: unknown, named: RegExp][] = [
  ["octet/hello", {}, /^protocolVersion is missing; allowed: an integer from 0/],
  ["octet/hello", { protocolVersion: "1" }, /^protocolVersion is "1"/],
  ["octet/load", undefined, /^params is missing; allowed: an object/],
  ["octet/load", [1, 2], /^params is an array of 2; allowed: an object/],
  ["octet/load", { ...pretended.load, lanes: 17 }, /^lanes is 17; allowed: an integer from 1 to 16$/],
  ["octet/load", { ...pretended.load, kvType: "f64" }, /^kvType is "f64"; allowed: "f32", "f16", "q8_0"$/],
  ["octet/load", { ...pretended.load, target: "" }, /^target is ""/],
  ["octet/inspect", { path: 5 }, /^path is 5/],
  ["octet/generate", { ...good, prompt: { kind: "picture" } }, /^prompt\.kind is "picture"; allowed: "text", "fim", "tokens"$/],
  ["octet/generate", { ...good, sampling: { ...good.sampling, temperature: -1 } }, /^sampling\.temperature is -1; allowed: a number from 0/],
  ["octet/generate", { ...good, draftLength: "fixed:33" }, /^draftLength is "fixed:33"/],
  ["octet/tokenize", { text: null }, /^text is null/],
];

it.each(bad.map((entry, index) => [entry[0], index, entry] as const))("refuses bad params of %s (%i)", async (_method, _index, [method, params, named]) => {
  const error = await connection.sendRequest(method, ...(params === undefined ? [] : [params])).then(
    () => undefined,
    (reason: ResponseError<ErrorData>) => reason,
  );
  expect(error?.data).toEqual({ code: "badParams" });
  expect(error?.message).toMatch(params instanceof Array ? /^params is an array/ : named);
  expect(await connection.sendRequest("octet/status")).toMatchObject({ state: "ready", running: 0 });
});

it("refuses a request that does not exist, and goes on", async () => {
  await expect(connection.sendRequest("octet/fly", {})).rejects.toThrow("no such request: octet/fly");
  await expect(connection.sendRequest("constructor", {})).rejects.toThrow("no such request: constructor");
  await connection.sendNotification("octet/cancelLane", { id: 5, lane: "x" });
  await connection.sendNotification("octet/neverHeardOf", {});
  expect(await connection.sendRequest("octet/status")).toMatchObject({ state: "ready" });
  expect(log.at(-1)).toMatch(/^octet\/cancelLane: id is 5/);
});

it("keeps what is loaded when a load is refused for its params", async () => {
  await expect(connection.sendRequest("octet/load", { ...pretended.load, threads: -1 })).rejects.toThrow("threads is -1");
  expect(await connection.sendRequest("octet/status")).toMatchObject({ state: "ready", loaded: { lanes: 8 } });
});

it("refuses a second load while one is under way, and cancels the first when asked", async () => {
  const client = start(pretended);
  const slow = { ...pretended.load, target: "/models/slow.gguf" };
  const cancel = new AbortController();
  const first = client.load(slow, { signal: cancel.signal, onProgress: ({ phase }) => phase === "target" && reached() });
  let reached!: () => void;
  const outcome = expect(first).rejects.toMatchObject({ code: "cancelled" });
  await new Promise<void>((resolve) => (reached = resolve));
  await expect(client.load(pretended.load)).rejects.toMatchObject({ code: "busy" });
  await expect(client.generate(request())).rejects.toMatchObject({ code: "busy" });
  expect(await client.status()).toMatchObject({ state: "loading" });
  cancel.abort();
  await outcome;
  expect(await client.status()).toMatchObject({ state: "empty" });
  await client.load(pretended.load);
  expect(await client.status()).toMatchObject({ state: "ready" });
});

it("answers a second load on the wire with busy", async () => {
  const slow = connection.sendRequest("octet/load", { ...pretended.load, target: "/models/slow.gguf" });
  const outcome = expect(slow).rejects.toThrow("cancelled");
  await expect(connection.sendRequest("octet/load", pretended.load)).rejects.toMatchObject({ data: { code: "busy" } });
  await connection.sendRequest("octet/unload");
  await outcome;
});

it("leaves in good order during a load", async () => {
  const slow = connection.sendRequest("octet/load", { ...pretended.load, target: "/models/slow.gguf" });
  const outcome = expect(slow).rejects.toThrow("cancelled");
  await connection.sendRequest("octet/shutdown");
  await outcome;
  expect(await worker.exited).toMatchObject({ code: 0, signal: null });
});

it("a worker of another protocol version is refused with advice and ended", async () => {
  const script = path.join(root, "test", "worker", "otherVersion.cjs");
  const { supervisor, started } = supervise(pretended, {}, {}, script);
  await expect(supervisor.hello()).rejects.toMatchObject({
    code: "internal",
    message: expect.stringContaining("protocol 999") as string,
    advice: expect.stringContaining("Reinstall") as string,
  });
  expect(supervisor.state.state).toBe("failed");
  expect(started).toHaveLength(1);
  expect(await until(() => !isAlive(started[0]!.pid!))).toBe(true);
});

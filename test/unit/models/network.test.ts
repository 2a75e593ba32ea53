// Who can reach the network at all: only the two places that bring a fetch to a download, which nothing but a user's command starts.
// Windows reach the worker that they share by a socket in a folder, which leads to no network.
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { hostAddress } from "../../../extension/worker/shared/address";

const root = path.resolve(import.meta.dirname, "../../..");
const network = /\bfetch\(|"(node:)?(https?|http2|net|tls|dgram|dns)(\/promises)?"|"undici"|XMLHttpRequest|WebSocket|EventSource|sendBeacon/;

/** Windows find a shared worker by a socket's file. */
const local = ["connect", "main", "serve", "socketProcess"].map((name) => `extension/worker/shared/${name}.ts`);

it("only downloads of models use it", () => {
  const files = ["extension", "native/worker", "protocol", "webview"].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts")).map((file) => path.posix.join(folder, file.replaceAll(path.sep, "/"))));
  expect(files.length).toBeGreaterThan(100);
  expect(files.filter((file) => network.test(readFileSync(path.join(root, file), "utf8"))).sort()).toEqual([
    "extension/cli/input.ts", // reads a pipe that is given as a file
    "extension/cli/proxyFetch.ts", "extension/modelLibrary.ts", "extension/models/transfer.ts",
    ...local,
  ]);
  const input = readFileSync(path.join(root, "extension/cli/input.ts"), "utf8");
  expect(input.match(/\bSocket\(.*/g)).toEqual([expect.stringMatching(/^Socket\(\{ fd, readable: true, writable: false \}\)/)]);
  expect(input).not.toMatch(/connect/i);
});

it("sockets of windows and their shared worker are files", () => {
  const calls = local.flatMap((file) => readFileSync(path.join(root, file), "utf8").match(/\b(connect|createConnection|new Socket|server\.listen)\([^,)]*/g) ?? []);
  expect([...new Set(calls)].sort()).toEqual(["connect(address", "server.listen(address"]);
  expect(path.isAbsolute(hostAddress([import.meta.filename], { XDG_RUNTIME_DIR: mkdtempSync(path.join(os.tmpdir(), "octet-address-")) }))).toBe(true);
});

it("and those are started by commands, not by activation", () => {
  const read = (file: string) => readFileSync(path.join(root, "extension", file), "utf8");
  const users = readdirSync(path.join(root, "extension"), { encoding: "utf8" }).filter((file) => file.endsWith(".ts") && /library\.install\(/.test(read(file)));
  expect(users).toEqual(["downloadModels.ts"]);
  expect(read("extension.ts")).not.toMatch(/library\.\w+\(/);
});

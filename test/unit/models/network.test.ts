// Who can reach the network at all: only the two places that bring a fetch to a download, which nothing but a user's command starts.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "../../..");
const network = /\bfetch\(|"(node:)?(https?|http2|net|tls|dgram|dns)(\/promises)?"|"undici"|XMLHttpRequest|WebSocket|EventSource|sendBeacon/;

const shared = ["connect", "main", "serve", "socketFile", "socketProcess", "windowWriter"].map((name) => `extension/worker/shared/${name}.ts`);

it("only downloads of models use it", () => {
  const files = ["extension", "native/worker", "protocol", "webview"].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts")).map((file) => path.posix.join(folder, file.replaceAll(path.sep, "/"))));
  expect(files.length).toBeGreaterThan(100);
  expect(files.filter((file) => network.test(readFileSync(path.join(root, file), "utf8"))).sort()).toEqual([
    "extension/cli/input.ts", // reads a pipe that is given as a file
    "extension/cli/proxyFetch.ts", "extension/modelLibrary.ts", "extension/models/transfer.ts",
    ...shared, // windows and the worker host of their worker, by a socket's file
  ]);
  const input = readFileSync(path.join(root, "extension/cli/input.ts"), "utf8");
  expect(input.match(/\bSocket\(.*/g)).toEqual([expect.stringMatching(/^Socket\(\{ fd, readable: true, writable: false \}\)/)]);
  expect(input).not.toMatch(/connect/i);
});

it("and what windows share a worker by is a socket's file, which no other machine reaches", () => {
  const source = shared.map((file) => readFileSync(path.join(root, file), "utf8")).join("\n");
  expect(source.match(/(?<!\w)connect\(.*?[,)]|\bserver\.listen\(.*?[,)]/g)).toEqual(["connect(address,", "server.listen(address)", "server.listen(address)", "connect(address,"]);
  expect(source).not.toMatch(/createConnection|new Socket\(|\bport\b/);
  expect(source).not.toMatch(/"(node:)?(https?|http2|tls|dgram|dns)[/"]/);
});

it("and those are started by commands, not by activation", () => {
  const read = (file: string) => readFileSync(path.join(root, "extension", file), "utf8");
  const users = readdirSync(path.join(root, "extension"), { encoding: "utf8" }).filter((file) => file.endsWith(".ts") && /library\.install\(/.test(read(file)));
  expect(users).toEqual(["downloadModels.ts"]);
  expect(read("extension.ts")).not.toMatch(/library\.\w+\(/);
});

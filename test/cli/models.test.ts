// octet models: the list, and downloads from a server on loopback that is cut, refuses, or is behind a proxy. The files of the
// catalogue are gigabytes: where a test needs one whole, an empty file of its size stands for it.
import { closeSync, existsSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ModelsReport } from "../../extension/cli/modelsReport";
import { catalogue, type ModelFile } from "../../extension/models/catalogue";
import { needOf } from "../../extension/models/need";
import { placeOf } from "../../extension/models/store";
import { FileServer, modelBytes, status, type Answer } from "../unit/models/fileServer";
import { folder as scratch, root, run, start, starter, starterDraft, until, useBuiltCli } from "./harness";
import { connectWorker } from "../../extension/cli/connect";

useBuiltCli();

const pair = catalogue.find(({ name }) => name === "qwen2.5-coder-1.5b")!;
const content = modelBytes(300_000);
let home: string;
let models: string;
let server: FileServer;

beforeEach(async () => {
  home = mkdtempSync(path.join(scratch, "home-"));
  models = path.join(home, ".local/share/octet/models");
  server = new FileServer(content);
  await server.start();
});
afterEach(async () => {
  await server.stop();
  rmSync(home, { recursive: true, force: true });
});

const env = (changes: Record<string, string | undefined> = {}): Record<string, string | undefined> => ({
  HOME: home, XDG_DATA_HOME: undefined, XDG_CACHE_HOME: undefined, HF_HOME: undefined, HF_HUB_CACHE: undefined, HUGGINGFACE_HUB_CACHE: undefined,
  LLAMA_CACHE: undefined, OLLAMA_MODELS: path.join(home, "ollama"), HF_ENDPOINT: server.url,
  HTTP_PROXY: undefined, HTTPS_PROXY: undefined, NO_PROXY: undefined, http_proxy: undefined, https_proxy: undefined, no_proxy: undefined, ...changes,
});

/** An empty file of the right size, which takes no room. */
function pretend(file: ModelFile): string {
  const place = placeOf(file, models);
  mkdirSync(path.dirname(place), { recursive: true });
  const handle = openSync(place, "w");
  ftruncateSync(handle, file.bytes);
  closeSync(handle);
  return place;
}

/** The beginning of a file of the right size; the rest never comes. */
const begin = (file: ModelFile): Answer => (_request, response) => {
  response.writeHead(200, { "content-length": file.bytes, etag: '"one"' });
  response.write(content);
};

describe("the list", () => {
  it("says what fits, what is there, and what other tools have", async () => {
    const target = pretend(pair.target);
    const other = path.join(home, ".lmstudio/models/a/b/mine.gguf");
    mkdirSync(path.dirname(other), { recursive: true });
    writeFileSync(other, content);
    const { code, stdout } = await run(["models", "--json"], { env: env() });
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as ModelsReport;
    expect(report).toMatchObject({ folder: models, usedBytes: pair.target.bytes, found: [{ source: "LM Studio", path: other }] });
    expect(report.pairs.map(({ name }) => name).sort()).toEqual(catalogue.map(({ name }) => name).sort());
    expect(report.pairs.find(({ name }) => name === pair.name)).toMatchObject({ state: "partial", target: { path: target, source: null }, draft: null, missingBytes: pair.draft.bytes });
    expect(report.pairs.filter(({ recommended }) => recommended).length).toBeLessThanOrEqual(1);
    expect(server.paths).toEqual([]);

    const text = (await run(["models"], { env: env() })).stdout;
    expect(text).toMatch(/^folder {2}.*octet\/models, 1\.6 GB used\n/);
    expect(text).toMatch(/qwen2\.5-coder-1\.5b {10}2\.2 GB, 531 MB to come/);
    expect(text).toMatch(/Qwen Research Licence \(for research and evaluation only/);
    expect(text).toMatch(/mine\.gguf, 300 KB, LM Studio: /);
    expect(text).toMatch(/needs [\d.]+ [MG]B of [\d.]+ [KMG]B free/);
  });
});

describe("the list with a device", () => {
  it("reckons with that device alone", async () => {
    const { code, stdout } = await run(["models", "--json", "--device", "cpu"], { env: env() });
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as ModelsReport).pairs.filter(({ fit }) => fit.where === "gpu" || fit.where === "integrated")).toEqual([]);
  });
  it("that is not there is bad input that names those that are", async () => {
    const { code, stdout, stderr } = await run(["models", "--device", "abacus"], { env: env() });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^octet: There is no device "abacus"\. There is: .*CPU.*\.\n$/);
  });
});

describe("download", () => {
  it("says where from and under what licence, is stopped by Ctrl-C, keeps what came, and goes on from there", async () => {
    server.answers = [begin(pair.draft)];
    const running = start(["models", "download", pair.name], env());
    const part = `${placeOf(pair.draft, models)}.part`;
    await until("the beginning of the file", () => existsSync(part) && statSync(part).size === content.length);
    expect(running.stderrSoFar()).toMatch(/^octet: downloading Qwen2\.5-Coder 1\.5B, 2\.2 GB of 2\.2 GB, from http.*ggml-org.*\noctet: licence: Apache-2\.0\n/);
    running.child.kill("SIGINT");
    const { code, stdout, stderr } = await running.done;
    expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
    expect(stderr).toMatch(/the same command goes on from there\n$/);
    expect(readFileSync(part).equals(content)).toBe(true);
    expect(existsSync(placeOf(pair.draft, models))).toBe(false);
    expect(existsSync(`${placeOf(pair.draft, models)}.lock`)).toBe(false);

    server.answers = [status(404)];
    const again = await run(["models", "download", pair.name], { env: env() });
    expect(server.ranges).toEqual([undefined, `bytes=${content.length}-`]);
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/\noctet: The server has no such file \(404\)\. Update Octet.*\n$/);
    expect(statSync(part).size).toBe(content.length);
  });

  it("leaves nothing locked when it is killed", async () => {
    server.answers = [begin(pair.draft)];
    const running = start(["models", "download", pair.name], env());
    const lock = `${placeOf(pair.draft, models)}.lock`;
    const part = `${placeOf(pair.draft, models)}.part`;
    await until("the beginning of the file", () => existsSync(part) && statSync(part).size === content.length);
    const second = await run(["models", "download", pair.name], { env: env() });
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(new RegExp(`is being downloaded by another window or program \\(process ${running.child.pid}\\)`));
    running.child.kill("SIGKILL");
    await running.done;
    expect(existsSync(lock)).toBe(true);
    server.answers = [status(403)];
    expect((await run(["models", "download", pair.name], { env: env() })).stderr).toMatch(/refused the download \(403\)/);
    expect(existsSync(lock)).toBe(false);
  });

  it("asks nobody for what is there, and says how to use it", async () => {
    const target = pretend(pair.target);
    const draft = pretend(pair.draft);
    const { code, stdout, stderr } = await run(["models", "download", pair.name], { env: env() });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining("downloading") as string });
    expect(stdout).toBe(`target  ${target}\ndraft   ${draft}\nuse it  octet generate FILE --target ${target} --draft ${draft}\n`);
    const json = await run(["models", "download", pair.name, "--json", "--folder", models], { env: env() });
    expect(JSON.parse(json.stdout)).toEqual({ target, draft });
    expect(server.paths).toEqual([]);
  });

  it("goes through the proxy that the environment names", async () => {
    const asked: string[] = [];
    const proxy = createServer();
    proxy.on("connect", (request, socket) => {
      asked.push(request.url ?? "");
      const { port } = new URL(server.url);
      const way = connect(Number(port), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        way.pipe(socket).pipe(way);
      });
      way.on("error", () => socket.destroy());
      socket.on("error", () => way.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    try {
      server.answers = [status(404)];
      const { port } = proxy.address() as AddressInfo;
      await run(["models", "download", pair.name], { env: env({ HTTP_PROXY: `http://127.0.0.1:${port}` }) });
      expect(asked).toEqual([new URL(server.url).host]);
      expect(server.paths).toHaveLength(1);
      await run(["models", "download", pair.name], { env: env({ HTTP_PROXY: `http://127.0.0.1:${port}`, NO_PROXY: "127.0.0.1" }) });
      expect(asked).toHaveLength(1);
      expect(server.paths).toHaveLength(2);
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });

  it.each([
    ["a pair that is not there", ["gpt"], {}, /There is no pair "gpt"\. There are: qwen2\.5-coder-1\.5b, /],
    ["a mirror without encryption", [pair.name], { HF_ENDPOINT: "http://example.com" }, /HF_ENDPOINT leads to http:\/\/example\.com, which is not encrypted/],
    ["a mirror with a password, which is not shown", [pair.name], { HF_ENDPOINT: "https://me:secret@example.com" }, /^octet: HF_ENDPOINT gives an address of example\.com with a user name or password, which Octet does not send\. Write it as https:\/\/HOST\.$/],
    ["a proxy that is no address", [pair.name], { HTTPS_PROXY: "::" }, /HTTP_PROXY or HTTPS_PROXY/],
  ])("%s is bad input", async (_what, args, changes, message) => {
    const { code, stdout, stderr } = await run(["models", "download", ...args], { env: env(changes) });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr.trimEnd().split("\n").at(-1)).toMatch(message);
  });
});

describe("remove", () => {
  it("deletes the pair, and says what is free again", async () => {
    pretend(pair.target);
    pretend(pair.draft);
    const { code, stdout } = await run(["models", "remove", pair.name], { env: env() });
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${pair.name} was deleted: 2.2 GB are free again\n` });
    expect(existsSync(placeOf(pair.target, models))).toBe(false);
    const again = await run(["models", "remove", pair.name], { env: env() });
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/is not in .*octet\/models/);
  });
});

describe("the estimate", () => {
  it.each([[8, 2048], [1, 256], [16, 512]])("agrees with the worker's own, for %i lanes of %i tokens", async (lanes, contextTokens) => {
    const worker = await connectWorker({ root, device: "auto", signal: new AbortController().signal, onStart: () => undefined });
    try {
      const shapeOf = async (file: string) => {
        const { model, metadata, tensorTypes } = await worker.inspect({ path: file });
        const value = (name: string): number => Number(metadata[`${model.architecture}.${name}`]);
        const heads = value("attention.head_count");
        const keyLength = value("attention.key_length") || value("embedding_length") / heads;
        return {
          weights: tensorTypes.reduce((sum, { bytes }) => sum + bytes, 0), hostWeights: 0, outputWeights: 0,
          shape: {
            layers: value("block_count"), embedding: value("embedding_length"), heads, kvHeads: value("attention.head_count_kv") || heads, keyLength,
            valueLength: value("attention.value_length") || keyLength, feedForward: value("feed_forward_length"), vocabulary: model.vocabularySize,
            trainedContext: model.trainedContext,
          },
        };
      };
      const parts = [await shapeOf(starter), await shapeOf(starterDraft)];
      const { memory } = await worker.load({ target: starter, draft: starterDraft, device: "cpu", threads: 1, lanes, contextTokens, kvType: "f16" }, { signal: new AbortController().signal });
      expect(needOf(parts, { lanes, contextTokens }, "ram")).toEqual({
        weights: memory.targetWeights + memory.draftWeights, kvCache: memory.kvCache, compute: memory.compute, total: memory.total,
      });
    } finally {
      await worker.close();
    }
  });
});

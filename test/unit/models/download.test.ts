// Downloads that come through, are cut, and are gone on from. Time is pretended: nothing here waits.
import { existsSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { DownloadProgress } from "../../../extension/models/download";
import { arrived, BYTES, clock, content, destination, expected, failure, filesLeft, partOf, RANGE_FROM, server, start, startWithOneCheck } from "./downloadFixture";
import { cutAfter, ignoreRange, modelBytes, redirect, serve, status } from "./fileServer";

describe("a good server", () => {
  it("gives the file, and nothing else stays in the folder", async () => {
    const progress: DownloadProgress[] = [];
    await start({ onProgress: (now) => progress.push(now) });
    expect(arrived()).toBe(true);
    expect(filesLeft()).toEqual(["model.gguf"]);
    expect(progress.map(({ bytes }) => bytes)).toContain(BYTES);
    expect(progress.every(({ total }) => total === BYTES)).toBe(true);
    expect(progress.some(({ phase, bytesPerSecond, remainingMs }) => phase === "downloading" && bytesPerSecond! > 0 && remainingMs! >= 0)).toBe(true);
    expect(progress.at(-1)).toMatchObject({ phase: "checking", bytes: BYTES });
  });
  it("is not asked for a file that is there", async () => {
    await start();
    await start();
    expect(server.paths).toHaveLength(1);
  });
  it("is followed through redirects", async () => {
    server.answers = [redirect("/elsewhere", { "x-linked-etag": `"${expected.sha256}"`, "x-linked-size": String(BYTES) }), serve];
    await start();
    expect(server.paths).toEqual(["/model.gguf", "/elsewhere"]);
    expect(arrived()).toBe(true);
  });
  it("compresses nothing", async () => {
    let accepted: unknown;
    server.answers = [(request, response, file) => {
      accepted = request.headers["accept-encoding"];
      serve(request, response, file, server);
    }];
    await start();
    expect(accepted).toBe("identity");
  });
});

describe("a cut", () => {
  it("is gone on from, within one download", async () => {
    server.answers = [cutAfter(100_000), cutAfter(50_000), serve];
    const progress: DownloadProgress[] = [];
    await start({ onProgress: (now) => progress.push(now) });
    expect(arrived()).toBe(true);
    expect(server.ranges).toEqual([undefined, RANGE_FROM(100_000), RANGE_FROM(150_000)]);
    expect(server.ifRanges).toEqual([undefined, '"one"', '"one"']);
    expect(progress.some(({ phase, reason }) => phase === "waiting" && reason !== undefined)).toBe(true);
  });
  it("waits as long as before as long as something comes, and longer where nothing does", async () => {
    server.answers = [cutAfter(1_000), cutAfter(1_000), cutAfter(0), cutAfter(0), cutAfter(1_000), serve];
    await start();
    expect(clock.sleeps).toEqual([1_000, 1_000, 2_000, 4_000, 1_000]);
    expect(arrived()).toBe(true);
  });
  it("fails in the end, keeps what has come, and the next download goes on from there", async () => {
    server.answers = [cutAfter(70_000), cutAfter(0)];
    const error = await failure();
    expect(error).toMatchObject({ code: "unreachable" });
    expect(error.advice).toMatch(/goes on from there/);
    expect(clock.sleeps).toEqual([1_000, 2_000, 4_000, 8_000, 16_000]);
    expect(filesLeft()).toEqual(["model.gguf.part", "model.gguf.part.json"]);
    server.answers = [serve];
    await start();
    expect(server.ranges.at(-1)).toBe(RANGE_FROM(70_000));
    expect(arrived()).toBe(true);
    expect(filesLeft()).toEqual(["model.gguf"]);
  });
  it("by a server that is not there", async () => {
    await server.stop();
    const error = await failure();
    expect(error).toMatchObject({ code: "unreachable" });
    expect(error.message).toMatch(/127\.0\.0\.1:\d+ could not be reached/);
    await server.start();
  });
  it("that comes after the last byte but before the rename is a finished download", async () => {
    partOf(BYTES, '"one"');
    await start();
    expect(server.paths).toEqual([]);
    expect(arrived()).toBe(true);
  });
});

describe("going on", () => {
  it("with a server that ignores ranges starts anew", async () => {
    partOf(5_000, '"one"', Buffer.alloc(BYTES));
    server.answers = [ignoreRange];
    await start();
    expect(server.ranges).toEqual([RANGE_FROM(5_000)]);
    expect(arrived()).toBe(true);
  });
  it("with a file that changed meanwhile starts anew, by the server's word", async () => {
    partOf(5_000, '"an older one"', Buffer.alloc(BYTES));
    await start();
    expect(server.ifRanges).toEqual(['"an older one"']);
    expect(arrived()).toBe(true);
  });
  it("with a file that changed meanwhile starts anew, where the server ignores the condition", async () => {
    partOf(5_000, '"an older one"', Buffer.alloc(BYTES));
    server.answers = [(request, response, file) => {
      delete request.headers["if-range"];
      serve(request, response, file, server);
    }, serve];
    await startWithOneCheck();
    expect(server.ranges).toEqual([RANGE_FROM(5_000), undefined]);
    expect(arrived()).toBe(true);
  });
  it("after a cut, when the file changes between two attempts", async () => {
    server.answers = [(request, response, file) => {
      server.file = { content, etag: '"two"' };
      cutAfter(9_000)(request, response, { content: modelBytes(BYTES), etag: file.etag }, server);
    }, serve];
    await start();
    expect(server.ifRanges).toEqual([undefined, '"one"']);
    expect(arrived()).toBe(true);
  });
  it("from a part of another file, or of nothing known, starts anew", async () => {
    partOf(5_000, '"one"', Buffer.alloc(BYTES), "f".repeat(64));
    await start();
    expect(server.ranges).toEqual([undefined]);
    rmSync(destination);
    writeFileSync(`${destination}.part`, "stray");
    writeFileSync(`${destination}.part.json`, "{ half");
    await start();
    expect(server.ranges).toEqual([undefined, undefined]);
    expect(arrived()).toBe(true);
  });
  it("from a part longer than the file starts anew", async () => {
    partOf(BYTES, null);
    truncateSync(`${destination}.part`, BYTES + 10);
    await startWithOneCheck();
    expect(server.ranges).toEqual([undefined]);
    expect(arrived()).toBe(true);
  });
  it("from a part that was damaged on the disk: found by the checksum, and downloaded anew", async () => {
    partOf(5_000, '"one"', Buffer.alloc(BYTES));
    await start();
    expect(server.ranges).toEqual([RANGE_FROM(5_000), undefined]);
    expect(arrived()).toBe(true);
  });
  it("where the range is refused (416) starts anew", async () => {
    partOf(5_000, null);
    server.answers = [status(416), serve];
    await start();
    expect(server.ranges).toEqual([RANGE_FROM(5_000), undefined]);
    expect(arrived()).toBe(true);
  });
  it("gives no condition where the server's tag is weak", async () => {
    server.file.etag = 'W/"one"';
    server.answers = [cutAfter(100), serve];
    await start();
    expect(server.ifRanges).toEqual([undefined, undefined]);
    expect(arrived()).toBe(true);
  });
});

describe("cancelling", () => {
  it("keeps what has come, never a half file, and the next download goes on", async () => {
    const abort = new AbortController();
    server.answers = [(_request, response) => {
      response.writeHead(200, { "content-length": BYTES, etag: '"one"' });
      response.write(content.subarray(0, 4_000));
    }, serve];
    const error = await failure({ signal: abort.signal, onProgress: ({ bytes }) => { if (bytes === 4_000) abort.abort(); } });
    expect(error).toMatchObject({ code: "cancelled", name: "AbortError" });
    expect(filesLeft()).toEqual(["model.gguf.part", "model.gguf.part.json"]);
    await start();
    expect(server.ranges.at(-1)).toBe(RANGE_FROM(4_000));
    expect(arrived()).toBe(true);
  });
  it("while waiting, while checking, and before the start", async () => {
    const waiting = new AbortController();
    server.answers = [status(503)];
    clock.sleep = (_ms, signal?: AbortSignal) => new Promise((_resolve, reject) => {
      signal!.addEventListener("abort", () => reject(signal!.reason as Error));
      waiting.abort();
    });
    expect(await failure({ signal: waiting.signal })).toMatchObject({ code: "cancelled" });

    const checking = new AbortController();
    server.answers = [serve];
    expect(await failure({ signal: checking.signal, onProgress: ({ phase, bytes }) => { if (bytes === BYTES && phase === "downloading") checking.abort(); } })).toMatchObject({ code: "cancelled" });
    expect(existsSync(destination)).toBe(false);

    const before = server.paths.length;
    expect(await failure({ signal: AbortSignal.abort() })).toMatchObject({ code: "cancelled" });
    expect(server.paths).toHaveLength(before);
  });
});

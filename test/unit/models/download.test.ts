// Downloads from a real server that cuts, lies, hangs and refuses. Time is pretended: nothing here waits.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync, mkdirSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../../../extension/models/clock";
import { download, type DownloadOptions, type DownloadProgress } from "../../../extension/models/download";
import { fileError, type DownloadError } from "../../../extension/models/downloadError";
import { cutAfter, FileServer, ignoreRange, modelBytes, redirect, serve, sha256, status, type Answer } from "./fileServer";

const BYTES = 300_000;
const content = modelBytes(BYTES);
const expected = { bytes: BYTES, sha256: sha256(content) };
const RANGE_FROM = (start: number): string => `bytes=${start}-`;

/** Waits are written down and over at once; a silent server is given up when `giveUp` is called. */
class PretendedClock implements Clock {
  readonly sleeps: number[] = [];
  private time = 0;
  private readonly watches = new Set<() => void>();

  now(): number {
    return (this.time += 10);
  }
  async sleep(ms: number): Promise<void> {
    this.sleeps.push(ms);
  }
  after(_ms: number, fire: () => void): { dispose(): void } {
    this.watches.add(fire);
    return { dispose: () => this.watches.delete(fire) };
  }
  giveUp(): void {
    for (const fire of this.watches) fire();
  }
}

let folder: string;
let server: FileServer;
let clock: PretendedClock;
let destination: string;
let url: string;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "octet-download-"));
  destination = path.join(folder, "models", "owner", "model.gguf");
  clock = new PretendedClock();
  server = new FileServer(content);
  await server.start();
  url = server.url;
});

afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const start = ({ onProgress, ...changes }: Partial<DownloadOptions> = {}): Promise<void> => download({
  url: `${url}/model.gguf`, destination, expected, fetch, clock,
  onProgress: (progress) => {
    onProgress?.(progress);
    server.arrived(progress.bytes);
  },
  ...changes,
});

/** Started and checked once: what was wrong was found before it was downloaded. */
async function startWithOneCheck(): Promise<void> {
  let checks = 0;
  await start({ onProgress: ({ phase, bytes }) => { if (phase === "checking" && bytes === BYTES) checks++; } });
  expect(checks).toBe(1);
}

async function failure(changes: Partial<DownloadOptions> = {}): Promise<DownloadError> {
  return start(changes).then(() => { throw new Error("it succeeded"); }, (error: unknown) => error as DownloadError);
}

const filesLeft = (): string[] => readdirSync(path.dirname(destination)).sort();
const arrived = (): boolean => readFileSync(destination).equals(content);

function partOf(bytes: number, etag: string | null, of = content, hash = expected.sha256): void {
  mkdirSync(path.dirname(destination), { recursive: true });
  writeFileSync(`${destination}.part`, of.subarray(0, bytes));
  writeFileSync(`${destination}.part.json`, JSON.stringify({ bytes: BYTES, sha256: hash, etag }));
}

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

describe("a server that lies about lengths", () => {
  const lie = (length: number): Answer => (_request, response) => void response.writeHead(200, { "content-length": length }).write(content);
  it("by naming another length: refused before a byte is written", async () => {
    server.answers = [lie(BYTES + 5)];
    expect(await failure()).toMatchObject({ code: "wrongFile", message: `The server offers a file of ${BYTES + 5} bytes instead of ${BYTES}` });
    expect(statSync(`${destination}.part`).size).toBe(0);
    expect(clock.sleeps).toEqual([]);
  });
  it("by sending less than it named: gone on from", async () => {
    server.answers = [cutAfter(10), serve];
    await start();
    expect(server.ranges).toEqual([undefined, RANGE_FROM(10)]);
    expect(arrived()).toBe(true);
  });
  it("by ending early without a length: gone on from", async () => {
    server.answers = [(_request, response) => void response.writeHead(200).end(content.subarray(0, 20_000)), serve];
    await start();
    expect(server.ranges).toEqual([undefined, RANGE_FROM(20_000)]);
    expect(clock.sleeps).toEqual([1_000]);
    expect(arrived()).toBe(true);
  });
  it("by sending more without a length: what is beyond is dropped", async () => {
    server.answers = [(_request, response) => void response.writeHead(200).end(Buffer.concat([content, content]))];
    await start();
    expect(arrived()).toBe(true);
  });
  it("about the total in a range", async () => {
    partOf(1_000, '"one"');
    server.answers = [(_request, response) => void response.writeHead(206, { "content-range": `bytes 1000-1999/2000`, "content-length": 1000 }).end(content.subarray(1000, 2000))];
    expect(await failure()).toMatchObject({ code: "wrongFile" });
    expect(statSync(`${destination}.part`).size).toBe(1_000);
  });
  it("about the start of a range: started anew", async () => {
    partOf(1_000, '"one"');
    server.answers = [(_request, response) => void response.writeHead(206, { "content-range": `bytes 0-${BYTES - 1}/${BYTES}`, "content-length": BYTES }).end(content), serve];
    await startWithOneCheck();
    expect(server.ranges).toEqual([RANGE_FROM(1_000), undefined]);
    expect(arrived()).toBe(true);
  });
  it("by naming another file before it sends it", async () => {
    server.answers = [redirect("/elsewhere", { "x-linked-size": "12" })];
    expect(await failure()).toMatchObject({ code: "wrongFile", message: "The server offers another version of it" });
    server.answers = [redirect("/elsewhere", { "x-linked-etag": `"${"0".repeat(64)}"` })];
    expect(await failure()).toMatchObject({ code: "wrongFile", message: "The server offers another version of it" });
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

describe("a server that refuses", () => {
  it.each([[404, "notFound"], [410, "notFound"], [401, "refused"], [403, "refused"], [400, "refused"]])("with %i is not asked again", async (code, expectedCode) => {
    server.answers = [status(code)];
    const error = await failure();
    expect(error).toMatchObject({ code: expectedCode });
    expect(error.message).toContain(String(code));
    expect(error.advice).toBeTruthy();
    expect(server.paths).toHaveLength(1);
  });
  it.each([408, 429, 500, 502, 503])("with %i is asked again", async (code) => {
    server.answers = [status(code), serve];
    await start();
    expect(clock.sleeps).toEqual([1_000]);
    expect(arrived()).toBe(true);
  });
  it("is asked again when it says, within bounds", async () => {
    server.answers = [status(429, { "retry-after": "30" }), status(503, { "retry-after": "86400" }), status(429, { "retry-after": "soon" }), serve];
    await start();
    expect(clock.sleeps).toEqual([30_000, 120_000, 4_000]);
  });
  it("again and again is left alone", async () => {
    server.answers = [status(503)];
    expect(await failure()).toMatchObject({ code: "unreachable" });
    expect(server.paths).toHaveLength(6);
  });
  it("with a page instead of a model", async () => {
    partOf(5_000, '"one"');
    server.answers = [(_request, response) => void response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-length": 20 }).end("<html>Sign in</html>")];
    const error = await failure();
    expect(error).toMatchObject({ code: "wrongFile" });
    expect(error.message).toMatch(/no model/);
    expect(statSync(`${destination}.part`).size).toBe(5_000);
  });
  it("with a page that calls itself a model", async () => {
    partOf(5_000, null);
    server.answers = [(_request, response) => void response.writeHead(200, { "content-type": "application/octet-stream" }).end(Buffer.alloc(BYTES, "<html>"))];
    expect(await failure()).toMatchObject({ code: "wrongFile" });
    expect(statSync(`${destination}.part`).size).toBe(5_000);
  });
  it("whose certificate is not trusted is not asked again", async () => {
    const cause = Object.assign(new Error("self-signed certificate"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    const error = await failure({ fetch: () => Promise.reject(new TypeError("fetch failed", { cause })) });
    expect(error).toMatchObject({ code: "unreachable" });
    expect(error.advice).toMatch(/NODE_EXTRA_CA_CERTS/);
    expect(clock.sleeps).toEqual([]);
  });
  it("by redirecting in a circle", async () => {
    server.answers = [redirect("/model.gguf")];
    expect(await failure()).toMatchObject({ code: "wrongFile", message: "The server redirects without end" });
  });
  it("by redirecting to what is not encrypted", async () => {
    for (const place of ["http://example.com/model.gguf", "ftp://127.0.0.1/model.gguf", "file:///etc/passwd"]) {
      server.answers = [redirect(place)];
      expect(await failure()).toMatchObject({ code: "badAddress" });
    }
    expect(await failure({ url: "http://example.com/model.gguf" })).toMatchObject({ code: "badAddress" });
  });
});

describe("a wrong checksum", () => {
  it("leaves nothing", async () => {
    server.file.content = Buffer.concat([content.subarray(0, BYTES - 1), Buffer.from([content[BYTES - 1]! ^ 1])]);
    const error = await failure();
    expect(error).toMatchObject({ code: "checksum" });
    expect(server.paths).toHaveLength(1);
    expect(filesLeft()).toEqual([]);
  });
});

describe("a server that hangs", () => {
  const hang = (after: Answer | null): Answer => (request, response, file) => {
    after?.(request, response, file, server);
    setImmediate(() => clock.giveUp());
  };
  it("before it answers is given up and asked again", async () => {
    server.answers = [hang(null), serve];
    await start();
    expect(arrived()).toBe(true);
    expect(server.paths).toHaveLength(2);
  });
  it("in the middle is given up and gone on with", async () => {
    let seen = 0;
    server.answers = [(_request, response) => {
      response.writeHead(200, { "content-length": BYTES, etag: '"one"' });
      response.write(content.subarray(0, 1_000));
    }, serve];
    await start({
      onProgress: ({ phase, bytes }) => {
        if (phase !== "downloading" || bytes !== 1_000 || seen++ > 0) return;
        setImmediate(() => clock.giveUp());
      },
    });
    expect(arrived()).toBe(true);
    expect(server.ranges).toEqual([undefined, RANGE_FROM(1_000)]);
  });
  it("for good fails", async () => {
    server.answers = [hang(null)];
    const error = await failure();
    expect(error).toMatchObject({ code: "unreachable" });
    expect(error.message).toMatch(/nothing came for 60 s/);
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

describe("the disk", () => {
  it("is asked for space before anything is downloaded", async () => {
    const error = await failure({ freeBytes: () => Promise.resolve(1_000) });
    expect(error).toMatchObject({ code: "noSpace" });
    expect(error.message).toMatch(/300 KB are to come, and 1\.0 KB are free/);
    expect(server.paths).toEqual([]);
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

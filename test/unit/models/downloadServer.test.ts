// Downloads from a server that lies, refuses, hangs and sends what it should not. Time is pretended: nothing here waits.
import { statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { arrived, BYTES, clock, content, destination, failure, filesLeft, partOf, RANGE_FROM, server, start, startWithOneCheck } from "./downloadFixture";
import { cutAfter, redirect, serve, status, type Answer } from "./fileServer";

describe("a server that lies about lengths", () => {
  const lie = (length: number): Answer => (_request, response) => void response.writeHead(200, { "content-length": length }).write(content);
  it("by naming another length: refused before a byte is written", async () => {
    server.answers = [lie(BYTES + 5)];
    expect(await failure()).toMatchObject({ code: "wrongFile", message: `The server offers a file of ${BYTES + 5} bytes instead of ${BYTES}` });
    expect(filesLeft()).toEqual([]);
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

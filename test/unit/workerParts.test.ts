// The small parts of the worker: finding its files, batching progress, naming errors.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ResponseError } from "vscode-jsonrpc/node";
import { toOctetError } from "../../extension/worker/errors";
import { toResponseError, WorkerError } from "../../native/worker/errors";
import { addonPath, llamaLibraries, llamaPackages, type LocateEnvironment } from "../../native/worker/locate";
import { GenerateProgressBatch, throttledLoadProgress } from "../../native/worker/progress";
import type { GenerateProgressParams, LoadProgressParams, StepEvent } from "../../protocol/worker";

describe("finding files", () => {
  let root: string;
  let where: LocateEnvironment;
  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), "octet-locate-"));
    where = { bundle: path.join(root, "app", "dist"), env: {}, platform: "linux", arch: "x64" };
    mkdirSync(where.bundle, { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const install = (at: string, name: string): string => {
    const folder = path.join(root, at, "node_modules", "@node-llama-cpp", name, "bins", name);
    mkdirSync(folder, { recursive: true });
    return folder;
  };

  it("takes the addon beside the bundle unless told otherwise", () => {
    expect(addonPath(where)).toBe(path.join(where.bundle, "octet.node"));
    expect(addonPath({ ...where, env: { OCTET_ADDON: "/x/y.node" } })).toBe("/x/y.node");
  });

  it("names the packages of every platform, the most capable first", () => {
    expect(llamaPackages("linux", "x64")).toEqual(["linux-x64-vulkan", "linux-x64"]);
    expect(llamaPackages("linux", "arm64")).toContain("linux-arm64");
    expect(llamaPackages("win32", "x64")).toEqual(["win-x64-vulkan", "win-x64"]);
    expect(llamaPackages("win32", "arm64")).toContain("win-arm64");
    expect(llamaPackages("darwin", "arm64")).toEqual(["mac-arm64-metal"]);
    expect(llamaPackages("darwin", "x64")).toEqual(["mac-x64"]);
  });

  it("prefers named folders to shipped ones, and shipped ones to packages", () => {
    expect(llamaLibraries(where)).toEqual([]);
    const plain = install(".", "linux-x64");
    install(".", "linux-arm64");
    expect(llamaLibraries(where)).toEqual([plain]);
    const vulkan = install("app", "linux-x64-vulkan");
    expect(llamaLibraries(where)).toEqual([vulkan, plain]);
    const nearer = install("app", "linux-x64");
    expect(llamaLibraries(where)).toEqual([vulkan, nearer]);
    const shipped = path.join(where.bundle, "llama");
    mkdirSync(shipped);
    expect(llamaLibraries(where)).toEqual([shipped]);
    const named = { OCTET_LLAMA_LIBRARIES: ["/a", "/b"].join(path.delimiter) };
    expect(llamaLibraries({ ...where, env: named })).toEqual(["/a", "/b"]);
  });
});

describe("progress", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const step = (atMs: number): StepEvent => ({ atMs, stepMs: 1, draftMs: 0, verifyMs: 0, hostMs: 0, draftLength: 1, lanes: [] });

  it("of a generation goes out at once, then at most every interval, in order, and at the end", () => {
    const sent: GenerateProgressParams[] = [];
    const batch = new GenerateProgressBatch("g", 10, (progress) => void sent.push(progress));
    batch.add({ prefill: { done: 1, total: 2, reused: 0 }, steps: [] });
    expect(sent).toEqual([{ id: "g", prefill: { done: 1, total: 2, reused: 0 }, steps: [] }]);
    batch.add({ prefill: { done: 2, total: 2, reused: 0 }, steps: [] });
    for (let at = 1; at <= 35; at++) {
      batch.add({ steps: [step(at)] });
      vi.advanceTimersByTime(1);
    }
    expect(sent.length).toBe(4);
    batch.flush();
    batch.flush();
    vi.advanceTimersByTime(100);
    expect(sent.length).toBe(5);
    expect(sent[1]?.prefill?.done).toBe(2);
    expect(sent.flatMap(({ steps }) => steps.map(({ atMs }) => atMs))).toEqual(Array.from({ length: 35 }, (_, i) => i + 1));
    expect(vi.getTimerCount()).toBe(0);
  });

  it("sends a lane's end at once", () => {
    const sent: GenerateProgressParams[] = [];
    const batch = new GenerateProgressBatch("g", 10, (progress) => void sent.push(progress));
    const lane = { lane: 0, tokens: [], logprobs: [], drafted: 0, accepted: 0, text: [] };
    batch.add({ steps: [step(1)] });
    batch.add({ steps: [step(2)] });
    batch.add({ steps: [{ ...step(3), lanes: [{ ...lane, finishReason: "stop" }] }] });
    expect(sent.map(({ steps }) => steps.map(({ atMs }) => atMs))).toEqual([[1], [2, 3]]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("of a load keeps each phase's first and its end", () => {
    const sent: LoadProgressParams[] = [];
    const send = throttledLoadProgress(50, (progress) => void sent.push(progress));
    for (const phase of ["checking", "target", "draft"] as const) {
      for (let done = 0; done <= 100; done++) {
        send({ phase, fraction: done / 100 });
        vi.advanceTimersByTime(1);
      }
    }
    expect(sent.map(({ phase, fraction }) => `${phase} ${fraction}`)).toEqual(
      ["checking", "target", "draft"].flatMap((phase) => [`${phase} 0`, `${phase} 0.5`, `${phase} 1`]));
  });
});

describe("errors", () => {
  const native = (fields: object): Error => Object.assign(new Error("the file is cut short\nat 0x1234"), fields);

  it("keep code and advice from the addon to the client", () => {
    const error = toOctetError(toResponseError(native({ code: "modelDamaged", advice: "Download it again." })));
    expect(error).toMatchObject({ code: "modelDamaged", message: "the file is cut short", advice: "Download it again." });
  });

  it("of unknown kinds are internal", () => {
    for (const thrown of [native({ code: "ENOENT" }), native({ code: 5, advice: 7 }), new Error(""), "text", null, undefined, {}]) {
      const { data, message } = toResponseError(thrown);
      expect(data).toEqual({ code: "internal" });
      expect(message).not.toBe("");
    }
    expect(toOctetError(new ResponseError(1, "no data"))).toMatchObject({ code: "internal", message: "no data" });
    expect(toOctetError("text")).toMatchObject({ code: "internal", message: "text" });
  });

  it("of the worker itself pass as they are", () => {
    const response = toResponseError(new WorkerError("busy", "another load is under way"));
    expect(response.data).toEqual({ code: "busy" });
    expect(toResponseError(response)).toBe(response);
  });
});

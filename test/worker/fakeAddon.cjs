// An addon of native/addon/octet.d.ts made of timers: what it does wrong, it is told to do by its inputs.
//
//   target's file name: crash*  kills the process while loading     hangPool*  keeps a thread of libuv's pool
//                       hangJs* keeps the JavaScript thread         missing*   rejects modelNotFound
//                       slow*   takes long, can be cancelled
//   prompt's text:      throw   rejects promptTooLong               uncaught   throws where nobody catches
//                       lost    rejects internal, as a GPU that is gone
//   environment:        OCTET_FAKE_CRASH=1  dies when loaded        OCTET_FAKE_INIT=1  has no backends
//                       OCTET_FAKE_STEP_MS  a step's time, default 5
//                       OCTET_FAKE_GPU=1    has a GPU, which takes every model not told to the CPU
//                       OCTET_FAKE_HANG=1   has a GPU's driver that hangs as it is loaded
"use strict";
const { execFileSync } = require("node:child_process");
const { open } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");

if (process.env.OCTET_FAKE_CRASH) process.kill(process.pid, "SIGKILL");

const STEP_MS = Number(process.env.OCTET_FAKE_STEP_MS ?? 5);
const CPU = { name: "CPU", description: "a pretended CPU", kind: "cpu", runtime: "llama", memoryBytes: 2 ** 33, freeMemoryBytes: 2 ** 32 };

const GPU = { ...CPU, name: "GPU0", description: "a pretended GPU", kind: "gpu" };
const devices = process.env.OCTET_FAKE_GPU ? [GPU, CPU] : [CPU];

function failure(code, message, advice) {
  return Object.assign(new Error(message), advice ? { code, advice } : { code });
}

let loadCancelled = false;
let openEngines = 0;
let log = () => undefined;

let poolThreadKept = false;
function keepPoolThread() {
  poolThreadKept = true;
  const pipe = path.join(tmpdir(), `octet-fake-${process.pid}-${Date.now()}`);
  execFileSync("mkfifo", [pipe]);
  open(pipe, "r", () => undefined); // blocks its thread until someone writes: nobody does
}

function model(file) {
  return {
    path: file, name: path.basename(file), architecture: "llama", quantization: "Q8_0", parameters: 1e6, fileBytes: 1e6,
    vocabularySize: 8192, trainedContext: 2048, layers: 6, fim: true,
  };
}

async function load(params, onProgress) {
  if (openEngines > 0) throw failure("outOfMemory", "what was loaded before has not been closed");
  loadCancelled = false;
  const name = path.basename(params.target);
  const steps = name.startsWith("slow") ? 500 : 3;
  const phases = params.draft === null ? ["checking", "target", "warmup"] : ["checking", "target", "draft", "warmup"];
  for (const phase of phases) {
    for (let done = 0; done <= steps; done++) {
      onProgress({ phase, fraction: done / steps });
      await new Promise((resolve) => setTimeout(resolve, 4));
      if (loadCancelled) throw failure("cancelled", "the load was cancelled");
    }
    const failing = phase === "draft" ? path.basename(params.draft) : phase === "target" ? name : "";
    if (failing.startsWith("missing")) throw failure("modelNotFound", `no such file: ${params.target}`, "Check the path.");
    if (failing.startsWith("crash")) process.kill(process.pid, "SIGKILL");
    if (failing.startsWith("hangJs")) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    if (failing.startsWith("hangPool")) {
      keepPoolThread();
      await new Promise(() => undefined);
    }
  }
  return new FakeEngine({
    target: model(params.target), draft: params.draft === null ? null : model(params.draft), runtime: "llama", device: params.device === "cpu" ? CPU : devices[0],
    threads: params.threads || 2, lanes: params.lanes, spareLanes: params.spareLanes ?? 0, contextTokens: params.contextTokens || 2048, cacheTokens: 4096,
    memory: { targetWeights: 1, draftWeights: 1, kvCache: 1, compute: 1, total: 4, available: 100 }, fim: true, notices: [], loadMs: 12,
  });
}

class FakeEngine {
  requests = new Map();
  open = true;

  constructor(loaded) {
    this.loaded = loaded;
    openEngines++;
  }

  async generate(params, onProgress) {
    if (params.prompt.text === "throw") throw failure("promptTooLong", "the prompt has 9999 tokens, the context 2048", "Shorten it.");
    if (params.prompt.text === "lost") throw failure("internal", "The forward pass failed: the device is lost");
    if (params.prompt.text === "uncaught") setTimeout(() => { throw new Error("a fault nobody caught"); }, 1);
    const request = {
      ended: false,
      steps: 0,
      alone: { prompt: this.requests.size === 0, steps: true },
      lanes: Array.from({ length: params.lanes }, (_, lane) => ({ lane, tokens: [], logprobs: [], text: "", drafted: 0, accepted: 0, finish: null })),
    };
    this.requests.set(params.id, request);
    const startedAt = performance.now();
    onProgress({ prefill: { done: 4, total: 4, reused: 0 }, steps: [] });
    while (request.lanes.some((lane) => lane.finish === null)) {
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
      onProgress({ steps: [this.step(request, params, performance.now() - startedAt)] });
    }
    this.requests.delete(params.id);
    return result(request, performance.now() - startedAt);
  }

  step(request, params, atMs) {
    request.steps++;
    if (this.requests.size > 1) request.alone.steps = false;
    const lanes = [];
    for (const lane of request.lanes) {
      if (lane.finish !== null && lane.told) continue;
      const event = { lane: lane.lane, tokens: [], logprobs: [], drafted: 0, accepted: 0, text: [] };
      if (request.ended && lane.finish === null) lane.finish = "cancelled";
      if (lane.finish === null) {
        const count = Math.min(1 + (request.steps + lane.lane) % 3, params.maxTokens - lane.tokens.length);
        for (let i = 0; i < count; i++) {
          const token = 100 * lane.lane + lane.tokens.length + i;
          event.tokens.push(token);
          event.logprobs.push(-0.25 * (lane.lane + 1));
          event.text.push({ text: `t${token} `, accepted: i < count - 1 });
        }
        event.drafted = 3;
        event.accepted = count - 1;
        lane.tokens.push(...event.tokens);
        lane.logprobs.push(...event.logprobs);
        lane.text += event.text.map((span) => span.text).join("");
        lane.drafted += event.drafted;
        lane.accepted += event.accepted;
        if (lane.tokens.length >= params.maxTokens) lane.finish = "length";
      }
      if (lane.finish !== null) {
        event.finishReason = lane.finish;
        lane.told = true;
      }
      lanes.push(event);
    }
    return { atMs, stepMs: STEP_MS, draftMs: 1, verifyMs: 1, hostMs: 0.1, draftLength: 3, lanes };
  }

  cancel(id) {
    const request = this.requests.get(id);
    if (request) request.ended = true;
  }

  cancelLane(id, lane) {
    const found = this.requests.get(id)?.lanes[lane];
    if (found && found.finish === null) found.finish = "cancelled";
  }

  tokenize(text) {
    return [...text].map((character) => character.codePointAt(0));
  }

  counts() {
    const lanes = [...this.requests.values()].flatMap((request) => request.lanes.filter((lane) => lane.finish === null));
    return { running: this.requests.size, queued: 0, lanesInUse: lanes.length };
  }

  async close() {
    for (const id of this.requests.keys()) this.cancel(id);
    while (this.requests.size > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    if (this.open) openEngines--;
    this.open = false;
  }
}

function result(request, wallMs) {
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const sequences = request.lanes.map((lane) => ({
    lane: lane.lane, rank: lane.lane + 1, text: lane.text, tokens: lane.tokens, tokenLogprobs: lane.logprobs,
    meanLogprob: lane.tokens.length > 0 ? sum(lane.logprobs) / lane.tokens.length : null, finishReason: lane.finish,
    drafted: lane.drafted, accepted: lane.accepted, firstTokenMs: STEP_MS, msPerToken: STEP_MS / 2,
  }));
  const tokens = sum(sequences.map((sequence) => sequence.tokens.length));
  return {
    sequences,
    totals: {
      promptTokens: 4, reusedTokens: 0, prefillMs: 1, decodeMs: wallMs - 1, wallMs, steps: request.steps, tokens,
      drafted: sum(sequences.map((sequence) => sequence.drafted)), accepted: sum(sequences.map((sequence) => sequence.accepted)),
      acceptanceRate: 0.5, tokensPerStep: 2, tokensPerSecond: tokens / wallMs * 1000,
      msPerToken: { first: 2, last: 3, all: 2.5 }, draftMs: 1, verifyMs: 1, hostMs: 1,
      alone: request.alone,
    },
    notices: [],
  };
}

module.exports = {
  initialize({ onLog, gpus }) {
    if (process.env.OCTET_FAKE_HANG && gpus) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    if (process.env.OCTET_FAKE_INIT) throw failure("internal", "no llama.cpp backend was found", "Reinstall Octet.");
    log = onLog;
    log({ level: "info", message: "the pretended addon is ready" });
  },
  /** `listeners` lets a test see whether the worker process gathers listeners. */
  versions: () => ({
    octet: "fake",
    listeners: String(process.eventNames().reduce((count, name) => count + process.listenerCount(name), 0)),
  }),
  devices: () => devices,
  gpuBackends: () => [],
  machine: () => ({ physicalCores: 2, logicalCores: 4, memoryBytes: 2 ** 33, freeMemoryBytes: 2 ** 32 }),
  defaultThreads: () => 2,
  inspect: async ({ path: file }) => {
    if (path.basename(file).startsWith("missing")) throw failure("modelNotFound", `no such file: ${file}`, "Check the path.");
    return { model: model(file), runnable: true, reasons: [], kvBytesPerToken: 1024, tensorTypes: [], metadata: {} };
  },
  load,
  cancelLoad: () => void (loadCancelled = true),
  exitNow: (code) => (poolThreadKept ? process.kill(process.pid, "SIGKILL") : process.exit(code)),
};

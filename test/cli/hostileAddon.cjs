// An addon of native/addon/octet.d.ts whose model writes what a terminal would obey, and characters of every width. Steps take
// OCTET_HOSTILE_STEP_MS (default 20), loads OCTET_HOSTILE_LOAD_MS (default 0), and neither hears of a cancellation before its end.
"use strict";
const STEP_MS = Number(process.env.OCTET_HOSTILE_STEP_MS ?? 20);
const LOAD_MS = Number(process.env.OCTET_HOSTILE_LOAD_MS ?? 0);
const WRITES = [
  "\u001b[2J\u001b[H\u001b]0;owned\u0007", "漢字かな", "👩‍👩‍👧‍👦🏳️‍🌈", "e\u0301\u0301\u0301", "\u202eabc\u2066", "\tx\r\n", "\u009b31m\u0090q\u009c", "plain text ",
];
const device = { name: "CPU", description: "a pretended \u001b[31mCPU", kind: "cpu", runtime: "llama", memoryBytes: 2 ** 33, freeMemoryBytes: 2 ** 32 };
const model = (file) => ({
  path: file, name: "evil\u001b[2J\nname", architecture: "llama", quantization: "Q8_0", parameters: 1e6, fileBytes: 1e6, vocabularySize: 8192,
  trainedContext: 2048, layers: 6, fim: true,
});

class Engine {
  cancelled = false;
  constructor(params) {
    this.loaded = {
      target: model(params.target), draft: null, runtime: "llama", device, threads: 1, lanes: params.lanes, contextTokens: 2048, cacheTokens: 4096,
      memory: { targetWeights: 1, draftWeights: 0, kvCache: 1, compute: 1, total: 3, available: 9 }, fim: true, notices: ["a \u001b[5mnotice"], loadMs: 1,
    };
  }
  async generate(params, onProgress) {
    const texts = Array.from({ length: params.lanes }, () => "");
    let steps = 0;
    while (steps < params.maxTokens && !this.cancelled) {
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
      const lanes = texts.map((text, lane) => {
        const written = WRITES[(steps + lane) % WRITES.length];
        texts[lane] = text + written;
        return { lane, tokens: [1], logprobs: [-1], drafted: 0, accepted: 0, text: [{ text: written, accepted: steps % 2 === 0 }] };
      });
      steps++;
      onProgress({ steps: [{ atMs: steps * STEP_MS, stepMs: STEP_MS, draftMs: 0, verifyMs: 1, hostMs: 0, draftLength: 0, lanes }] });
    }
    const finishReason = this.cancelled ? "cancelled" : "length";
    const sequences = texts.map((text, lane) => ({
      lane, rank: lane + 1, text, tokens: Array(steps).fill(1), tokenLogprobs: Array(steps).fill(-1), meanLogprob: -1, finishReason, drafted: 0,
      accepted: 0, firstTokenMs: 1, msPerToken: 1,
    }));
    const totals = {
      promptTokens: 1, reusedTokens: 0, prefillMs: 1, decodeMs: 1, wallMs: 2, steps, tokens: steps * params.lanes, drafted: 0, accepted: 0,
      acceptanceRate: null, tokensPerStep: 1, tokensPerSecond: 1, msPerToken: { first: 1, last: 1, all: 1 }, draftMs: 0, verifyMs: 0, hostMs: 0,
      alone: { prompt: true, steps: true },
    };
    return { sequences, totals, notices: [] };
  }
  cancel() { this.cancelled = true; }
  cancelLane() {}
  tokenize(text) { return [...text].map(() => 1); }
  counts() { return { running: 0, queued: 0, lanesInUse: 0 }; }
  async close() { this.cancelled = true; }
}

module.exports = {
  initialize() {},
  versions: () => ({ octet: "0.1.0" }),
  devices: () => [device],
  gpuBackends: () => [],
  machine: () => ({ physicalCores: 2, logicalCores: 2, memoryBytes: 2 ** 33, freeMemoryBytes: 2 ** 32 }),
  defaultThreads: () => 1,
  inspect: async ({ path }) => ({ model: model(path), runnable: true, reasons: [], kvBytesPerToken: 1, tensorTypes: [], metadata: {} }),
  load: async (params) => {
    if (LOAD_MS > 0) await new Promise((resolve) => setTimeout(resolve, LOAD_MS));
    return new Engine(params);
  },
  cancelLoad() {},
  exitNow: (code) => process.exit(code),
};

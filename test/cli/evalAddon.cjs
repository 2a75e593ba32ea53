// An addon of native/addon/octet.d.ts whose lanes write what OCTET_EVAL_LANES says: a JSON array of { text, finishReason,
// meanLogprob }. A lane's entry is the sum of its number and the request's seed, modulo the array's length. A request takes a
// pretended 1000 ms, or its budget where that is less; the lane is then out of time. Each token is a character; a step drafts
// four and keeps two. Every token of a scored text costs one bit under the target and two under the draft.
// OCTET_EVAL_HEALED: the entries of requests that ask for token healing, where they have others. OCTET_EVAL_PARAMETERS: the
// models' size. OCTET_EVAL_SLOW: requests end only when they are cancelled, from the given one on. OCTET_EVAL_DIE: the given one kills us.
"use strict";
const entries = JSON.parse(process.env.OCTET_EVAL_LANES ?? '[{"text":"x","finishReason":"end","meanLogprob":-1}]');
const healedEntries = process.env.OCTET_EVAL_HEALED ? JSON.parse(process.env.OCTET_EVAL_HEALED) : entries;
const slowFrom = Number(process.env.OCTET_EVAL_SLOW ?? Infinity);
const device = { name: "CPU", description: "a pretended CPU", kind: "cpu", runtime: "llama", memoryBytes: 2 ** 33, freeMemoryBytes: 2 ** 32 };
const model = (file) => file && ({
  path: file, name: "pretended", architecture: "llama", quantization: "Q8_0", parameters: Number(process.env.OCTET_EVAL_PARAMETERS ?? 1e6), fileBytes: 1e6, vocabularySize: 256,
  trainedContext: 4096, layers: 1, fim: true,
});
const REQUEST_MS = 1000;
let requests = 0;
let cancelSlow = () => undefined;

class Engine {
  constructor(params) {
    this.lanes = Math.min(params.lanes, Number(process.env.OCTET_EVAL_MAX_LANES ?? 16));
    this.loaded = {
      target: model(params.target), draft: model(params.draft), runtime: "llama", device, threads: 1, lanes: this.lanes,
      contextTokens: params.contextTokens || 4096, cacheTokens: 65536, fim: true, notices: [], loadMs: 1,
      memory: { targetWeights: 1, draftWeights: 1, kvCache: 1, compute: 1, total: 4, available: 9 },
    };
  }
  async generate(params, onProgress) {
    const { prompt, lanes, sampling: { seed }, budgetMs, draftLength, maxTokens } = params;
    if (++requests === Number(process.env.OCTET_EVAL_DIE)) process.kill(process.pid, "SIGKILL");
    if (requests >= slowFrom) await new Promise((resolve) => (cancelSlow = resolve));
    const tokens = prompt.kind === "text" ? prompt.text.length : prompt.kind === "tokens" ? prompt.tokens.length - 1 : 1;
    const wallMs = Math.min(REQUEST_MS, budgetMs ?? Infinity);
    const drafted = draftLength === "none" ? 0 : 4;
    const accepted = drafted / 2;
    const from = params.heal ? healedEntries : entries;
    const sequences = Array.from({ length: lanes }, (_, lane) => {
      const entry = from[(seed + lane) % from.length];
      const late = wallMs < REQUEST_MS;
      const written = Math.min(entry.text.length, maxTokens);
      return {
        lane, rank: lane + 1, text: entry.text, tokens: Array(written).fill(1), tokenLogprobs: Array(written).fill(entry.meanLogprob),
        meanLogprob: entry.meanLogprob, finishReason: late ? "budget" : entry.finishReason, drafted, accepted, firstTokenMs: 1, msPerToken: 2,
      };
    });
    const step = (lane) => ({ lane, tokens: [1, 1, 1], logprobs: [-1, -1, -1], drafted, accepted, text: [] });
    onProgress({ steps: [{ atMs: 1, stepMs: 1, draftMs: 0, verifyMs: 1, hostMs: 0, draftLength: drafted, lanes: sequences.map(({ lane }) => step(lane)) }] });
    const total = sequences.reduce((sum, sequence) => sum + sequence.tokens.length, 0);
    return {
      sequences: params.score ? [] : sequences,
      ...(params.score ? { promptLogprobs: Array(tokens).fill(-Math.LN2 * (params.score === "draft" ? 2 : 1)) } : {}),
      totals: {
        promptTokens: tokens, reusedTokens: params.freshPrompt ? 0 : tokens, prefillMs: 100, decodeMs: wallMs - 100, wallMs, steps: 1, tokens: total,
        drafted: drafted * lanes, accepted: accepted * lanes, acceptanceRate: drafted ? 0.5 : null, tokensPerStep: 3, tokensPerSecond: 1,
        msPerToken: { first: 1, last: 3, all: 2 }, draftMs: 0, verifyMs: 1, hostMs: 0,
        alone: { prompt: true, steps: true },
      },
      notices: [],
    };
  }
  cancel() { cancelSlow(); }
  cancelLane() {}
  tokenize(text) { return [...text].map(() => 1); }
  counts() { return { running: 0, queued: 0, lanesInUse: 0 }; }
  async close() { cancelSlow(); }
}

module.exports = {
  initialize() {},
  versions: () => ({ octet: "0.1.0" }),
  devices: () => [device],
  gpuBackends: () => [],
  machine: () => ({ physicalCores: 2, logicalCores: 2, memoryBytes: 2 ** 33, freeMemoryBytes: 2 ** 32 }),
  defaultThreads: () => 1,
  inspect: async ({ path }) => ({ model: model(path), runnable: true, reasons: [], kvBytesPerToken: 1, tensorTypes: [], metadata: {} }),
  load: async (params) => new Engine(params),
  cancelLoad() {},
  exitNow: (code) => process.exit(code),
};

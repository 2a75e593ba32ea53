// The Latency view's state as a host would send it, made up but lifelike. The same seed makes the same steps.

import type { LatencyFigures, LatencyState, RequestSummary, StepSample, WorkerReport } from "../../protocol/latencyView";
import { random } from "./synthetic";

export const WORKER: WorkerReport = {
  state: "ready",
  loadFraction: null,
  error: null,
  target: "Qwen2.5-Coder 7B · Q8_0",
  draft: "Qwen2.5-Coder 0.5B · Q8_0",
  device: "NVIDIA H200 · cuda",
  threads: 8,
  lanes: 8,
  contextTokens: 8192,
  residentBytes: 1.1 * 2 ** 30,
  deviceBytes: 9.4 * 2 ** 30,
  deviceTotalBytes: 139 * 2 ** 30,
  utilisation: 0.31,
};

export const STOPPED: WorkerReport = {
  ...WORKER,
  state: "stopped",
  target: null,
  draft: null,
  device: null,
  threads: null,
  lanes: null,
  contextTokens: null,
  residentBytes: null,
  deviceBytes: null,
  deviceTotalBytes: null,
  utilisation: null,
};

export function steps(count: number, seed = 3, from = 0): StepSample[] {
  const next = random(seed + from);
  const result: StepSample[] = [];
  let atMs = 120 + from * 5.2;
  let draftLength = 7;
  for (let index = 0; index < count; index++) {
    const acceptance = 0.68 + 0.2 * Math.sin((from + index) / 23);
    const drafted = 8 * draftLength;
    const accepted = Math.round(drafted * Math.min(1, Math.max(0, acceptance + 0.25 * (next() - 0.5))));
    const draftMs = 0.26 * draftLength * (0.95 + 0.1 * next());
    const verifyMs = (2.9 + 0.09 * draftLength) * (0.97 + 0.06 * next()) * (next() < 0.02 ? 1.6 : 1);
    const hostMs = 0.12 + 0.08 * next();
    const stepMs = draftMs + verifyMs + hostMs;
    atMs += stepMs;
    result.push({ atMs, stepMs, draftMs, verifyMs, hostMs, draftLength, lanes: 8, tokens: accepted + 8, drafted, accepted });
    draftLength = Math.max(1, Math.min(12, draftLength + (accepted / drafted > 0.75 ? 1 : -1)));
  }
  return result;
}

export const FIGURES: LatencyFigures = {
  firstTokenMs: 124,
  p50Ms: 0.94,
  p95Ms: 2.6,
  msPerToken: { first: 0.88, last: 1.12, all: 0.97 },
  tokensPerSecond: 7_840,
  acceptanceRate: 0.71,
  tokensPerStep: 5.6,
  draftLength: 6.4,
  prefillMs: 119,
  promptTokens: 1412,
  reusedTokens: 1024,
  tokens: 1024,
  dropped: { lanes: 0, tokens: 0 },
  steps: 180,
  draftMs: 290,
  verifyMs: 610,
  hostMs: 28,
};

const LABELS = ["geometry.ts:9", "engine.cpp:212", "worker.py:41", "README.md:7"];

export function history(count: number): RequestSummary[] {
  const next = random(11);
  return Array.from({ length: count }, (_, index) => {
    const solutions = index % 3 === 0;
    return {
      id: `r${index}`,
      kind: solutions ? "solutions" : "inline",
      label: LABELS[index % LABELS.length] ?? "",
      startedAt: Date.UTC(2026, 10, 20, 14, 3, 12 + index * 7),
      state: index % 7 === 5 ? "cancelled" : "done",
      lanes: 8,
      tokens: solutions ? 1024 : 256,
      dropped: { lanes: 0, tokens: 0 },
      wallMs: solutions ? 1100 : 340,
      firstTokenMs: 60 + 70 * next(),
      msPerToken: 0.8 + 0.9 * next(),
      tokensPerSecond: 6000 + 2000 * next(),
      acceptanceRate: 0.6 + 0.2 * next(),
    } satisfies RequestSummary;
  });
}

export const emptyLatency: LatencyState = { worker: STOPPED, shown: null, following: true, history: [], benchmark: { kind: "none" } };

export const fullLatency = (): LatencyState => ({
  worker: WORKER,
  shown: { id: "r8", figures: FIGURES, steps: steps(180) },
  following: true,
  history: history(9),
  benchmark: {
    kind: "done",
    finishedAt: 0,
    conditions: "8 lanes × 128 tokens, temperature 0.6",
    runs: [
      { label: "Plain", msPerToken: { first: 3.71, last: 3.8, all: 3.74 }, tokensPerSecond: 2140, acceptanceRate: null, tokensPerStep: 1, draftLength: null },
      { label: "Speculative · fixed:4", msPerToken: { first: 1.3, last: 1.62, all: 1.44 }, tokensPerSecond: 5530, acceptanceRate: 0.74, tokensPerStep: 3.9, draftLength: 4 },
      { label: "Speculative · auto", msPerToken: { first: 0.9, last: 1.2, all: 1.02 }, tokensPerSecond: 7790, acceptanceRate: 0.71, tokensPerStep: 5.6, draftLength: 6.4 },
    ],
  },
});

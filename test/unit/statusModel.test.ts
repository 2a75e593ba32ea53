import { describe, expect, it } from "vitest";
import { remediesOf, sentence } from "../../extension/problemModel";
import { Snooze } from "../../extension/snooze";
import { statusOf, type StatusInput } from "../../extension/statusModel";
import type { LoadResult } from "../../protocol/worker";
import { FakeClock } from "./supervisorFakes";

const model = { path: "/m/target.gguf", name: "target", architecture: "llama", quantization: "Q8_0", parameters: 1, fileBytes: 1, vocabularySize: 1, trainedContext: 1, layers: 1, fim: true };
const loaded: LoadResult = {
  target: model, draft: { ...model, name: "draft" }, runtime: "llama",
  device: { name: "CPU", description: "A processor", kind: "cpu", runtime: "llama", memoryBytes: 1, freeMemoryBytes: 1 },
  threads: 1, lanes: 8, spareLanes: 0, contextTokens: 512, cacheTokens: 4096, fim: true, notices: ["The context was cut to 512 tokens."], loadMs: 1,
  memory: { targetWeights: 1, draftWeights: 1, kvCache: 1, compute: 1, total: 4, available: 9 },
};
const asleep: StatusInput = {
  enabled: true, manual: false, languageId: "typescript", languageEnabled: true, snoozeLeftMs: null,
  worker: { state: "stopped", reason: null, loaded: null }, loadProgress: null, generating: 0, error: null, tokensPerSecond: null,
};
const ready: StatusInput = { ...asleep, worker: { state: "ready", reason: null, loaded } };

describe("statusOf", () => {
  it.each<[string, Partial<StatusInput>, string]>([
    ["ready", {}, "ready"],
    ["writing", { generating: 1 }, "generating"],
    ["a language that is off", { languageEnabled: false, generating: 1 }, "languageOff"],
    ["snoozed", { snoozeLeftMs: 1, languageEnabled: false }, "snoozed"],
    ["an error", { error: { message: "no such file" }, snoozeLeftMs: 1 }, "error"],
    ["a load that may put the error right", { error: { message: "no such file" }, worker: { state: "loading", reason: null, loaded: null } }, "loading"],
    ["a worker given up", { worker: { state: "failed", reason: "five crashes", loaded: null } }, "error"],
    ["off, whatever else there is", { enabled: false, error: { message: "no such file" } }, "off"],
  ])("says the one thing to know: %s", (_what, change, kind) => {
    expect(statusOf({ ...ready, ...change }).kind).toBe(kind);
  });

  it("shows speed, model and what was reduced", () => {
    const view = statusOf({ ...ready, tokensPerSecond: 812.4 });
    expect(view.text).toBe("$(layers) Octet 812 tok/s");
    expect(view.details).toEqual(["Ready.", "target Q8_0, draft draft on A processor, 8 lanes.", "The context was cut to 512 tokens.", "Last request: 812 tokens per second."]);
  });

  it("says lane of one", () => {
    const loaded = { ...ready.worker.loaded!, lanes: 1 };
    expect(statusOf({ ...ready, worker: { ...ready.worker, loaded } }).details[1]).toBe("target Q8_0, draft draft on A processor, 1 lane.");
  });

  it("shows how far a load is", () => {
    const view = statusOf({ ...asleep, worker: { state: "loading", reason: null, loaded: null }, loadProgress: { phase: "draft", fraction: 0.428 } });
    expect(view.text).toBe("$(loading~spin) Octet 42 %");
    expect(view.details[0]).toBe("Loading the models (draft, step 3 of 4).");
  });

  it("gives the reason of an error, and what to do", () => {
    expect(statusOf({ ...asleep, error: { message: "no such file: /m.gguf", advice: "Choose another." } }).label).toBe("Octet: no such file: /m.gguf. Choose another.");
    expect(statusOf({ ...asleep, worker: { state: "failed", reason: "five crashes", loaded: null } }).label).toContain("five crashes");
  });

  it("counts a snooze in minutes, and knows one without end", () => {
    expect(statusOf({ ...asleep, snoozeLeftMs: 61_000 }).text).toBe("$(bell-slash) Octet 2 min");
    expect(statusOf({ ...asleep, snoozeLeftMs: Infinity }).details[0]).toBe("Snoozed until it is ended.");
  });
});

describe("Snooze", () => {
  it("ends by itself, and says so once", async () => {
    const clock = new FakeClock();
    const snooze = new Snooze(clock);
    const heard: boolean[] = [];
    snooze.onChange((active) => heard.push(active));
    snooze.start(1_000);
    await clock.advance(400);
    expect(snooze.leftMs).toBe(600);
    await clock.advance(600);
    expect(snooze.active).toBe(false);
    snooze.stop();
    expect(heard).toEqual([true, false]);
  });

  it("is as long as the last start says; Infinity sets no timer", async () => {
    const clock = new FakeClock();
    const snooze = new Snooze(clock);
    snooze.start(1_000);
    snooze.start(Infinity);
    expect(clock.pending).toEqual([]);
    await clock.advance(1e9);
    expect(snooze.leftMs).toBe(Infinity);
  });
});

describe("remediesOf", () => {
  it("offers another model where the model is the trouble, the starter only where it is not in use", () => {
    expect(remediesOf({ code: "modelNotFound" }, "ready", false)).toEqual(["chooseModel", "useStarterModel", "showLog"]);
    expect(remediesOf({ code: "outOfMemory" }, "ready", true)).toEqual(["chooseModel", "showLog"]);
  });

  it("offers a restart once the worker is given up, and nothing for what passes by itself", () => {
    expect(remediesOf({ code: "workerDied" }, "failed", true)).toEqual(["restartWorker", "showLog"]);
    expect(remediesOf({ code: "workerDied" }, "restarting", true)).toBeNull();
    expect(remediesOf({ code: "promptTooLong" }, "ready", true)).toBeNull();
  });

  it("the sentence ends once", () => {
    expect(sentence({ message: "no such file", advice: "Choose another." })).toBe("Octet: no such file. Choose another.");
    expect(sentence({ message: "It is gone." })).toBe("Octet: It is gone.");
  });
});

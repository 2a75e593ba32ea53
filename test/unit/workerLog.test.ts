// What of the worker's log the output channel shows as it is, and what more quietly.
import { expect, it } from "vitest";
import { loudness } from "../../extension/log";

it("llama.cpp's own lines are one level away, its warnings are not", () => {
  expect(loudness({ level: "info", message: "llama_model_loader: loaded meta data" })).toBe("debug");
  expect(loudness({ level: "debug", message: "sched_reserve" })).toBe("trace");
  expect(loudness({ level: "warning", message: "the device is slow" })).toBe("warn");
  expect(loudness({ level: "error", message: "n_ctx_seq (9728) > n_ctx_train (2048)" })).toBe("error");
});

it("a cache of all lanes that is longer than one's context is no reason to warn", () => {
  expect(loudness({ level: "warning", message: "llama_context: n_ctx_seq (9728) > n_ctx_train (2048) -- possible training context overflow" })).toBe("debug");
});

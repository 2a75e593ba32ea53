// What the worker takes as params, at the edges of every range, and how it names what it does not take.

import { describe, expect, it } from "vitest";
import {
  cancelLaneParams, generateParams, helloParams, inspectParams, loadParams, tokenizeParams, validate, type Check,
} from "../../native/worker/validate";
import type { GenerateParams, LoadParams } from "../../protocol/worker";

const load: LoadParams = {
  target: "/models/a.gguf", draft: null, device: "auto", threads: 0, lanes: 8, contextTokens: 0, kvType: "f16",
};
const generate: GenerateParams = {
  id: "1",
  prompt: { kind: "text", text: "x" },
  lanes: 8,
  maxTokens: 64,
  sampling: { temperature: 0.8, topK: 0, topP: 0.95, minP: 0, seed: 1 },
  stop: [],
  stopTokens: [],
  budgetMs: null,
  draftLength: "auto",
};

function set(base: object, path: string, value: unknown): unknown {
  const copy = structuredClone(base) as Record<string, unknown>;
  const keys = path.split(".");
  let place = copy;
  for (const key of keys.slice(0, -1)) place = place[key] as Record<string, unknown>;
  if (value === undefined) delete place[keys.at(-1)!];
  else place[keys.at(-1)!] = value;
  return copy;
}

const good: [name: string, check: Check<unknown>, base: object, path: string, values: unknown[]][] = [
  ["load", loadParams, load, "draft", [null, "/models/b.gguf"]],
  ["load", loadParams, load, "threads", [0, 1, 1024]],
  ["load", loadParams, load, "lanes", [1, 16]],
  ["load", loadParams, load, "contextTokens", [0, 1, 2 ** 24]],
  ["load", loadParams, load, "kvType", ["f32", "f16", "q8_0"]],
  ["load", loadParams, load, "cudaPlans", ["/cache/octet/cuda-plans.txt"]],
  ["load", loadParams, load, "target", ["a", "/mødels/ä b\n.gguf"]],
  ["generate", generateParams, generate, "prompt", [
    { kind: "text", text: "" }, { kind: "fim", prefix: "", suffix: "" }, { kind: "tokens", tokens: [] }, { kind: "tokens", tokens: [0, 2 ** 31 - 1] },
  ]],
  ["generate", generateParams, generate, "lanes", [1, 16]],
  ["generate", generateParams, generate, "maxTokens", [1, 32_768]],
  ["generate", generateParams, generate, "sampling.temperature", [0, 1e-9, 100]],
  ["generate", generateParams, generate, "sampling.topK", [0, 2 ** 31 - 1]],
  ["generate", generateParams, generate, "sampling.topP", [1e-9, 1]],
  ["generate", generateParams, generate, "sampling.minP", [0, 1]],
  ["generate", generateParams, generate, "sampling.seed", [0, 2 ** 53 - 1]],
  ["generate", generateParams, generate, "stop", [[], ["\n\n", "x"]]],
  ["generate", generateParams, generate, "stopTokens", [[], [0, 5]]],
  ["generate", generateParams, generate, "budgetMs", [null, 0.5, 86_400_000]],
  ["generate", generateParams, generate, "draftLength", ["none", "bass", "auto", "fixed:1", "fixed:9", "fixed:32"]],
  ["generate", generateParams, generate, "heal", [true, false]],
  ["generate", generateParams, generate, "ignoreEnd", [true, false]],
  ["generate", generateParams, generate, "freshPrompt", [true, false]],
  ["generate", generateParams, generate, "score", ["target", "draft"]],
  ["inspect", inspectParams, { path: "a" }, "draft", ["b"]],
  ["hello", helloParams, {}, "protocolVersion", [0, 1, 77]],
  ["cancelLane", cancelLaneParams, { id: "1", lane: 0 }, "lane", [0, 15]],
  ["tokenize", tokenizeParams, {}, "text", ["", "x\0y"]],
];

const bad: [name: string, check: Check<unknown>, base: object, path: string, allowed: RegExp, values: unknown[]][] = [
  ["load", loadParams, load, "target", /a file's path/, [undefined, null, 1, "", "a\0b", ["a"], "x".repeat(40_000)]],
  ["load", loadParams, load, "draft", /a file's path/, [undefined, "", false]],
  ["load", loadParams, load, "device", /"auto", "cpu", "gpu" or a device's name/, [undefined, null, "", 0]],
  ["load", loadParams, load, "threads", /an integer from 0 to 1024/, [undefined, null, -1, 1025, 1.5, "4", NaN, Infinity, 2n]],
  ["load", loadParams, load, "lanes", /an integer from 1 to 16/, [undefined, 0, 17, -8, 1e9, 2.5, "8", true]],
  ["load", loadParams, load, "contextTokens", /an integer from 0 to 16777216/, [undefined, -1, 1e12, NaN]],
  ["load", loadParams, load, "kvType", /"f32", "f16", "q8_0"/, [undefined, null, "F16", "q4_0", 16]],
  ["load", loadParams, load, "cudaPlans", /a file's path/, [null, "", 5, "a\0b"]],
  ["generate", generateParams, generate, "id", /1 to 200 characters/, [undefined, 7, "", "x".repeat(201)]],
  ["generate", generateParams, generate, "prompt", /an object/, [undefined, null, "text", 5, []]],
  ["generate", generateParams, generate, "prompt.kind", /"text", "fim", "tokens"/, [undefined, "picture", 0, "toString"]],
  ["generate", generateParams, generate, "prompt.text", /text of at most/, [undefined, null, 5, ["x"]]],
  ["generate", generateParams, generate, "lanes", /an integer from 1 to 16/, [0, 17, 0.5]],
  ["generate", generateParams, generate, "maxTokens", /an integer from 1 to 32768/, [undefined, 0, -1, 32_769, 1e300]],
  ["generate", generateParams, generate, "sampling", /an object/, [undefined, null, [], 1]],
  ["generate", generateParams, generate, "sampling.temperature", /a number from 0 to 100/, [undefined, null, -0.1, 101, NaN, Infinity, "1"]],
  ["generate", generateParams, generate, "sampling.topK", /an integer from 0 to 2147483647/, [undefined, -1, 0.5, 2 ** 31]],
  ["generate", generateParams, generate, "sampling.topP", /a number above 0, to 1/, [undefined, 0, -1, 1.01, NaN]],
  ["generate", generateParams, generate, "sampling.minP", /a number from 0 to 1/, [undefined, -0.01, 1.01, NaN]],
  ["generate", generateParams, generate, "sampling.seed", /an integer from 0 to 9007199254740991/, [undefined, -1, 0.5, 2 ** 53, "1"]],
  ["generate", generateParams, generate, "stop", /an array of at most 64 strings/, [undefined, null, "x", Array(65).fill("x")]],
  ["generate", generateParams, generate, "stopTokens", /an array of at most 1024 token ids/, [undefined, 5, Array(1025).fill(1)]],
  ["generate", generateParams, generate, "budgetMs", /a number above 0, to 86400000/, [undefined, 0, -5, NaN, 1e12, "5"]],
  ["generate", generateParams, generate, "draftLength", /"none", "bass", "auto", "fixed:K" with K from 1 to 32/, [
    undefined, null, 5, "fixed", "fixed:", "fixed:0", "fixed:33", "fixed:-1", "fixed:1.5", "fixed:01", "fixed:8 ", "AUTO",
  ]],
  ["generate", generateParams, generate, "heal", /true, false/, [null, 0, "yes"]],
  ["generate", generateParams, generate, "ignoreEnd", /true, false/, [null, 0, "yes"]],
  ["generate", generateParams, generate, "freshPrompt", /true, false/, [null, 0, "yes"]],
  ["generate", generateParams, generate, "score", /"target", "draft"/, [null, true, "both"]],
  ["inspect", inspectParams, { path: "a" }, "path", /a file's path/, [undefined, 5]],
  ["inspect", inspectParams, { path: "a" }, "draft", /a file's path/, [null, 5, ""]],
  ["hello", helloParams, {}, "protocolVersion", /an integer from 0/, [undefined, "1", 1.5, -1]],
  ["cancelLane", cancelLaneParams, { id: "1", lane: 0 }, "lane", /an integer from 0 to 15/, [undefined, -1, 16, "0"]],
  ["tokenize", tokenizeParams, {}, "text", /text of at most/, [undefined, null, 1]],
];

describe("takes", () => {
  it.each(good)("%s", (_name, check, base, path, values) => {
    for (const value of values) {
      const params = set(base, path, value);
      expect(validate(check, params)).toEqual(params);
    }
  });
});

describe("refuses", () => {
  it.each(bad)("%s", (_name, check, base, path, allowed, values) => {
    for (const value of values) {
      const refusal = expectRefusal(check, set(base, path, value));
      expect(refusal.startsWith(`${path} is `), `${refusal} names ${path}`).toBe(true);
      expect(refusal.slice(refusal.indexOf("; allowed: "))).toMatch(allowed);
      expect(refusal.length).toBeLessThan(200);
      expect(refusal).not.toContain("\n");
    }
  });

  it("params that are no object", () => {
    for (const params of [undefined, null, 5, "x", [], [load]]) {
      expect(expectRefusal(loadParams, params)).toMatch(/^params is .*; allowed: an object$/);
    }
  });
});

it("names the item of a list", () => {
  expect(expectRefusal(generateParams, { ...generate, stop: ["ok", ""] })).toMatch(/^stop\[1\] is ""; allowed/);
  expect(expectRefusal(generateParams, { ...generate, stopTokens: [1, 2, -3] })).toMatch(/^stopTokens\[2\] is -3; allowed/);
  expect(expectRefusal(generateParams, { ...generate, prompt: { kind: "tokens", tokens: [0, 1.5] } }))
    .toMatch(/^prompt\.tokens\[1\] is 1\.5; allowed/);
});

it("passes on nothing that it does not know", () => {
  const params = { ...load, surprise: 1, toString: 2 };
  expect(validate(loadParams, params)).toEqual(load);
});

it("shows what it was given, in one short line", () => {
  expect(expectRefusal(loadParams, { ...load, lanes: undefined })).toBe("lanes is missing; allowed: an integer from 1 to 16");
  expect(expectRefusal(loadParams, { ...load, lanes: NaN })).toBe("lanes is NaN; allowed: an integer from 1 to 16");
  expect(expectRefusal(loadParams, { ...load, lanes: { deep: "y".repeat(500) } })).toMatch(/^lanes is \{"deep":"y+\.\.\.; allowed/);
  expect(expectRefusal(tokenizeParams, { text: [1, 2, 3] })).toMatch(/^text is an array of 3; allowed/);
});

function expectRefusal(check: Check<unknown>, params: unknown): string {
  try {
    validate(check, params);
  } catch (error) {
    expect(error).toMatchObject({ code: "badParams" });
    return (error as Error).message;
  }
  throw new Error(`taken: ${String(params)}`);
}

// The blank before the cursor: left out of the prompt, looked for in what the lanes write, and unseen by whoever asked.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GenerateParams, GenerateProgressParams, GenerateResult, LaneEvent, LoadResult, SequenceResult, TextSpan } from "../../protocol/worker";
import type { ProgressOptions } from "../../extension/worker/client";
import { healPrompt, LeadFilter } from "../../extension/worker/heal";
import { Session } from "../../extension/worker/session";
import type { WorkerSupervisor } from "../../extension/worker/supervisor";

const span = (text: string, accepted = false): TextSpan => ({ text, accepted });
const event = (lane: number, text: TextSpan[], rest: Partial<LaneEvent> = {}): LaneEvent => ({ lane, tokens: [1], logprobs: [-1], drafted: 0, accepted: 0, text, ...rest });
const progress = (...lanes: LaneEvent[]): GenerateProgressParams =>
  ({ id: "r", steps: [{ atMs: 1, stepMs: 1, draftMs: 0, verifyMs: 1, hostMs: 0, draftLength: 0, lanes }] });
const sequence = (lane: number, text: string, finishReason: SequenceResult["finishReason"] = "length") => ({ lane, text, finishReason }) as SequenceResult;
const result = (...sequences: SequenceResult[]) => ({ sequences, totals: {}, notices: [] }) as unknown as GenerateResult;
const eventsOf = ({ steps }: GenerateProgressParams) => steps.flatMap(({ lanes }) => lanes);

describe("a prompt", () => {
  it.each<[string, string, string]>([
    ["def f():\n    ", "def f():\n   ", " "],
    ["const x = ", "const x =", " "],
    ["if x:\n\t", "if x:\n", "\t"],
    ["x =", "x =", ""],
    ["x\n", "x\n", ""],
    ["   ", "   ", ""],
    ["", "", ""],
  ])("%j leaves its last blank to the model", (text, prefix, lead) => {
    expect(healPrompt({ kind: "text", text })).toEqual({ prompt: { kind: "text", text: prefix }, lead });
    expect(healPrompt({ kind: "fim", prefix: text, suffix: " b" })).toEqual({ prompt: { kind: "fim", prefix, suffix: " b" }, lead });
  });

  it("of tokens stays as it is", () => {
    expect(healPrompt({ kind: "tokens", tokens: [1, 2] })).toEqual({ prompt: { kind: "tokens", tokens: [1, 2] }, lead: "" });
  });
});

describe("lanes", () => {
  it("lose the blank once, wherever it comes, and keep what the draft wrote", () => {
    const lanes = new LeadFilter(" ");
    expect(eventsOf(lanes.progress(progress(event(0, []), event(1, [span(" ", true), span("a")]))).progress).map(({ text }) => text)).toEqual([[], [span("a")]]);
    expect(eventsOf(lanes.progress(progress(event(0, [span(" x ", true)]), event(1, [span(" b")]))).progress).map(({ text }) => text)).toEqual([[span("x ", true)], [span(" b")]]);
    expect(lanes.result(result(sequence(0, " x "), sequence(1, " a b"))).sequences.map(({ text }) => text)).toEqual(["x ", "a b"]);
  });

  it("that begin otherwise end blank, and are named once", () => {
    const lanes = new LeadFilter(" ");
    const first = lanes.progress(progress(event(0, [span("Each(")]), event(1, [span(" a")])));
    expect(first.strayed).toEqual([0]);
    expect(eventsOf(first.progress)[0]).toMatchObject({ lane: 0, text: [], finishReason: "stop", tokens: [1] });
    const second = lanes.progress(progress(event(0, [span("x")]), event(1, [span("b")])));
    expect(second.strayed).toEqual([]);
    expect(eventsOf(second.progress).map(({ lane }) => lane)).toEqual([1]);
    const ended = lanes.result(result(sequence(0, "Each(x", "cancelled"), sequence(1, " ab"), sequence(2, "", "cancelled"), sequence(3, "never seen growing")));
    expect(ended.sequences.map(({ text, finishReason }) => [text, finishReason])).toEqual([["", "stop"], ["ab", "length"], ["", "cancelled"], ["", "stop"]]);
  });

  it("add up to the result, in whatever pieces they come", () => {
    fc.assert(fc.property(fc.array(fc.string({ maxLength: 3 }), { maxLength: 8 }), fc.constantFrom(" ", "\t", ""), (pieces, lead) => {
      const lanes = new LeadFilter(lead);
      const grown = pieces.flatMap((piece) => eventsOf(lanes.progress(progress(event(0, piece === "" ? [] : [span(piece)]))).progress)).flatMap(({ text }) => text);
      const [ended] = lanes.result(result(sequence(0, pieces.join("")))).sequences;
      expect(grown.map(({ text }) => text).join("")).toBe(ended?.text);
    }));
  });
});

it("a session asks without the blank, gives text without it, and ends lanes that go astray in the worker", async () => {
  const asked: GenerateParams[] = [];
  const cancelled: number[] = [];
  const supervisor = {
    state: { loaded: null },
    load: async () => ({ lanes: 8 }) as LoadResult,
    generate: async (params: GenerateParams, { onProgress }: ProgressOptions<GenerateProgressParams>) => {
      asked.push(params);
      onProgress?.(progress(event(0, [span(" 1")]), event(1, [span("s = 2")])));
      return result(sequence(0, " 1;", "end"), sequence(1, "s = 2", "cancelled"));
    },
    cancelLane: (_id: string, lane: number) => cancelled.push(lane),
  };
  const session = new Session(supervisor as unknown as WorkerSupervisor, () => ({ target: "/t.gguf" }) as never);
  const judged: unknown[] = [];
  session.onRequest((news) => news.type === "laneJudged" && judged.push([news.lane, news.as]));
  const texts: string[] = [];
  const params = { prompt: { kind: "text", text: "const x = " }, lanes: 2 } as Omit<GenerateParams, "id">;
  const ended = await session.generate({ kind: "inline", label: "x", params }, {
    onProgress: (seen) => texts.push(...eventsOf(seen).flatMap(({ text }) => text).map(({ text }) => text)),
  }).result;
  expect(asked[0]?.prompt).toEqual({ kind: "text", text: "const x =" });
  expect(texts).toEqual(["1"]);
  expect(cancelled).toEqual([1]);
  expect(judged).toEqual([[1, "strayed"]]);
  expect(ended.sequences.map(({ text, finishReason }) => [text, finishReason])).toEqual([["1;", "end"], ["", "stop"]]);
});

it("a session asks again with the blank where every lane goes astray, and tells nothing of the first try", async () => {
  const asked: GenerateParams[] = [];
  const supervisor = {
    state: { loaded: null },
    load: async () => ({ lanes: 8 }) as LoadResult,
    generate: async (params: GenerateParams, { onProgress }: ProgressOptions<GenerateProgressParams>) => {
      asked.push(params);
      const texts = asked.length === 1 ? ["(a", "s"] : ["see", "note"];
      onProgress?.(progress(event(0, [])));
      onProgress?.(progress(...texts.map((text, lane) => event(lane, [span(text)]))));
      return result(...texts.map((text, lane) => sequence(lane, text)));
    },
    cancelLane: () => undefined,
  };
  const session = new Session(supervisor as unknown as WorkerSupervisor, () => ({ target: "/t.gguf" }) as never);
  const news: string[] = [];
  session.onRequest(({ type }) => news.push(type));
  const seen: GenerateProgressParams[] = [];
  const params = { prompt: { kind: "text", text: "// " }, lanes: 2 } as Omit<GenerateParams, "id">;
  const ended = await session.generate({ kind: "inline", label: "x", params }, { onProgress: (one) => seen.push(one) }).result;
  expect(asked.map(({ prompt }) => prompt)).toEqual([{ kind: "text", text: "//" }, { kind: "text", text: "// " }]);
  expect(seen.flatMap(eventsOf).flatMap(({ text }) => text).map(({ text }) => text)).toEqual(["see", "note"]);
  expect(news).toEqual(["started", "progress", "progress", "ended"]);
  expect(ended.sequences.map(({ text }) => text)).toEqual(["see", "note"]);
});

it("a session tells of lanes that ended astray before they were seen, and of those that are complete", async () => {
  const cancelled: number[] = [];
  const supervisor = {
    state: { loaded: null },
    load: async () => ({ lanes: 8 }) as LoadResult,
    generate: async (_params: GenerateParams, { onProgress }: ProgressOptions<GenerateProgressParams>) => {
      onProgress?.(progress(event(0, [span(" 1")])));
      return result(sequence(0, " 1;", "cancelled"), sequence(1, "s = 2", "end"));
    },
    cancelLane: (_id: string, lane: number) => cancelled.push(lane),
  };
  const session = new Session(supervisor as unknown as WorkerSupervisor, () => ({ target: "/t.gguf" }) as never);
  const judged: unknown[] = [];
  session.onRequest((news) => news.type === "laneJudged" && judged.push([news.lane, news.as]));
  const params = { prompt: { kind: "text", text: "const x = " }, lanes: 2 } as Omit<GenerateParams, "id">;
  const request = session.generate({ kind: "inline", label: "x", params }, { onProgress: () => request.completeLane(0) });
  await request.result;
  expect(cancelled).toEqual([0]);
  expect(judged).toEqual([[0, "complete"], [1, "strayed"]]);
});

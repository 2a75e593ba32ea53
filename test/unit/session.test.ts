// The session's requests: what is asked of the worker, what of it the caller gets, and what everybody who listens is told.
import { expect, it } from "vitest";
import type { GenerateParams, GenerateProgressParams, GenerateResult, LoadResult } from "../../protocol/worker";
import type { ProgressOptions } from "../../extension/worker/client";
import { OctetError } from "../../extension/worker/errors";
import { Session, type RequestNews, type SessionRequest } from "../../extension/worker/session";
import type { WorkerSupervisor } from "../../extension/worker/supervisor";
import { laneEvent, result, stepEvent } from "./solutionsFakes";

type Generate = (params: GenerateParams, options: ProgressOptions<GenerateProgressParams>) => Promise<GenerateResult>;

function make(generate: Generate = async () => result(["x"]), loaded: Partial<LoadResult> | null = null) {
  const asked: GenerateParams[] = [];
  const cancelled: [id: string, lane: number][] = [];
  const supervisor = {
    state: { loaded },
    load: async () => ({ lanes: 8 }) as LoadResult,
    generate: async (params: GenerateParams, options: ProgressOptions<GenerateProgressParams>) => {
      asked.push(params);
      return generate(params, options);
    },
    cancelLane: (id: string, lane: number) => cancelled.push([id, lane]),
  };
  const session = new Session(supervisor as unknown as WorkerSupervisor, () => ({ target: "/t.gguf" }) as never);
  const news: RequestNews[] = [];
  session.onRequest((one) => news.push(one));
  return { session, asked, cancelled, news };
}

const request = (params: Partial<GenerateParams> = {}, kind: SessionRequest["kind"] = "inline"): SessionRequest =>
  ({ kind, label: "a.ts:1", params: { prompt: { kind: "text", text: "const x = " }, lanes: 2, ...params } as SessionRequest["params"] });

it("asks the worker to heal the prompt, which is as it was given, and for no more lanes than there are", async () => {
  const { session, asked } = make();
  await session.generate(request({ lanes: 12 })).result;
  await session.generate(request({ prompt: { kind: "fim", prefix: "if (", suffix: ")" } }, "solutions")).result;
  expect(asked).toEqual([
    { id: "inline-1", heal: true, prompt: { kind: "text", text: "const x = " }, lanes: 8 },
    { id: "solutions-2", heal: true, prompt: { kind: "fim", prefix: "if (", suffix: ")" }, lanes: 2 },
  ]);
});

it("leaves a prompt as it stands where the request says so", async () => {
  const { session, asked } = make();
  await session.generate(request({ heal: false }, "benchmark")).result;
  expect(asked.map(({ heal }) => heal)).toEqual([false]);
});

it("hands on what the worker writes, when and as it writes it, and asks once", async () => {
  const written = result([" 1;", "s = 2"]);
  const steps = [[laneEvent(0, ""), laneEvent(1, "s")], [laneEvent(0, " 1"), laneEvent(1, " = 2")]].map((lanes, at) => stepEvent(at, lanes));
  const given = [{ id: "inline-1", prefill: { done: 3, total: 3, reused: 0 }, steps: [] }, ...steps.map((step) => ({ id: "inline-1", steps: [step] }))];
  const seen: GenerateProgressParams[] = [];
  const seenAfterEach: number[] = [];
  const { session, asked, news } = make(async (_params, { onProgress }) => {
    for (const progress of given) {
      onProgress?.(progress);
      seenAfterEach.push(seen.length);
    }
    return written;
  });
  const ended = await session.generate(request(), { onProgress: (progress) => seen.push(progress) }).result;
  expect(ended).toEqual(result([" 1;", "s = 2"]));
  expect(seen).toEqual(given);
  expect(seenAfterEach).toEqual([1, 2, 3]);
  expect(asked).toHaveLength(1);
  expect(news).toEqual([
    { type: "started", id: "inline-1", kind: "inline", label: "a.ts:1", lanes: 2, startedAt: expect.any(Number) as number },
    ...given.map((progress) => ({ type: "progress", id: "inline-1", progress })),
    { type: "ended", id: "inline-1", result: written },
  ]);
});

it("ends lanes in the worker, and tells of those that are complete before their next event", async () => {
  const progress = { id: "inline-1", steps: [stepEvent(5, [laneEvent(0, "x;\n"), laneEvent(1, "y")])] };
  const { session, cancelled, news } = make(async (_params, { onProgress }) => {
    onProgress?.(progress);
    return result(["x;\n", "y"], "cancelled");
  });
  const running = session.generate(request(), {
    onProgress: () => {
      running.completeLane(0);
      running.cancelLane(1);
    },
  });
  await running.result;
  expect(cancelled).toEqual([["inline-1", 0], ["inline-1", 1]]);
  expect(news.slice(1, 3)).toEqual([{ type: "laneComplete", id: "inline-1", lane: 0 }, { type: "progress", id: "inline-1", progress }]);
  expect(news.map(({ type }) => type)).toEqual(["started", "laneComplete", "progress", "ended"]);
});

it("tells of a request that failed, and fails with it", async () => {
  const { session, news } = make(async () => {
    throw new OctetError("promptTooLong", "the prompt is too long");
  });
  await expect(session.generate(request()).result).rejects.toMatchObject({ code: "promptTooLong" });
  expect(news.map((one) => (one.type === "failed" ? one.error.code : one.type))).toEqual(["started", "promptTooLong"]);
});

it("prepares a prompt with the models that are loaded, of which nobody is told; it loads none", async () => {
  const ahead = {
    prompt: { kind: "text", text: "const x = " }, lanes: 12, maxTokens: 48, draftLength: "auto", sampling: { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1 },
  } as const;
  const prepared = make(async () => result([""]), { lanes: 8 });
  await prepared.session.prepare(ahead);
  expect(prepared.asked).toEqual([{ ...ahead, id: "prepare-1", lanes: 8, stop: [], stopTokens: [], budgetMs: null, prepare: true }]);
  expect(prepared.news).toEqual([]);
  const empty = make();
  await expect(empty.session.prepare(ahead)).rejects.toMatchObject({ code: "notLoaded" });
  expect(empty.asked).toEqual([]);
});

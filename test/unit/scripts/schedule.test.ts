// How npm test's suites share a machine (scripts/lib/schedule.mjs).
import { describe, expect, it } from "vitest";
import { runSuites, together } from "../../../scripts/lib/schedule.mjs";
import type { Result, Suite } from "../../../scripts/lib/suites.mjs";

/** Suites whose parts end when told, and what happened so far. */
function stage(cores: number, suites: [name: string, parts: number, kind?: Pick<Suite, "byClock" | "drivesWindow">][]) {
  const began: string[] = [], reported: string[] = [], ends = new Map<string, (result: Result) => void>();
  const part = (id: string) => () => {
    began.push(id);
    return new Promise<Result>((resolve) => ends.set(id, resolve));
  };
  const made: Suite[] = suites.map(([name, count, kind]) =>
    ({ name, what: name, ...kind, parts: Array.from({ length: count }, (_, i) => part(`${name}${i}`)) }));
  const done = runSuites(made, cores, ({ name }, { passed, failed }) => reported.push(`${name} ${passed} ${failed}`));
  const end = async (id: string, result: Result = { passed: 1, failed: 0 }) => {
    ends.get(id)!(result);
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { began, reported, end, done };
}

const byClock = { byClock: true }, window = { byClock: true, drivesWindow: true };

describe("suites", () => {
  it("run as many parts at a time as there are cores, in their order, and are reported when their last part ends", async () => {
    const { began, reported, end, done } = stage(2, [["a", 1], ["b", 2], ["c", 1]]);
    expect(began).toEqual(["a0", "b0"]);
    await end("b0", { passed: 3, failed: 1 });
    expect([began, reported]).toEqual([["a0", "b0", "b1"], []]);
    await end("a0");
    expect([began.at(-1), reported]).toEqual(["c0", ["a 1 0"]]);
    await end("b1");
    expect(reported).toEqual(["a 1 0", "b 4 1"]);
    await end("c0");
    await done;
    expect(reported).toEqual(["a 1 0", "b 4 1", "c 1 0"]);
  });

  it("that go by the clock run one after another, beside the others", async () => {
    const { began, reported, end, done } = stage(2, [["process", 2, byClock], ["a", 1], ["b", 2], ["other", 1, byClock]]);
    expect(began).toEqual(["process0", "a0", "b0"]);
    await end("process0");
    await end("a0");
    expect(began.slice(3)).toEqual(["process1", "b1"]);
    await end("b0");
    await end("b1");
    expect([began.length, reported]).toEqual([5, ["a 1 0", "b 2 0"]]);
    await end("process1");
    expect(began.slice(5)).toEqual(["other0"]);
    await end("other0");
    await done;
    expect(reported.slice(2)).toEqual(["process 2 0", "other 1 0"]);
  });

  it.each([[2, 1], [4, 3], [1, 1]])("that drive a window have, of %i cores, %i parts beside them until they are over", async (cores, beside) => {
    const names = Array.from({ length: cores + 4 }, (_, i): [string, number] => [`a${i}-`, 1]);
    const { began, end, done } = stage(cores, [["process", 1, byClock], ...names, ["window", 1, window], ["window again", 1, window]]);
    expect(began).toHaveLength(1 + cores);
    await end("process0");
    expect(began.at(-1)).toBe("window0");
    for (let i = 0; i < cores; ++i) await end(`a${i}-0`);
    expect(began.slice(2 + cores)).toEqual(names.slice(cores, cores + beside).map(([name]) => `${name}0`));
    await end("window0");
    expect(began.slice(2 + cores + beside)).toEqual(["window again0"]);
    await end("window again0");
    for (let i = cores; i < cores + 4; ++i) await end(`a${i}-0`);
    await done;
    expect(began).toHaveLength(3 + names.length);
  });

  it("that drive a window have no more begun beside them than that, whichever part is the long one", async () => {
    const { began, end, done } = stage(2, [["long", 1], ["a", 1], ["b", 1], ["c", 1], ["window", 1, window]]);
    expect(began).toEqual(["window0", "long0"]);
    await end("long0");
    expect(began).toEqual(["window0", "long0", "a0"]);
    await end("window0");
    expect(began.slice(3)).toEqual(["b0"]);
    for (const id of ["a0", "b0", "c0"]) await end(id);
    await done;
    const later = stage(2, [["process", 1, byClock], ["a", 1], ["long", 1], ["b", 1], ["window", 1, window]]);
    await later.end("process0");
    await later.end("a0");
    expect(later.began).toEqual(["process0", "a0", "long0", "window0"]);
    await later.end("long0");
    expect(later.began.slice(4)).toEqual(["b0"]);
    await later.end("b0");
    await later.end("window0");
    await later.done;
  });

  it("prepare beside the others, and run where that fails too", async () => {
    const happened: string[] = [];
    const part = (id: string, work = Promise.resolve()) => async () => {
      happened.push(id);
      await work;
      return { passed: 1, failed: 0 };
    };
    let fail = (_: Error) => {};
    const fetched = new Promise<void>((_, reject) => (fail = reject));
    const suites: Suite[] = [
      { name: "window", what: "", byClock: true, prepare: () => (happened.push("fetch"), fetched), parts: [part("window")] },
      { name: "a", what: "", parts: [part("a")] },
    ];
    const done = runSuites(suites, 1, ({ name }) => happened.push(`${name} ends`));
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(happened).toEqual(["fetch", "a", "a ends"]);
    fail(new Error("no network"));
    await done;
    expect(happened.slice(3)).toEqual(["window", "window ends"]);
  });

  it.each([true, false])("whose parts throw have failed, and the others go on (by the clock: %s)", async (byClock) => {
    const heard: unknown[] = [];
    const suites: Suite[] = [
      { name: "a", what: "a", byClock, parts: [() => Promise.reject(new Error("broken"))] },
      { name: "b", what: "b", byClock, parts: [() => Promise.resolve({ passed: 1, failed: 0 })] },
    ];
    await runSuites(suites, 1, ({ name }, { passed, failed, output }) => heard.push([name, passed, failed, output?.split("\n")[0]]));
    expect(heard).toEqual([["a", 0, 1, "Error: broken"], ["b", 1, 0, ""]]);
  });
});

describe("the results of a suite's parts", () => {
  it("add up, and tell what the failing ones printed", () => {
    const fine: Result = { passed: 2, failed: 0, skipped: 1, why: "no nvcc", output: "all is well" };
    expect(together([fine, { passed: 1, failed: 1, output: "it is not" }])).toEqual(
      { passed: 3, failed: 1, skipped: 1, why: "no nvcc", output: "it is not" });
    expect(together([fine, { passed: 1, failed: 0, output: "here too", again: ["a.test.ts"] }])).toEqual(
      { passed: 3, failed: 0, skipped: 1, why: "no nvcc", output: "all is well\nhere too", again: ["a.test.ts"] });
  });
});

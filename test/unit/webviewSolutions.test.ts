// The Solutions view's state, order and words: pure functions of messages.

import { describe, expect, it } from "vitest";
import { SPARKLINE_POINTS } from "../../protocol/solutionsView";
import type { SolutionsChange, SolutionsLane, SolutionsState } from "../../protocol/solutionsView";
import { actionOf, allowed, neighbour } from "../../webview/solutions/keys";
import { collapsed, groups, keptOrder, maySettle, rankedOrder } from "../../webview/solutions/order";
import { Pace } from "../../webview/solutions/pace";
import { addRange, segments, visible } from "../../webview/solutions/segments";
import type { Range } from "../../webview/solutions/segments";
import { sparklinePath } from "../../webview/solutions/sparklinePath";
import { applyChange, plainText } from "../../webview/solutions/state";
import { colourerFor } from "../../webview/solutions/syntax";
import { emptyText, laneLabel, laneState, laneTone, phaseText, progress, sameAs, summary } from "../../webview/solutions/words";
import { SyntheticRun, TOTALS, emptyLane, emptyState } from "../webview/synthetic";

const lane = (id: number, fields: Partial<SolutionsLane> = {}): SolutionsLane => ({ ...emptyLane(id), ...fields });

describe("applyChange", () => {
  it("rebuilds a run from its first snapshot and its changes", () => {
    const run = new SyntheticRun({ lanes: 16 });
    let state = structuredClone(run.state);
    while (!run.done) state = applyChange(state, structuredClone(run.advance(3)));
    expect(state.lanes.map(plainText)).toEqual(run.state.lanes.map(plainText));
    expect(state).toEqual(run.state);
  });

  it("keeps lanes without news the same objects, and never changes the old state", () => {
    const before = emptyState(3);
    const copy = structuredClone(before);
    const after = applyChange(before, { lanes: [{ id: 1, state: "writing", text: [{ text: "a", accepted: false }], latencies: [2] }] });
    expect(before).toEqual(copy);
    expect(after.lanes[0]).toBe(before.lanes[0]);
    expect(after.lanes[1]).toMatchObject({ state: "writing", latencies: [2] });
  });

  it("adds lanes before their news, ignores lanes it does not know, and bounds the sparkline", () => {
    const change: SolutionsChange = {
      added: [lane(9)],
      lanes: [{ id: 9, latencies: Array.from({ length: 100 }, (_, index) => index) }, { id: 77, tokens: 1 }],
      notices: ["Cut to 8 lanes."],
    };
    const { lanes, notices } = applyChange(emptyState(1), change);
    expect(lanes.map(({ id }) => id)).toEqual([0, 9]);
    expect(lanes[1]?.latencies).toHaveLength(SPARKLINE_POINTS);
    expect(lanes[1]?.latencies.at(-1)).toBe(99);
    expect(notices).toEqual(["Cut to 8 lanes."]);
  });
});

describe("order", () => {
  const lanes = [
    lane(0, { rank: 2 }),
    lane(1, { rank: 1, duplicateOf: 3 }),
    lane(2),
    lane(3, { rank: 1 }),
    lane(4, { rank: 3 }),
    lane(5, { rank: 2, duplicateOf: 99 }),
  ];

  it("groups identical solutions behind their best; a lane whose best is gone stands alone", () => {
    expect(groups(lanes)).toContainEqual({ best: 3, others: [1] });
    expect(groups(lanes)).toContainEqual({ best: 5, others: [] });
    expect(collapsed(lanes, new Set())).toEqual(new Set([1]));
    expect(collapsed(lanes, new Set([3]))).toEqual(new Set());
  });

  it("puts the best first, identical ones behind it, lanes without a rank last", () => {
    expect(rankedOrder(lanes)).toEqual([3, 1, 0, 5, 4, 2]);
  });

  it("keeps what is shown in place and appends what is new", () => {
    expect(keptOrder([4, 0, 8], lanes)).toEqual([4, 0, 1, 2, 3, 5]);
  });

  it("never settles under the reader's pointer or focus, nor during a run", () => {
    const away = { pointerInside: false, laneFocused: false };
    expect(maySettle(false, away)).toBe(true);
    expect(maySettle(true, away)).toBe(false);
    expect(maySettle(false, { ...away, pointerInside: true })).toBe(false);
    expect(maySettle(false, { ...away, laneFocused: true })).toBe(false);
  });
});

describe("keys", () => {
  it("moves in rows and stays at the edges", () => {
    const ids = [10, 11, 12, 13, 14];
    expect(neighbour("ArrowRight", ids, 10, 3)).toBe(11);
    expect(neighbour("ArrowDown", ids, 11, 3)).toBe(14);
    expect(neighbour("ArrowDown", ids, 12, 3)).toBe(12);
    expect(neighbour("ArrowUp", ids, 14, 3)).toBe(11);
    expect(neighbour("ArrowLeft", ids, 10, 3)).toBe(10);
    expect([neighbour("Home", ids, 12, 3), neighbour("End", ids, 12, 3)]).toEqual([10, 14]);
    expect([neighbour("j", ids, 12, 3), neighbour("k", ids, 12, 3), neighbour("k", ids, 10, 3)]).toEqual([13, 11, 10]);
    expect(neighbour("x", ids, 12, 3)).toBeNull();
    expect(neighbour("constructor", ids, 12, 3)).toBeNull();
  });

  it("allows stopping what is live, and inserting what has ended with text", () => {
    const done = lane(0, { state: "end", text: [{ text: "x", accepted: false }] });
    expect(allowed(lane(0, { state: "writing" }), "stop")).toBe(true);
    expect(allowed(done, "stop")).toBe(false);
    expect(allowed(done, "insert")).toBe(true);
    expect(allowed(lane(0, { state: "end" }), "insert")).toBe(false);
    expect([actionOf("D"), actionOf("Delete"), actionOf("q"), actionOf("toString")]).toEqual(["diff", "stop", undefined, undefined]);
  });
});

describe("pace", () => {
  /** Frames of `waiting` lanes that cost `ms` each: how many were drawn in each of the last ones. */
  const drawn = (waiting: number, ms: number, frames = 60): number[] => {
    const pace = new Pace(1);
    return Array.from({ length: frames }, () => {
      const lanes = pace.lanes(waiting);
      pace.took(lanes, lanes * ms);
      return lanes;
    }).slice(-30);
  };
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

  it("draws what fits a frame's time, and all where all fits", () => {
    expect(drawn(16, 0.05)).toEqual(Array.from({ length: 30 }, () => 16));
    expect(sum(drawn(16, 0.3)) * 0.3).toBeLessThanOrEqual(30);
    expect(sum(drawn(16, 0.3))).toBeGreaterThan(60);
  });

  it("draws a dear lane every few frames, and none without news", () => {
    expect(Math.max(...drawn(16, 2))).toBe(1);
    expect(sum(drawn(16, 2)) * 2).toBeLessThanOrEqual(32);
    expect(sum(drawn(16, 50))).toBe(10);
    expect(sum(drawn(0, 1))).toBe(0);
  });
});

describe("segments", () => {
  const pieces = (line: string, accepted: Range[]) =>
    segments(line, [{ from: 2, to: 7, className: "t-keyword" }], accepted).map(({ text, className }) => `${className}|${text}`);

  it("cuts at colours and at what the draft wrote", () => {
    expect(pieces("  const a = 1;", [{ from: 4, to: 10 }])).toEqual(["|  ", "t-keyword|co", "t-keyword d d0|nst", "d d1| a ", "|= 1;"]);
  });

  it("leaves indentation untinted", () => {
    expect(pieces("  const", [{ from: 0, to: 7 }])).toEqual(["|  ", "t-keyword d d0 d1|const"]);
  });

  it("always gives the whole line", () => {
    for (const line of ["", "  ", "  const x", "abc"]) {
      for (const range of [{ from: 0, to: 1 }, { from: 1, to: 3 }, { from: 0, to: line.length }]) {
        const cut = segments(line, [], range.to <= line.length && range.from < range.to ? [range] : []);
        expect(cut.map(({ text }) => text).join("")).toBe(line);
      }
    }
  });

  it("joins ranges that touch", () => {
    const ranges: Range[] = [];
    addRange(ranges, 0, 2);
    addRange(ranges, 2, 4);
    addRange(ranges, 6, 7);
    expect(ranges).toEqual([{ from: 0, to: 4 }, { from: 6, to: 7 }]);
  });

  it("makes control characters and text reordering visible", () => {
    expect(visible("a\u0000b\u001b[31m\u202ec\td\n")).toBe("a\u2400b\u241b[31m\ufffdc\td\n");
  });
});

describe("colouring", () => {
  const classes = (language: string, lines: string[]) => {
    const colourer = colourerFor(language, 4);
    let state = colourer!.start();
    return lines.map((line) => {
      const { tokens, after } = colourer!.line(line, state);
      state = after;
      return Object.fromEntries(tokens.map(({ from, to, className }) => [line.slice(from, to), className]));
    });
  };

  it("knows keywords, calls, types, numbers", () => {
    expect(classes("typescript", ["const d: Point = distance(3);"])[0]).toMatchObject({ const: "t-keyword", Point: "t-type", distance: "t-function", "3": "t-number" });
    expect(classes("rust", ["fn main() {}"])[0]).toMatchObject({ fn: "t-keyword", main: "t-function" });
  });

  it("carries a string and a comment over lines", () => {
    expect(classes("python", ['"""doc', "inside", '"""'])[1]).toEqual({ inside: "t-string" });
    expect(classes("cpp", ["/* a", "b */ int x;"])[1]).toMatchObject({ "b */": "t-comment" });
    expect(classes("markdown", ["```", "# no heading", "```", "# heading"])).toEqual([{ "```": "t-comment" }, { "# no heading": "t-string" }, { "```": "t-comment" }, { "# heading": "t-keyword" }]);
  });

  it("takes JSX ends for tags, not for regular expressions", () => {
    expect(classes("typescriptreact", ["return <b>x</b>;"])[0]).toMatchObject({ "</b>": "t-type" });
  });

  it("leaves other languages plain, and ends on lines of any kind", () => {
    expect(colourerFor("brainfuck", 4)).toBeNull();
    expect(colourerFor("constructor", 4)).toBeNull();
    const awkward = ["", "\t", "'", '"', "`${", "/*", "<<EOF", "\\", "{{{", "\u0000\ud800", "a".repeat(5000)];
    for (const language of ["typescript", "typescriptreact", "javascript", "json", "python", "markdown", "c", "cpp", "go", "rust", "java", "shellscript", "csharp", "kotlin", "swift", "ruby", "lua", "css", "sql", "yaml"]) {
      expect(() => classes(language, awkward), language).not.toThrow();
    }
  });
});

describe("words", () => {
  it("tells what a lane is", () => {
    expect(laneLabel(lane(2, { state: "end", text: [{ text: "x", accepted: true }], rank: 1, meanLogprob: -0.18, tokens: 74 }), 3)).toBe("Solution 1, finished, mean log-probability \u22120.18, 74 tokens");
    expect(laneLabel(lane(2, { state: "writing" }), 3)).toBe("Solution in lane 3, writing");
    const text = [{ text: "x x x", accepted: false }];
    expect(laneState(lane(0, { state: "length", text, repetitive: true }))).toBe("stopped: length · repeats itself");
    expect(laneState(lane(0, { state: "end", text: [{ text: " \n", accepted: false }] }))).toBe("nothing written");
    expect(laneTone(lane(0, { state: "end" }))).toBe("stopped");
    expect(emptyText(lane(0, { state: "end" }))).toMatch(/nothing to add/);
    expect(emptyText(lane(0, { state: "writing" }))).toBeNull();
    expect([sameAs(lane(0), 2), sameAs(lane(0), 1), sameAs(lane(0), 0), sameAs(lane(0, { duplicateOf: 1, rank: 2 }), 0)]).toEqual(["same as 2 others", "same as 1 other", null, "same as solution 2"]);
  });

  it("tells how far a run is", () => {
    const state: SolutionsState = { ...emptyState(8), phase: { kind: "prefill", done: 203, total: 812, reused: 100 } };
    expect(progress(state, 0)).toBe(0.25);
    expect(progress({ ...state, phase: { kind: "writing" } }, 1000)).toBe(0.25);
    expect(progress({ ...state, phase: { kind: "writing" }, totals: { ...TOTALS, budgetMs: null } }, 1000)).toBeNull();
    expect(phaseText({ kind: "writing" }, TOTALS, 2100)).toBe("2.1 s of 4.0 s");
    expect(phaseText({ kind: "loading", label: "Loading the draft", fraction: null }, TOTALS, 0)).toBe("Loading the draft…");
  });

  it("sums a run up for screen readers only when a lane ends", () => {
    const run = new SyntheticRun({ lanes: 8 });
    const said = new Set<string>();
    while (!run.done) {
      run.advance(1);
      said.add(summary(run.state));
    }
    expect(said.size).toBeLessThanOrEqual(10);
    expect([...said].at(-1)).toMatch(/^Done: 8 of 8 solutions finished\. Best: mean log-probability/);
  });
});

describe("sparkline", () => {
  it("draws nothing of one step, and cuts off an outlier", () => {
    expect(sparklinePath([2])).toBe("");
    const path = sparklinePath([...Array.from({ length: 40 }, () => 2), 900]);
    expect(path.startsWith("M0.0 5.2")).toBe(true);
    expect(path.endsWith(" 2.0")).toBe(true);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSettled, settledLanes, toCandidates } from "../../../extension/completion/candidates";
import { applyFilters, pipeline } from "../../../extension/completion/filters/pipeline";
import { Lanes, lanesOf, type Lane } from "../../../extension/completion/lanes";
import { cursorContextOf } from "./golden";

const lane = (number: number, text: string, finishReason: Lane["finishReason"], meanLogprob: number | null = -0.5): Lane => ({ lane: number, text, meanLogprob, finishReason });

describe("toCandidates", () => {
  const context = cursorContextOf("const x = ‸", "typescript", false);

  it("puts whole and balanced ones first, then the likelier", () => {
    const lanes = [lane(0, "f(a,", "stop", -0.1), lane(1, "a + ", "length", -0.05), lane(2, "b;", "stop", -0.9), lane(3, "c;", "end", -0.4), lane(4, "d;", "stop", null)];
    expect(toCandidates(lanes, context).map(({ text }) => text)).toEqual(["c;", "b;", "d;", "f(a,", "a +"]);
  });

  it("puts what goes round in circles last, whatever else speaks for it", () => {
    const loop = "point.first.x * point.second.y + point.third.z * ".repeat(4) + "1;";
    expect(toCandidates([lane(0, loop, "stop", -0.01), lane(1, "f(a,", "length", -3)], context).map(({ text }) => text)).toEqual(["f(a,", loop]);
  });

  it("merges lanes that wrote the same, but for white space at the end", () => {
    expect(toCandidates([lane(0, "a;  ", "stop", -0.9), lane(1, "a;", "end", -0.2), lane(2, "", "end")], context)).toMatchObject([{ text: "a;", lanes: [1, 0], meanLogprob: -0.2 }]);
  });

  it("takes CRLF from a model for LF", () => {
    expect(toCandidates([lane(0, "1;\r\n", "stop")], context)[0]?.text).toBe("1;");
  });
});

describe("settled lanes", () => {
  const block = cursorContextOf("def f(x):\n    ‸\n", "python", true);

  it("have gone past their line", () => {
    const line = cursorContextOf("x = ‸", "python", false);
    expect([isSettled({ text: "1", finishReason: null }, line), isSettled({ text: "1\n", finishReason: null }, line)]).toEqual([false, true]);
  });

  it("have gone past their block", () => {
    expect(isSettled({ text: "return x\n\nde", finishReason: null }, block)).toBe(false);
    expect(isSettled({ text: "return x\n\ndef g():\n", finishReason: null }, block)).toBe(true);
  });

  it("can be offered while others run", () => {
    const lanes = [lane(0, "return x\ny = 1\n", null), lane(1, "ret", null), lane(2, "return 1", "stop", -0.9)];
    expect(toCandidates(settledLanes(lanes, block), block).map(({ text }) => text)).toEqual(["return x", "return 1"]);
  });
});

describe("Lanes", () => {
  const step = (lanes: Parameters<Lanes["apply"]>[0]["steps"][number]["lanes"]) => ({ atMs: 1, stepMs: 1, draftMs: 0, verifyMs: 1, hostMs: 0, draftLength: 2, lanes });

  it("grow by progress", () => {
    const lanes = new Lanes();
    const event = { tokens: [1, 2], logprobs: [-1, -2], drafted: 2, accepted: 1 };
    expect(lanes.apply({ steps: [step([{ ...event, lane: 1, text: [{ text: "a", accepted: true }, { text: "b", accepted: false }] }])] })).toEqual([]);
    expect(lanes.apply({ steps: [step([{ ...event, lane: 0, text: [] }, { ...event, logprobs: [-3], lane: 1, text: [{ text: "c", accepted: true }], finishReason: "stop" }])] })).toEqual([1]);
    expect(lanes.all).toEqual([lane(0, "", null, -1.5), lane(1, "abc", "stop", -2)]);
  });

  it("are taken from a result", () => {
    const sequence = { lane: 3, rank: 1, text: "a", tokens: [], tokenLogprobs: [], meanLogprob: -1, finishReason: "end" as const, drafted: 0, accepted: 0, firstTokenMs: null, msPerToken: null };
    expect(lanesOf({ sequences: [sequence] })).toEqual([lane(3, "a", "end", -1)]);
  });
});

describe("every filter", () => {
  const piece = fc.constantFrom("(", ")", "[", "]", "{", "}", "\n", "\n  ", "    ", "return x", ";", '"', "'", "`", '"""', "// ", "# ", ":", " ", "value", ", ", "\t", "😀", "def f():", "if (a) {");
  const code = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""));

  it("never throws, and adds nothing but closing brackets", () => {
    fc.assert(
      fc.property(code, code, code, fc.constantFrom("python", "typescript", "rust", "markdown"), fc.boolean(), fc.boolean(), (before, text, after, languageId, multiline, cutOff) => {
        const context = cursorContextOf(`${before}‸${after}`, languageId, multiline);
        for (const filter of pipeline) {
          const out = filter({ text, overlap: 0, cutOff }, context);
          if (out === null) continue;
          expect(out.overlap).toBeLessThanOrEqual(context.lineSuffix.length);
          let kept = out.text;
          while (kept !== "" && !text.includes(kept) && /[)\]]$/.test(kept)) kept = kept.slice(0, -1);
          // Leading blank lines may become one.
          expect(text.includes(kept.trim())).toBe(true);
        }
        const out = applyFilters({ text, overlap: 0, cutOff }, context);
        if (out) expect(out.text.trim()).not.toBe("");
      }),
      { numRuns: 300 },
    );
  });
});

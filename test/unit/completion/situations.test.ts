// Realistic editing situations, from raw lanes to the candidates offered: test/golden/completion/.
import { afterAll, describe, expect, it } from "vitest";
import type { FinishReason } from "../../../protocol/worker";
import { toCandidates } from "../../../extension/completion/candidates";
import { atCursor } from "../../../extension/completion/context";
import type { Lane } from "../../../extension/completion/lanes";
import { requestShape } from "../../../extension/completion/requestShape";
import { contextOf, goldenFiles, updating, writeGolden, type Section } from "./golden";

/** "--- raw stop -0.4": how the lane ended and its mean log-probability. */
function toLane({ text, options: [reason = "stop", logprob = "-0.5"] }: Section, lane: number): Lane {
  return { lane, text, meanLogprob: Number(logprob), finishReason: reason === "running" ? null : (reason as FinishReason) };
}

for (const file of goldenFiles("completion")) {
  describe(file.name, () => {
    it.each(file.cases)("$name", (golden) => {
      const { code, options, sections } = golden;
      const context = contextOf(code, options.language ?? "typescript");
      const { multiline } = requestShape({ ...context, kind: options.trigger === "explicit" ? "explicit" : "automatic" });
      const raw = sections.filter(({ kind }) => kind === "raw");
      const lines = multiline ? "several" : "one";
      const candidates = toCandidates(raw.map(toLane), atCursor(context, multiline)).map(
        ({ text, overlap, lanes }): Section => ({
          kind: "candidate",
          options: [`lanes=${lanes.join(",")}`, ...(overlap > 0 ? [`overlap=${overlap}`] : [])],
          text,
        }),
      );
      if (updating) {
        options.lines = lines;
        golden.sections = [...raw, ...candidates];
      } else {
        expect(lines).toBe(options.lines);
        expect(candidates).toEqual(sections.filter(({ kind }) => kind === "candidate"));
      }
    });
    afterAll(() => {
      if (updating) writeGolden(file);
    });
  });
}

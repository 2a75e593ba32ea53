// Each filter against its golden cases in test/golden/filters/.
import { afterAll, describe, expect, it } from "vitest";
import { balanceBrackets } from "../../../extension/completion/filters/balanceBrackets";
import { collapseLineAbove } from "../../../extension/completion/filters/collapseLineAbove";
import { dropBrokenText } from "../../../extension/completion/filters/dropBrokenText";
import { dropCutOffLine } from "../../../extension/completion/filters/dropCutOffLine";
import { dropRepetition } from "../../../extension/completion/filters/dropRepetition";
import { dropSameAsNextLines } from "../../../extension/completion/filters/dropSameAsNextLines";
import { dropWorthless } from "../../../extension/completion/filters/dropWorthless";
import type { Completion, Filter } from "../../../extension/completion/filters/filter";
import { singleLine } from "../../../extension/completion/filters/singleLine";
import { stopAtBlockEnd } from "../../../extension/completion/filters/stopAtBlockEnd";
import { trimBlank } from "../../../extension/completion/filters/trimBlank";
import { trimSuffixOverlap } from "../../../extension/completion/filters/trimSuffixOverlap";
import { cursorContextOf, goldenFiles, updating, writeGolden, type Section } from "./golden";

const filters: Record<string, Filter> = {
  balanceBrackets,
  collapseLineAbove,
  dropBrokenText,
  dropCutOffLine,
  dropRepetition,
  dropSameAsNextLines,
  dropWorthless,
  singleLine,
  stopAtBlockEnd,
  trimBlank,
  trimSuffixOverlap,
};

const asSection = (completion: Completion | null): Section =>
  completion === null
    ? { kind: "dropped", options: [], text: "" }
    : { kind: "out", options: completion.overlap > 0 ? [`overlap=${completion.overlap}`] : [], text: completion.text };

const files = goldenFiles("filters");

it("has golden cases for every filter", () => {
  expect(files.map(({ name }) => name).sort()).toEqual(Object.keys(filters).sort());
});

for (const file of files) {
  describe(file.name, () => {
    const filter = filters[file.name];
    it.each(file.cases)("$name", ({ code, options, sections }) => {
      if (!filter) throw new Error(`no filter ${file.name}`);
      const [input, expected] = sections;
      if (!input) throw new Error("no input");
      const context = cursorContextOf(code, options.language ?? "typescript", options.lines !== "one");
      const out = asSection(filter({ text: input.text, overlap: 0, cutOff: input.options.includes("cutOff") }, context));
      if (updating) sections.splice(1, 1, out);
      else expect(out).toEqual(expected);
    });
    afterAll(() => {
      if (updating) writeGolden(file);
    });
  });
}

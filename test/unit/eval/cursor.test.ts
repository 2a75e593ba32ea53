// Where octet eval cursor puts the cursor, what it takes for right, and what it counts.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cursorGains, cursorRows, isRight, type CursorSample } from "../../../extension/cli/eval/cursor";
import { choosePlaces, classOf, placeKinds, type CursorPlace, type PlaceKind } from "../../../extension/cli/eval/cursorPlaces";
import { cursorTable, pointsText } from "../../../extension/cli/eval/cursorTable";
import type { SourceFile } from "../../../extension/cli/eval/sourceFiles";

const head = "one = 1\n\ntwo = 2\nthree = 3\nfour = 4\nfive = 5\n";
const file = (text: string, name = "a.py"): SourceFile => ({ name, language: "python", text });
const lineOf = ({ before, next, after }: CursorPlace): { typed: string; rest: string } =>
  ({ typed: before.slice(before.lastIndexOf("\n") + 1), rest: (next + after).split("\n", 1)[0] ?? "" });

const piece = fc.oneof(
  fc.constantFrom("value", "été_2", "x", "1234", "naïve", "e\u0301tude", "(", "=>", "::", "\"", "…", "🙂", " ", "  ", "\t", "#"), fc.string({ maxLength: 3, unit: "grapheme" }));
const sourceText = fc.array(fc.array(piece, { maxLength: 12 }).map((parts) => parts.join("").replace(/[\r\n]/g, "")), { minLength: 1, maxLength: 30 })
  .map((lines) => head + lines.join("\n"));
const anySource = fc.record({ text: sourceText, count: fc.integer({ min: 1, max: 5 }), seed: fc.nat() });

const isWordCharacter = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{M}\p{N}_]/u.test(character);
const isBlank = (text: string): boolean => text.trim() === "";

/** Said of the line alone, another way than the code says it. */
const stands: Record<PlaceKind, (typed: string, rest: string) => boolean> = {
  word: (typed, rest) => {
    const [before, behind] = [[...typed], [...rest]];
    const start = before.findLastIndex((character) => !isWordCharacter(character)) + 1;
    const end = behind.findIndex((character) => !isWordCharacter(character));
    const word = [...before.slice(start), ...behind.slice(0, end < 0 ? behind.length : end)];
    return start < before.length && end !== 0 && behind.length > 0 && word.length >= 4 && !/[\p{N}\p{M}]/u.test(word[0] ?? "") && !/^\p{M}/u.test(rest);
  },
  punctuation: (typed, rest) => typed !== "" && !isWordCharacter([...typed].at(-1)) && !isBlank([...typed].at(-1) ?? "") && !isBlank(rest),
  blank: (typed, rest) => /[ \t]$/.test(typed) && !isBlank(typed.at(-2) ?? "") && !isBlank(rest),
  indent: (typed, rest) => typed !== "" && isBlank(typed) && !isBlank(rest[0] ?? ""),
  line: (typed, rest) => typed === "" && !isBlank(rest),
};

describe("places", () => {
  it("put any file together again, stand where their kind says, and end with a whole word", () => {
    fc.assert(fc.property(anySource, ({ text, count, seed }) => {
      for (const place of choosePlaces(file(text), count, seed)) {
        const { kind, before, next, after } = place;
        const { typed, rest } = lineOf(place);
        expect(before + next + after).toBe(text);
        expect([before, next, after].every((part) => part.isWellFormed())).toBe(true);
        expect(stands[kind](typed, rest), JSON.stringify([kind, typed, rest])).toBe(true);
        const word = next.trimStart();
        expect(new Set([...word].map(classOf)).size).toBe(1);
        expect(classOf(word)).not.toBe("blank");
        expect(after === "" || classOf(after) !== classOf(word)).toBe(true);
        if (kind === "word" || kind === "indent") expect(next).toBe(word);
      }
    }), { numRuns: 300 });
  });
  it("are at most so many of a kind, in different lines with code, behind five lines with text", () => {
    fc.assert(fc.property(anySource, ({ text, count, seed }) => {
      const places = choosePlaces(file(text), count, seed);
      for (const kind of placeKinds) {
        const lines = places.filter((place) => place.kind === kind).map(({ before }) => before.split("\n").length);
        expect(lines.length).toBeLessThanOrEqual(count);
        expect(new Set(lines).size).toBe(lines.length);
        expect(lines).toEqual(lines.toSorted((a, b) => a - b));
      }
      for (const place of places) {
        const { typed, rest } = lineOf(place);
        expect(place.before.split("\n").slice(0, -1).filter((line) => !isBlank(line)).length).toBeGreaterThanOrEqual(5);
        expect((typed + rest).trimStart()).not.toMatch(/^(#|"""|''')/);
        expect((typed + rest).replace(/[^\p{L}\p{N}]/gu, "").length).toBeGreaterThanOrEqual(4);
      }
    }), { numRuns: 300 });
  });
  it("are all the places of a line, over the seeds, and no others", () => {
    const line = "\tif name1(a,  \"x\") == 12345:  # w";
    const found = new Set(Array.from({ length: 400 }, (_, seed) => choosePlaces(file(`${head}${line}\n`), 1, seed)).flat()
      .map(({ kind, before, next }) => `${kind} ${before.slice(head.length)}|${next}`));
    expect([...found].sort()).toEqual([
      "word \tif n|ame1", "word \tif na|me1", "word \tif nam|e1", "word \tif name|1",
      "punctuation \tif name1(|a", "punctuation \tif name1(a,|  \"", "punctuation \tif name1(a,  \"|x", "punctuation \tif name1(a,  \"x\"|)",
      "punctuation \tif name1(a,  \"x\")| ==", "punctuation \tif name1(a,  \"x\") =|=", "punctuation \tif name1(a,  \"x\") ==| 12345",
      "punctuation \tif name1(a,  \"x\") == 12345:|  #", "punctuation \tif name1(a,  \"x\") == 12345:  #| w",
      "blank \tif |name1", "blank \tif name1(a, | \"", "blank \tif name1(a,  \"x\") |==", "blank \tif name1(a,  \"x\") == |12345",
      "blank \tif name1(a,  \"x\") == 12345: | #", "blank \tif name1(a,  \"x\") == 12345:  # |w",
      "indent \t|if",
      "line |\tif",
    ].sort());
  });
  it("are the same for a seed and name, and others for another", () => {
    const text = head + "    total = compute(first, second)\n".repeat(20);
    const ids = (seed: number, name = "a.py"): string => choosePlaces(file(text, name), 4, seed).map(({ id }) => id).join();
    expect(ids(1)).toBe(ids(1));
    expect(new Set([ids(1), ids(2), ids(3), ids(4), ids(1, "b.py").replaceAll("b.py", "a.py")]).size).toBe(5);
    expect(choosePlaces(file(text), 4, 1)).toHaveLength(4 * placeKinds.length);
    expect(choosePlaces(file(head), 4, 1)).toEqual([]);
    const [place] = choosePlaces(file(`${head}\n  total\n`), 1, 1).filter(({ kind }) => kind === "indent");
    expect(place).toEqual({
      id: "a.py:8:3:indent", kind: "indent", language: "python", before: `${head}\n  `, next: "total", after: "\n",
    });
  });
});

describe("a completion", () => {
  const right = (next: string, text: string, finishReason: "end" | "stop" | "length" | "budget" = "length"): boolean => isRight(next, { text, finishReason });

  it("is right with the very word that was there, whatever follows of another kind", () => {
    for (const text of ["urn", "urn x;", "urn;", "urn\t"]) expect(right("urn", text, "stop")).toBe(true);
    for (const text of ["", "ur", "urns", "urn_", "urn2", "urné", "Urn", " urn", "xurn"]) expect(right("urn", text, "stop")).toBe(false);
    for (const text of ["=> x", "=>x"]) expect(right("=>", text)).toBe(true);
    for (const text of ["=>>", "=>(", "= >"]) expect(right("=>", text)).toBe(false);
    for (const [text, expected] of [["  a)", true], [" a)", false], ["a)", false], ["   a)", false]] as const) expect(right("  a", text)).toBe(expected);
  });
  it("that ends behind the word must have ended by itself", () => {
    expect((["end", "stop", "length", "budget"] as const).map((reason) => right("urn", "urn", reason))).toEqual([true, true, false, false]);
  });
  it("that is what the file says is right, and with one character more or less of the word it is wrong", () => {
    fc.assert(fc.property(anySource, ({ text, count, seed }) => {
      for (const place of choosePlaces(file(text), count, seed)) {
        const { rest } = lineOf(place);
        expect(right(place.next, rest, "stop")).toBe(true);
        if (rest !== place.next) expect(right(place.next, rest, "length")).toBe(true);
        const more = classOf(place.next.trimStart()) === "word" ? "x" : "+";
        expect(right(place.next, place.next + more + rest.slice(place.next.length), "stop")).toBe(false);
        expect(right(place.next, ` ${rest}`, "stop")).toBe(false);
        expect(right(place.next, [...place.next].slice(0, -1).join(""), "stop")).toBe(false);
      }
    }), { numRuns: 300 });
  });
});

describe("figures", () => {
  /** Lanes of a place, in order of lane: rank and whether it is right. */
  type Ranked = [rank: number, right: boolean][];
  const sample = (kind: PlaceKind, off: Ranked, on: Ranked): CursorSample => {
    const lanes = (ranked: Ranked) => ranked.map(([rank, right]) => ({ text: "", finishReason: "stop" as const, rank, right }));
    return { place: "p", kind, language: "python", next: "x", lanes: { off: lanes(off), on: lanes(on) } };
  };
  const samples = [
    sample("word", [[2, true], [1, false]], [[2, false], [1, true]]),
    sample("word", [[1, false], [2, false]], [[1, true], [2, true]]),
    sample("line", [[1, true], [2, false]], [[1, true], [2, false]]),
    sample("word", [[1, true], [2, true]], [[1, false], [2, true]]),
    sample("word", [[1, false], [2, false]], [[2, true], [1, false]]),
  ];

  it("are the best-ranked lane's, any lane's and all lanes', by kind and healing", () => {
    const rows = cursorRows(samples).map(({ kind, healing, places, first, any, lanes }) =>
      [kind, healing, places, first?.value, any?.value, lanes?.value]);
    expect(rows).toEqual([
      ["word", "off", 4, 0.25, 0.5, 3 / 8], ["word", "on", 4, 0.5, 1, 5 / 8], ["line", "off", 1, 1, 1, 0.5], ["line", "on", 1, 1, 1, 0.5],
    ]);
    expect(cursorRows([])).toEqual([]);
  });
  it("are compared place by place, in percentage points", () => {
    const [word, line] = cursorGains(samples);
    expect([word?.firstPoints?.value, word?.anyPoints?.value, word?.lanesPoints?.value]).toEqual([25, 50, 25]);
    expect(line).toEqual({
      kind: "line", places: 1, firstPoints: { value: 0, interval: { low: 0, high: 0 } }, anyPoints: { value: 0, interval: { low: 0, high: 0 } },
      lanesPoints: { value: 0, interval: { low: 0, high: 0 } },
    });
    // The same one gained everywhere: no doubt is left, though each share alone has an interval.
    const [sure] = cursorGains(Array.from({ length: 6 }, (_, index): CursorSample => sample("word", [[1, false], [2, index % 2 === 0]], [[1, true], [2, index % 2 === 0]])));
    expect(sure?.firstPoints).toEqual({ value: 100, interval: { low: 100, high: 100 } });
    expect(sure?.lanesPoints?.interval?.low).toBeCloseTo(50);
    expect(sure?.lanesPoints?.interval?.high).toBeCloseTo(50);
  });
  it("stand in three rows a kind", () => {
    const { columns, rows } = cursorTable(cursorRows(samples), cursorGains(samples));
    expect(columns.map(({ header }) => header)).toEqual(["kind", "places", "healing", "best-ranked", "any lane", "all lanes"]);
    expect(rows.map((row) => row.slice(0, 4).join(" ").replace(/ \[.*/, ""))).toEqual([
      "word 4 off 25 %", "word 4 on 50 %", "word 4 gain +25.0", "line 1 off 100 %", "line 1 on 100 %", "line 1 gain 0.0",
    ]);
    expect(pointsText({ value: -12.34, interval: { low: -20, high: -0.01 } })).toBe("−12.3 [−20.0 to 0.0]");
    expect(pointsText({ value: 3, interval: null })).toBe("+3.0");
    expect(pointsText(null)).toBe("–");
  });
});

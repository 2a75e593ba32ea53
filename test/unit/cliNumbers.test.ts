// Option values are taken as written or refused with one line that names the option.
import { describe, expect, it } from "vitest";
import { CliError } from "../../extension/cli/errors";
import {
  parseChoiceList, parseDraftLength, parseInteger, parseIntegerList, parsePlace, parseReal, parseStops,
} from "../../extension/cli/numbers";
import { MAX_STOP_LENGTH, MAX_STOPS } from "../../protocol/worker";

function refusal(parse: () => unknown): string {
  try {
    const value = parse();
    throw new Error(`accepted as ${JSON.stringify(value)}`);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    expect(error.exitCode).toBe(2);
    expect(error.message).not.toContain("\n");
    return error.message;
  }
}

describe("whole numbers", () => {
  const range = { min: 1, max: 16 };
  it.each([["1", 1], ["16", 16], ["+8", 8], ["007", 7]])("takes %s", (text, value) => {
    expect(parseInteger("-n", text, range)).toBe(value);
  });
  it.each(["0", "17", "-1", "1.5", "1e1", "", " 1", "0x8", "abc", "NaN", "Infinity", "9".repeat(400), "８", "1_000", "\u001b[31m1"])("refuses %j", (text) => {
    expect(refusal(() => parseInteger("-n", text, range))).toMatch(/^-n takes a whole number from 1 to 16, not "/);
  });
  it("does not keep a negative zero", () => {
    expect(Object.is(parseInteger("--seed", "-0", { min: 0, max: 1 }), 0)).toBe(true);
  });
  it("shortens and disarms what it quotes", () => {
    expect(refusal(() => parseInteger("-n", "\u001b]0;x\u0007" + "9".repeat(1000), range)).length).toBeLessThan(120);
    expect(refusal(() => parseInteger("-n", "\u001b[31m", range))).not.toContain("\u001b");
  });
  it("takes the largest seed and not the next number", () => {
    const seeds = { min: 0, max: Number.MAX_SAFE_INTEGER };
    expect(parseInteger("--seed", "9007199254740991", seeds)).toBe(Number.MAX_SAFE_INTEGER);
    refusal(() => parseInteger("--seed", "9007199254740993", seeds));
  });
});

describe("real numbers", () => {
  it.each([["0", 0], ["0.8", 0.8], [".5", 0.5], ["1.", 1], ["1e-3", 0.001], ["-0", 0]])("takes %s", (text, value) => {
    expect(parseReal("--temperature", text, { min: 0, max: 100 })).toBe(value);
  });
  it.each(["-0.1", "101", "1e999", "nan", "Infinity", "0x1", "", ".", "1,5", "1e", "--5"])("refuses %j", (text) => {
    refusal(() => parseReal("--temperature", text, { min: 0, max: 100 }));
  });
  it("can leave its minimum out", () => {
    expect(refusal(() => parseReal("--top-p", "0", { min: 0, max: 1, aboveMin: true }))).toContain("above 0 and at most 1");
  });
});

describe("lists and choices", () => {
  it("drops what is said twice", () => expect(parseIntegerList("--batch", "1, 8,1", { min: 1, max: 16 })).toEqual([1, 8]));
  it.each(["", "1,", "1,,2", "1;2", "17"])("refuses the list %j", (text) => {
    refusal(() => parseIntegerList("--batch", text, { min: 1, max: 16 }));
  });
  it("names the choices", () => {
    expect(refusal(() => parseChoiceList("--methods", "regular,fast", ["regular", "bass"]))).toBe('--methods takes regular, bass, not "fast"');
  });
});

describe("draft length", () => {
  it.each(["none", "bass", "auto", "fixed:1", "fixed:32"])("takes %s", (text) => expect(parseDraftLength("--draft-length", text)).toBe(text));
  it.each(["", "fixed", "fixed:", "fixed:0", "fixed:33", "fixed:1.5", "fixed:-1", "AUTO", "7"])("refuses %j", (text) => {
    refusal(() => parseDraftLength("--draft-length", text));
  });
});

describe("stop texts and places", () => {
  it("reads escapes", () => expect(parseStops("--stop", String.raw`\n\n\tx\\n\q`, [";"])).toEqual([";", "\n\n\tx\\n\\q"]));
  it("refuses an empty stop, a very long one, and very many", () => {
    expect(refusal(() => parseStops("--stop", ""))).toMatch(/not empty/);
    expect(parseStops("--stop", "x".repeat(MAX_STOP_LENGTH), Array<string>(MAX_STOPS - 1).fill(";"))).toHaveLength(MAX_STOPS);
    expect(refusal(() => parseStops("--stop", "x".repeat(MAX_STOP_LENGTH + 1)))).toBe("--stop takes a text of at most 1024 characters, not of 1025");
    expect(refusal(() => parseStops("--stop", "x", Array<string>(MAX_STOPS).fill(";")))).toBe("--stop can be given 64 times, not more");
  });
  it.each([["3", { line: 3, column: undefined }], ["3:7", { line: 3, column: 7 }]])("reads %s", (text, place) => {
    expect(parsePlace("--at", text)).toEqual(place);
  });
  it.each(["", "0", "3:0", "3:", ":3", "a", "-1", "1:2:3", "9999999999"])("refuses %j", (text) => {
    refusal(() => parsePlace("--at", text));
  });
});

// Text of models on a terminal: nothing in it acts, and it takes the cells it is thought to take.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inertJson, oneLine, sanitize } from "../../extension/cli/sanitize";
import { sparkline } from "../../extension/cli/sparkline";
import { makeTheme } from "../../extension/cli/terminal";
import { displayWidth, splitGraphemes, truncate } from "../../extension/cli/width";
import { tailLine, tailLines } from "../../extension/cli/wrap";

const plain = makeTheme(0, true);
const acting = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

describe("sanitising", () => {
  it("shows escape sequences instead of obeying them", () => {
    expect(sanitize("\u001b[2Ja\u0007b\u007f")).toBe("␛[2Ja␇b␡");
    expect(sanitize("\u009b31m")).toBe("\\u009b31m");
  });
  it("keeps newlines and tabs, makes CRLF a newline, shows a lone CR", () => {
    expect(sanitize("a\r\n\tb\rc")).toBe("a\n\tb␍c");
  });
  it("spells out characters that reorder a line", () => expect(sanitize("a\u202eb\u2066")).toBe("a\\u202eb\\u2066"));
  it("replaces half a surrogate pair", () => expect(sanitize("a\ud83d")).toBe("a\ufffd"));
  it("leaves nothing that acts, in any text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(sanitize(text)).not.toMatch(acting);
      expect(oneLine(text)).not.toMatch(/[\n\t]/);
    }));
  });
  it("makes JSON that parses to the same value and holds nothing that acts", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
      const json = inertJson({ text });
      expect(json).not.toMatch(acting);
      expect((JSON.parse(json) as { text: string }).text).toBe(text);
    }));
  });
});

describe("width", () => {
  it.each([["abc", 3], ["漢字", 4], ["🙂", 2], ["e\u0301", 1], ["", 0]])("of %j is %i", (text, width) => expect(displayWidth(text)).toBe(width));
  it("bounds the marks piled on one character", () => {
    const [grapheme] = splitGraphemes(`e${"\u0301".repeat(500)}`);
    expect(grapheme?.text.length).toBeLessThanOrEqual(16);
  });
  it("truncates to the cells there are", () => {
    expect(truncate("漢字漢字", 5)).toBe("漢字…");
    expect(truncate("abcdef", 4)).toBe("abc…");
    expect(truncate("abc", 0)).toBe("");
  });
});

describe("the end of a text", () => {
  const span = (text: string, accepted = false): { text: string; accepted: boolean } => ({ text, accepted });
  it("wraps hard and keeps the newest lines", () => {
    expect(tailLines([span("one\nabcdefgh\nlast")], 5, 3, plain)).toEqual(["abcde", "fgh", "last"]);
  });
  it("never splits a wide character over two lines", () => {
    expect(tailLines([span("a漢字b")], 4, 3, plain)).toEqual(["a漢", "字b"]);
  });
  it("wraps what is wider than two cells by its code points", () => {
    const note = "\u{1d158}\u{1d165}\u{1d16e}";
    expect(splitGraphemes(note).length).toBeGreaterThan(1);
    expect(tailLines([span(note)], 2, 6, plain).join("")).toBe(note);
  });
  it("expands tabs to stops, as far as the line goes", () => {
    expect(tailLines([span("a\tb")], 20, 1, plain)).toEqual(["a   b"]);
    expect(tailLines([span("a\tb")], 3, 2, plain)).toEqual(["a  ", "b"]);
  });
  it("tints only what the draft wrote", () => {
    const theme = makeTheme(1, true);
    expect(tailLines([span("ab"), span("cd", true)], 9, 1, theme)).toEqual([`ab${theme.draft("cd")}`]);
  });
  it("shows one line with white space folded, across spans", () => {
    expect(tailLine([span("x = 1;\n"), span("\n    return x", true)], 13, plain)).toBe("= 1; return x");
  });
  it("fits any text into any cell", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), fc.integer({ min: 2, max: 60 }), fc.integer({ min: 1, max: 6 }), (text, width, height) => {
      const lines = tailLines([span(text)], width, height, plain);
      expect(lines.length).toBeLessThanOrEqual(height);
      for (const line of [...lines, tailLine([span(text)], width, plain)]) {
        const cells = splitGraphemes(line).reduce((sum, grapheme) => sum + grapheme.width, 0);
        expect(cells).toBeLessThanOrEqual(width);
      }
    }));
  });
  it("does not look at the whole of a long text", () => {
    let looks = 0;
    const long = new Proxy(Array.from({ length: 20_000 }, (_, line) => span(`line ${line}\n`, line % 2 === 0)), {
      get: (spans, key) => (looks++, Reflect.get(spans, key) as unknown),
    });
    expect(tailLines(long, 80, 3, plain)).toEqual(["line 19998", "line 19999", ""]);
    expect(tailLine(long, 22, plain)).toBe("line 19998 line 19999 ");
    expect(looks).toBeLessThan(200);
  });
});

describe("sparkline", () => {
  it("scales from nothing to the height given", () => expect(sparkline([0, 1, 2, 4, 8, 100], 6, 8)).toBe("▁▂▃▅██"));
  it("shows the newest on the right", () => expect(sparkline([8, 8, 1], 2, 8)).toBe("█▂"));
  it("fills up from the right", () => expect(sparkline([8], 3, 8)).toBe("  █"));
  it("survives no scale and no room", () => {
    expect(sparkline([0, 0], 2, 0)).toBe("▁▁");
    expect(sparkline([1], 0, 1)).toBe("");
  });
  it("has an ASCII form", () => expect(sparkline([0, 8], 2, 8, false)).toMatch(/^[ -~]{2}$/));
});

// Where a text is cut: at lines, but not at the cost of nearly all of it, and never within a character.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutToTokens, withoutBack, withoutFront } from "../../../extension/completion/cut";

describe("withoutFront", () => {
  it("drops as many characters as asked, up to a line's start", () => {
    expect(withoutFront("aaaa\nbbbb\ncccc", 1)).toBe("bbbb\ncccc");
    expect(withoutFront("aaaa\nbbbb\ncccc", 5)).toBe("bbbb\ncccc");
    expect(withoutFront("aaaa\nbbbb\ncccc", 6)).toBe("cccc");
  });
  it("cuts within a line where the next one is far off, or where there is none", () => {
    expect(withoutFront(`${"a".repeat(100)}\n}\n`, 40)).toBe(`${"a".repeat(60)}\n}\n`);
    expect(withoutFront("aaaaaaaa\n", 4)).toBe("aaaa\n");
  });
});

describe("withoutBack", () => {
  it("drops as many characters as asked, back to a line's end", () => {
    expect(withoutBack("aaaa\nbbbb\ncccc", 1)).toBe("aaaa\nbbbb\n");
    expect(withoutBack("aaaa\nbbbb\ncccc", 4)).toBe("aaaa\nbbbb\n");
    expect(withoutBack("aaaa\nbbbb\ncccc", 5)).toBe("aaaa\n");
  });
  it("cuts within a line where the one before is far off, or where there is none", () => {
    expect(withoutBack(`{\n${"a".repeat(100)}`, 40)).toBe(`{\n${"a".repeat(60)}`);
    expect(withoutBack("aaaaaaaa", 3)).toBe("aaaaa");
  });
});

describe("cutToTokens", () => {
  /** A token is a UTF-16 unit. */
  const count = async (text: string): Promise<number> => text.length;

  it("leaves a text that fits", async () => {
    expect(await cutToTokens("ab\ncd", 5, count, withoutFront)).toEqual({ text: "ab\ncd", tokens: 5 });
    expect(await cutToTokens("ab\ncd", 4, count, withoutFront)).toEqual({ text: "cd", tokens: 2 });
  });
  it("keeps an end, or a start, of whole characters within the limit", async () => {
    const texts = fc.array(fc.oneof(fc.string({ unit: "grapheme", maxLength: 30 }), fc.constant("\n")), { maxLength: 30 }).map((parts) => parts.join(""));
    await fc.assert(fc.asyncProperty(texts, fc.integer({ min: 0, max: 200 }), async (text, limit) => {
      const [end, start] = [await cutToTokens(text, limit, count, withoutFront), await cutToTokens(text, limit, count, withoutBack)];
      for (const kept of [end, start]) {
        expect(kept.tokens).toBe(kept.text.length);
        expect(kept.tokens).toBeLessThanOrEqual(limit);
        expect(kept.text.isWellFormed()).toBe(true);
      }
      expect(text.endsWith(end.text)).toBe(true);
      expect(text.startsWith(start.text)).toBe(true);
    }));
  });
});

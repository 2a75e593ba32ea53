import { describe, expect, it } from "vitest";
import { ComputedPrompts } from "../../../extension/completion/computedPrompts";

const fim = (prefix: string, suffix = "") => ({ kind: "fim", prefix, suffix }) as const;
const text = (given: string) => ({ kind: "text", text: given }) as const;

describe("ComputedPrompts", () => {
  it("what follows the part that two prompts begin with alike is missing, and what stands behind the cursor always", () => {
    const computed = new ComputedPrompts();
    expect(computed.missingChars(fim("0123456789", "end"))).toBe(13);
    computed.note(fim("0123456789", "end"));
    expect(computed.missingChars(fim("0123456789", "end"))).toBe(3);
    expect(computed.missingChars(fim("0123456789typed", ""))).toBe(5);
    expect(computed.missingChars(fim("01234", "end"))).toBe(3);
    expect(computed.missingChars(fim("0123x56789", ""))).toBe(6);
    expect(computed.missingChars(fim("123456789", ""))).toBe(9);
  });

  it("a prompt of another kind begins with other tokens", () => {
    const computed = new ComputedPrompts();
    computed.note(text("0123456789"));
    expect(computed.missingChars(text("0123456789"))).toBe(0);
    expect(computed.missingChars(fim("0123456789"))).toBe(10);
  });

  it("counts what was computed of a prompt that was given up", () => {
    const computed = new ComputedPrompts();
    computed.note(fim("0123456789"), 0.4);
    expect(computed.missingChars(fim("0123456789"))).toBe(6);
    computed.note(fim("0123456789"), 0.7);
    computed.note(fim("0123456789"), 0); // given up before its first piece
    expect(computed.missingChars(fim("0123456789"))).toBe(3);
  });

  it("what the worker told last holds, also where it dropped something", () => {
    const computed = new ComputedPrompts();
    computed.note(fim("0123456789"));
    computed.note(fim("0123x"));
    computed.note(text("0123456789"));
    computed.note(fim("012345678", "ends"), 6 / 13);
    expect(computed.missingChars(fim("0123456789"))).toBe(4);
    expect(computed.missingChars(fim("0123x"))).toBe(0);
    expect(computed.missingChars(text("0123456789"))).toBe(0);
    computed.note(fim("0123456789", "ends"), 13 / 14);
    expect(computed.missingChars(fim("0123456789"))).toBe(0);
  });

  it("a text that goes on from another takes its place; of others the oldest are forgotten first", () => {
    const computed = new ComputedPrompts();
    computed.note(fim("long ago"));
    for (const typed of ["b", "be", "bef", "befo", "befor", "before"]) computed.note(fim(typed));
    expect(computed.missingChars(fim("long ago"))).toBe(0);
    for (const other of ["1", "2", "3"]) computed.note(fim(other));
    expect(computed.missingChars(fim("before"))).toBe(0);
    expect(computed.missingChars(fim("long ago"))).toBe(8);
    computed.clear();
    expect(computed.missingChars(fim("before"))).toBe(6);
  });
});

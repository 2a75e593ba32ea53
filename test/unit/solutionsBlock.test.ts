// Where a solution ends by its block: whatever pieces the text comes in, it is shown in order, never taken back, and ends the same.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Block } from "../../extension/solutions/block";
import { cursorContextOf } from "./completion/golden";

const inFunction = cursorContextOf("function f(x) {\n  ‸\n}\n", "typescript", true);
const atTop = cursorContextOf("// The area of a circle.\n‸", "typescript", true);
const python = cursorContextOf("def f(x):\n    ‸", "python", true);

function written(text: string, context: typeof inFunction, pieces = [text]): { text: string; ended: boolean } {
  const block = new Block(context);
  let shown = "";
  for (const piece of pieces) for (const span of block.add([{ text: piece, accepted: false }])) shown += span.text;
  for (const span of block.finish()) shown += span.text;
  return { text: shown, ended: block.ended };
}

describe("a solution", () => {
  it.each([
    ["in a body ends before the closer that is there", inFunction, "const y = x;\n  return y;\n}\n\nfunction g() {}\n", "const y = x;\n  return y;", true],
    ["keeps the blocks within", inFunction, "if (x) {\n    return 1;\n  } else {\n    return 2;\n  }", "if (x) {\n    return 1;\n  } else {\n    return 2;\n  }", false],
    ["at the top is one function, whole", atTop, "function area(r) {\n  return r * r;\n}\n\n// Another.\nfunction g() {}", "function area(r) {\n  return r * r;\n}", true],
    ["in Python ends where the indentation does", python, "y = x\n    return y\n\ndef g():\n    pass\n", "y = x\n    return y", true],
    ["of blanks and the closer is blank", inFunction, "\n}\n\nfunction g() {\n", "", true],
    ["that ends by itself keeps its last line", inFunction, "return x;", "return x;", false],
  ])("%s", (_what, context, text, kept, ended) => {
    expect(written(text, context)).toEqual({ text: kept, ended });
  });

  it("ends the same in whatever pieces it comes", () => {
    const texts = ["const y = x;\n  return y;\n}\n\nfunction g() {}\n", "if (x) {\n    return 1;\n  }\n\n  return 2;\n}\nexport const a = 1;\n", "return {\n    x,\n  };\n}\n"];
    fc.assert(fc.property(fc.constantFrom(...texts), fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 80 }), (text, sizes) => {
      const pieces: string[] = [];
      let at = 0;
      for (const size of [...sizes, text.length]) {
        if (at < text.length) pieces.push(text.slice(at, at + size));
        at += size;
      }
      expect(written(text, inFunction, pieces)).toEqual(written(text, inFunction));
    }));
  });

  it("keeps saying which of its text the draft wrote", () => {
    const block = new Block(inFunction);
    expect(block.add([{ text: "return ", accepted: true }, { text: "x;\n", accepted: false }])).toEqual([{ text: "return ", accepted: true }, { text: "x;", accepted: false }]);
    expect(block.add([{ text: "  // so", accepted: true }])).toEqual([{ text: "\n", accepted: false }, { text: "  // so", accepted: true }]);
  });
});

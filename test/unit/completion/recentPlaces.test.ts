import { describe, expect, it } from "vitest";
import { TextDocument } from "../../../extension/completion/document";
import { RecentPlaces } from "../../../extension/completion/recentPlaces";

const file = (name: string, text: string) => new TextDocument(text, { uri: `file:///src/${name}`, languageId: "typescript" });
const body = (word: string) => `export function ${word}(input: string): string {\n  const ${word}Result = input.trim();\n  return ${word}Result;\n}`;

describe("RecentPlaces", () => {
  it("ranks by shared identifiers, then by how recent", () => {
    const places = new RecentPlaces();
    for (const name of ["parse", "render", "format"]) places.visit(file(`${name}.ts`, body(name)), 0);
    expect(places.rank({ uri: "file:///src/now.ts", near: "parse( parseResult" })[0]?.uri).toBe("file:///src/parse.ts");
    expect(places.rank({ uri: "file:///src/now.ts", near: "" }).map(({ uri }) => uri)[0]).toBe("file:///src/format.ts");
  });

  it("leaves out the file being completed", () => {
    const places = new RecentPlaces();
    places.visit(file("a.ts", body("parse")), 0);
    expect(places.rank({ uri: "file:///src/a.ts", near: "parse" })).toEqual([]);
  });

  it("keeps one of two nearly equal chunks, the newer", () => {
    const places = new RecentPlaces();
    places.visit(file("a.ts", `${body("parse")}\n// one`), 0);
    places.visit(file("b.ts", `${body("parse")}\n// two`), 0);
    expect(places.places.map(({ uri }) => uri)).toEqual(["file:///src/b.ts"]);
  });

  it("gives one chunk for moving about in one place, and is capped", () => {
    const places = new RecentPlaces({ most: 3 });
    const long = Array.from({ length: 200 }, (_, at) => `const value${at} = compute${at * 7}();`).join("\n");
    for (const line of [31, 32, 35, 40]) places.visit(file("a.ts", long), line);
    expect(places.places).toHaveLength(1);
    for (const line of [31, 71, 111, 151, 191]) places.visit(file("a.ts", long), line);
    expect(places.places).toHaveLength(3);
    places.forget("file:///src/a.ts");
    expect(places.places).toHaveLength(0);
  });

  it("forgets what was deleted where it stood, and beyond a file's new end", () => {
    const places = new RecentPlaces();
    const long = Array.from({ length: 200 }, (_, at) => `const value${at} = compute${at * 7}();`).join("\n");
    const starts = () => places.places.map(({ startLine }) => startLine);
    places.visit(file("other.ts", body("parse")), 0);
    for (const line of [0, 70, 190]) places.visit(file("a.ts", long), line);
    expect(starts()).toEqual([0, 0, 60, 180]);
    places.visit(file("a.ts", long.split("\n").slice(0, 100).join("\n")), 99);
    expect(starts()).toEqual([0, 0, 60, 80]);
    places.visit(file("a.ts", ""), 0);
    expect(places.places.map(({ uri }) => uri)).toEqual(["file:///src/other.ts"]);
  });

  it("ignores minified and nearly empty text", () => {
    const places = new RecentPlaces();
    places.visit(file("a.min.js", "x".repeat(5_000)), 0);
    places.visit(file("b.ts", "\n\n}\n"), 0);
    expect(places.places).toEqual([]);
  });

  it("renders what fits, the best last, as comments of the language", () => {
    const places = new RecentPlaces({ pathOf: (uri) => uri.replace("file:///", "") });
    places.visit(file("parse.ts", body("parse")), 0);
    places.visit(file("render.ts", body("render")), 0);
    const text = places.render({ uri: "file:///src/x.py", languageId: "python", near: "render", budgetChars: 1_000 });
    expect(text.startsWith("# From src/parse.ts:\n# export function parse")).toBe(true);
    expect(text.indexOf("src/render.ts")).toBeGreaterThan(text.indexOf("src/parse.ts"));
    expect(text.endsWith("\n")).toBe(true);
    expect(places.render({ uri: "x", languageId: "python", near: "render", budgetChars: 150 })).not.toContain("parse.ts");
  });

  it("leaves pieces that are still the same where they were, and puts others behind them", () => {
    const places = new RecentPlaces({ render: ({ text }) => text });
    const [one, two, three, changed] = ["parse", "render", "format", "parse2"].map(body) as [string, string, string, string];
    for (const [name, text] of [["one", one], ["two", two], ["three", three]] as const) places.visit(file(`${name}.ts`, text), 0);
    const query = { uri: "x", languageId: "typescript", near: "", budgetChars: 1_000 };
    const before = places.pieces(query);
    expect(before).toEqual([one, two, three]);
    places.visit(file("two.ts", two), 0);
    expect(places.pieces(query)).toEqual([one, three, two]);
    expect(places.pieces(query, before)).toEqual(before);
    places.visit(file("one.ts", changed), 0);
    expect(places.pieces(query, before)).toEqual([two, three, changed]);
  });

  it("gives the room of a piece away for one that is clearly better, not for one a little more recent", () => {
    const places = new RecentPlaces({ render: ({ text }) => text });
    for (const name of ["parse", "render", "format", "collect", "reduce"]) places.visit(file(`${name}.ts`, body(name)), 0);
    const query = { uri: "x", languageId: "typescript", near: "", budgetChars: body("format").length + 5 };
    expect(places.pieces(query)).toEqual([body("reduce")]);
    expect(places.pieces(query, [body("format")])).toEqual([body("format")]);
    expect(places.pieces({ ...query, near: "parse(parseResult)" }, [body("format")])).toEqual([body("parse")]);
  });

  it("can name files by a separator instead", () => {
    const places = new RecentPlaces({ render: (place, path) => `<sep>${path}\n${place.text}\n` });
    places.visit(file("parse.ts", body("parse")), 0);
    expect(places.render({ uri: "x", languageId: "python", near: "", budgetChars: 500 })).toBe(`<sep>parse.ts\n${body("parse")}\n`);
  });
});

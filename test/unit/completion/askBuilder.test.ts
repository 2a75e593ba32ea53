import { describe, expect, it } from "vitest";
import { AskBuilder, type AskInput, type AskSettings } from "../../../extension/completion/askBuilder";
import { Changes } from "../../../extension/completion/changes";
import { TextDocument, type DocumentView } from "../../../extension/completion/document";
import { LoadGate } from "../../../extension/completion/loadGate";
import { RecentPlaces } from "../../../extension/completion/recentPlaces";
import { SessionGenerator } from "../../../extension/completion/sessionGenerator";
import type { GenerateResult, LoadResult } from "../../../protocol/worker";
import type { SessionRequest } from "../../../extension/worker/session";
import { FakeClock } from "../supervisorFakes";

const settings: AskSettings = { candidates: 8, maxTokens: 256, temperature: 0.6, topP: 0.95, draftLength: "auto", contextTokens: 1_024, debounce: 100, preparePrompts: true };
const loaded = { target: { path: "/m/a.gguf", parameters: 1e9 }, draft: {}, lanes: 8, contextTokens: 512, fim: true } as LoadResult;

function input(text: string, changes: Partial<AskInput> = {}): AskInput {
  const at = text.indexOf("‸");
  const document = new TextDocument(text.replace("‸", ""), { uri: "file:///a.ts", languageId: "typescript" });
  return { document, cursor: document.positionAt(at), selected: undefined, kind: "automatic", shapedAs: "automatic", loaded, settings, ...changes };
}
const builder = () => new AskBuilder(new RecentPlaces(), async (text) => Math.ceil(text.length / 3));

describe("AskBuilder", () => {
  it("asks for a line while typing, and for more when told to", async () => {
    const line = await builder().build(input("const x = ‸"));
    expect(line).toMatchObject({ all: false, waitMs: 100, lanes: 8, draftLength: "auto", shape: { multiline: false }, prompt: { kind: "fim", prefix: "const x = ", suffix: "" } });
    const lines = await builder().build(input("const x = ‸", { kind: "explicit", shapedAs: "explicit" }));
    expect(lines).toMatchObject({ all: true, waitMs: 0, shape: { multiline: true } });
  });

  it("asks for the lanes that there are, and answers when one lane in four of them has given a candidate", async () => {
    expect(await builder().build(input("const x = ‸"))).toMatchObject({ lanes: 8, enough: 2 });
    expect(await builder().build(input("const x = ‸", { loaded: { ...loaded, lanes: 2 } }))).toMatchObject({ lanes: 2, enough: 1 });
  });

  it("cycling asks for what is shown: the key and the shape of the automatic request, but every lane", async () => {
    const asks = builder();
    const shown = await asks.build(input("const x = ‸"));
    const cycled = await asks.build(input("const x = ‸", { kind: "explicit", shapedAs: "automatic" }));
    expect(cycled?.key).toEqual(shown?.key);
    expect(cycled).toMatchObject({ all: true, shape: shown?.shape });
  });

  it("drafts without a draft model too, and asks for text only of a model without fill-in-the-middle", async () => {
    const ask = await builder().build(input("const x = ‸;", { loaded: { ...loaded, draft: null, fim: false } }));
    expect(ask).toMatchObject({ draftLength: "auto", prompt: { kind: "text", text: "const x = " } });
  });

  it("gives a very small model the text before the cursor alone, as long as there is any; the rest of the file is for the filters", async () => {
    const small = { ...loaded, target: { ...loaded.target, parameters: 6.5e6 } };
    const ask = await builder().build(input("const x = ‸\nexport { x };\n", { loaded: small }));
    expect(ask).toMatchObject({ prompt: { kind: "text", text: "const x = " }, context: { suffix: "\nexport { x };\n" } });
    const first = await builder().build(input("‸\nexport { x };\n", { loaded: small }));
    expect(first?.prompt).toEqual({ kind: "fim", prefix: "", suffix: "\nexport { x };\n" });
  });

  it("prompt and completion fit the context, however long the file is", async () => {
    const ask = await builder().build(input(`${"const value = compute(1, 2, 3);\n".repeat(500)}‸`, { kind: "explicit", shapedAs: "explicit" }));
    const prompt = ask?.prompt;
    if (prompt?.kind !== "fim") throw new Error("a fill-in-the-middle prompt was expected");
    expect(Math.ceil(prompt.prefix.length / 3) + ask!.shape.maxTokens).toBeLessThanOrEqual(512);
    expect(prompt.prefix).toMatch(/^const value/);
  });

  it("a machine that computes prompts slowly is given short ones, the same for keys and for what is asked for by hand", async () => {
    const text = `${"const value = compute(1, 2, 3);\n".repeat(500)}‸`;
    const roomy = { ...loaded, contextTokens: 8_192 };
    const wide = { ...settings, contextTokens: 8_192, preparePrompts: false };
    const asked: number[] = [];
    const speed = { longest: (_: unknown, ms: number) => (asked.push(ms), 300), ms: () => null };
    const slow = new AskBuilder(new RecentPlaces(), async (part) => Math.ceil(part.length / 3), speed);
    const [whole, short, explicit] = await Promise.all([
      builder().build(input(text, { loaded: roomy, settings: wide })),
      slow.build(input(text, { loaded: roomy, settings: wide })),
      slow.build(input(text, { loaded: roomy, settings: wide, kind: "explicit", shapedAs: "explicit" })),
    ]);
    const length = (ask: typeof whole) => (ask?.prompt as { prefix: string }).prefix.length;
    expect(length(short)).toBeLessThan(300 * 2.8);
    expect(length(short)).toBeGreaterThan(300);
    expect(length(explicit)).toBe(length(short));
    expect(length(whole)).toBeGreaterThan(10_000);
    expect(new Set(asked).size).toBe(1);
  });

  it("a key costs as many lines in a file of any size", async () => {
    const text = (line: number) => (line % 10 === 9 ? "" : `  const value${line} = compute(${line}, 2, 3);`);
    const linesRead = async (lineCount: number): Promise<number[]> => {
      let read = 0;
      let version = 1;
      let typed = "";
      const at = Math.floor(lineCount / 2);
      const recent = new RecentPlaces();
      const asks = new AskBuilder(recent, async (counted) => Math.ceil(counted.length / 3));
      const changes = new Changes();
      const counts: number[] = [];
      for (const key of "sum = a + b") {
        const character = 2 + typed.length;
        typed += key;
        const edits = [{ range: { start: { line: at, character }, end: { line: at, character } }, text: key }];
        const document: DocumentView = {
          uri: "file:///a.ts", languageId: "typescript", version: ++version, eol: "\n", lineCount,
          lineAt: (line) => {
            read += 1;
            return line === at ? `  ${typed}` : text(line % 1000);
          },
        };
        changes.note(document.uri, version, edits, null);
        asks.documentChanged(document.uri, edits);
        recent.visit(document, at);
        await asks.build(input("‸", { document, cursor: { line: at, character: character + 1 } }));
        counts.push(read);
        read = 0;
      }
      return counts;
    };
    expect(await linesRead(200_000)).toEqual(await linesRead(2_000));
  });

  it("completions of another model or temperature are others", async () => {
    const keys = await Promise.all([
      builder().build(input("x‸")),
      builder().build(input("x‸", { settings: { ...settings, temperature: 1 } })),
      builder().build(input("x‸", { loaded: { ...loaded, target: { ...loaded.target, path: "/m/b.gguf" } } })),
    ]);
    expect(new Set(keys.map((ask) => ask?.key.model)).size).toBe(3);
  });

  it("has nothing to ask of an empty document", async () => {
    expect(await builder().build(input("‸"))).toBeNull();
  });
});

describe("Changes", () => {
  const insert = (text: string) => [{ range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } }, text }];

  it("knows the last change as long as the document is of its version", () => {
    const changes = new Changes();
    changes.note("a", 2, insert("x"), null);
    expect([changes.of("a", 2), changes.of("a", 3), changes.of("b", 2)]).toEqual(["typed", "none", "none"]);
  });

  it("knows where the user types, and where he just reads or is told of changes", () => {
    const changes = new Changes();
    changes.note("a", 1, insert("x"), null);
    changes.note("a", 2, insert("x"), "undo");
    changes.note("b", 1, insert("a whole line of text\nand another one"), null);
    changes.note("c", 1, insert("x"), "redo");
    expect(["a", "b", "c", "d"].filter((uri) => changes.isTypedIn(uri))).toEqual(["a"]);
    changes.forget("a");
    expect([changes.isTypedIn("a"), changes.of("a", 2)]).toEqual([false, "none"]);
  });

  it("takes an accepted text, or a part of one, for typing, and another for pasting", () => {
    const changes = new Changes();
    changes.offer("a", ["  return first + second;\r\n}"]);
    expect(changes.note("a", 1, insert("first + second;\n}"), null)).toBe("typed");
    expect(changes.note("a", 2, insert("something else"), null)).toBe("pasted");
    expect(changes.note("b", 1, insert("first + second"), null)).toBe("pasted");
    expect(changes.note("a", 3, insert("first"), "undo")).toBe("history");
  });
});

describe("LoadGate", () => {
  it("after a failure lets only explicit requests through, until time has gone by or it is reset", async () => {
    const clock = new FakeClock();
    const gate = new LoadGate(clock, 1_000);
    expect(gate.allows("automatic")).toBe(true);
    gate.failed();
    expect([gate.allows("automatic"), gate.allows("explicit")]).toEqual([false, true]);
    await clock.advance(1_000);
    expect(gate.allows("automatic")).toBe(true);
    gate.failed();
    gate.reset();
    expect(gate.allows("automatic")).toBe(true);
  });
});

describe("SessionGenerator", () => {
  it("labels requests, and ends lanes of those that run", async () => {
    const asked: SessionRequest[] = [];
    const ended: number[] = [];
    let finish = (_result: GenerateResult): void => undefined;
    const generator = new SessionGenerator({
      generate: (request) => {
        asked.push(request);
        return { id: "inline-1", result: new Promise((resolve) => (finish = resolve)), completeLane: (lane) => ended.push(lane), cancelLane: () => undefined };
      },
    }, () => "a.ts:3");
    const params = { prompt: { kind: "text" as const, text: "x" }, lanes: 2, maxTokens: 1, sampling: { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1 }, stop: [], stopTokens: [], budgetMs: null, draftLength: "none" as const };
    const result = generator.generate({ id: "mine", ...params }, { signal: new AbortController().signal, onProgress: () => undefined });
    expect(asked).toEqual([{ kind: "inline", label: "a.ts:3", params }]);
    generator.completeLane("mine", 1);
    generator.completeLane("another", 0);
    finish({} as GenerateResult);
    await result;
    generator.completeLane("mine", 0);
    expect(ended).toEqual([1]);
  });
});

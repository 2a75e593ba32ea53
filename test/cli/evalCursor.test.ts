// octet eval cursor as a user runs it: with a pretended model whose completions are known, and with the starter pair.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { CursorGain, CursorRow, CursorSample } from "../../extension/cli/eval/cursor";
import { placeKinds, type PlaceKind } from "../../extension/cli/eval/cursorPlaces";
import type { GenerateParams } from "../../protocol/worker";
import { parsed } from "./evalDocument";
import { folder, root, run, runAsked, startMarked, until, useBuiltCli } from "./harness";

useBuiltCli();

interface Document {
  suite: string;
  parameters: Record<string, unknown>;
  complete: boolean;
  summary: CursorRow[];
  gains: CursorGain[];
  places: CursorSample[];
  notices: string[];
}

// Short: the worker computes longer prompts in pieces that depend on times, and rounding with them.
const lines = Array.from({ length: 12 }, (_, line) => `value_${line} = compute(first, ${line})`);
const source = `def whole():\n${lines.map((line) => `    ${line}\n`).join("")}`;
let sources = "";
beforeAll(() => {
  sources = path.join(folder, "sources");
  mkdirSync(sources);
  writeFileSync(path.join(sources, "a.py"), source);
});
const cursor = (...args: string[]): string[] => ["eval", "cursor", "--files", sources, "-n", "2", "--places", "3", ...args];

// Behind a blank stand "=", "compute" and numbers, behind an indentation "value_N". Entry 1 is the first lane's: every seed is odd.
const pretended = {
  OCTET_ADDON: path.join(root, "test", "cli", "evalAddon.cjs"),
  OCTET_EVAL_LANES: JSON.stringify([{ text: "= compute(", finishReason: "length", meanLogprob: -1 }, { text: "compute", finishReason: "length", meanLogprob: -1 }]),
  OCTET_EVAL_HEALED: JSON.stringify([{ text: "computed", finishReason: "stop", meanLogprob: -1 }, { text: "= 5", finishReason: "stop", meanLogprob: -1 }]),
};

describe("with a pretended model", () => {
  it("asks every place twice, healed and not, in turns, all else being equal", async () => {
    const { code, stdout, asked } = await runAsked(cursor("--seed", "5", "--json"), { env: pretended });
    expect(code).toBe(0);
    const { places, complete } = parsed<Document>(stdout);
    expect(complete).toBe(true);
    expect(places).toHaveLength(3 * placeKinds.length);
    expect(asked).toHaveLength(2 * places.length);
    for (const [index, { place, next }] of places.entries()) {
      const [one, other] = asked.slice(2 * index, 2 * index + 2) as [GenerateParams, GenerateParams];
      expect([one.heal, other.heal]).toEqual(index % 2 === 0 ? [false, true] : [true, false]);
      expect({ ...one, heal: null }).toEqual({ ...other, heal: null });
      expect(one).toMatchObject({
        lanes: 2, maxTokens: 16, stop: ["\n"], budgetMs: null, draftLength: "fixed:4", freshPrompt: true,
        sampling: { temperature: 0.6, topP: 0.95, topK: 0, minP: 0, seed: 5 + 16 * index },
      });
      const [, line = 0, column = 0] = place.split(":").map(Number);
      const before = [...source.split("\n").slice(0, line - 1), (source.split("\n")[line - 1] ?? "").slice(0, column - 1)].join("\n");
      expect(one.prompt).toEqual({ kind: "text", text: before });
      expect(source.startsWith(before + next)).toBe(true);
    }
  });
  it("shows a model that fills in well what is behind the next word", async () => {
    const { code, stdout, asked } = await runAsked(cursor("--limit", "4", "--json"), { env: { ...pretended, OCTET_EVAL_PARAMETERS: "5e7" } });
    expect(code).toBe(0);
    const { places, parameters } = parsed<Document>(stdout);
    expect(parameters.prompt).toBe("fim");
    expect(asked).toHaveLength(8);
    for (const [index, { next }] of places.entries()) {
      for (const { prompt } of asked.slice(2 * index, 2 * index + 2)) {
        if (prompt.kind !== "fim") throw new Error("a prompt of prefix and suffix was expected");
        expect((prompt.prefix + next + prompt.suffix).trimEnd()).toBe(source.trimEnd());
      }
    }
  });
  it("counts the best-ranked lane, any and all, each way", async () => {
    const document = parsed<Document>((await run(cursor("--json"), { env: pretended })).stdout);
    const blanks = document.places.filter(({ kind }) => kind === "blank");
    expect(new Set(blanks.map(({ next }) => next)).size).toBeGreaterThan(1);
    for (const { next, lanes } of blanks) {
      expect(lanes.off.map(({ right }) => right)).toEqual([false, next === "="]); // "compute" was cut off: it may have been "computed"
      expect(lanes.on.map(({ right }) => right)).toEqual([next === "=", false]);
    }
    const share = blanks.filter(({ next }) => next === "=").length / blanks.length;
    const rows = document.summary.filter(({ kind }) => kind === "blank").map(({ healing, places, first, any, lanes }) =>
      [healing, places, first?.value, any?.value, lanes?.value]);
    expect(rows).toEqual([["off", 3, 0, share, share / 2], ["on", 3, share, share, share / 2]]);
    const gain = document.gains.find(({ kind }) => kind === "blank");
    expect([gain?.firstPoints?.value, gain?.anyPoints?.value, gain?.lanesPoints?.value]).toEqual([share * 100, 0, 0]);
    expect(document.summary.map(({ kind }) => kind)).toEqual(placeKinds.flatMap((kind) => [kind, kind]));
  });
  it("chooses the same places for a seed, the first of them with --limit", async () => {
    const ids = async (...args: string[]): Promise<string[]> => parsed<Document>((await run(cursor("--json", ...args), { env: pretended })).stdout).places.map(({ place }) => place);
    const all = await ids();
    expect(await ids("--limit", "4")).toEqual(all.slice(0, 4));
    expect(await ids("--limit", "4", "--seed", "2")).not.toEqual(all.slice(0, 4));
  });
  it("prints a table, as Markdown too", async () => {
    const { code, stdout, stderr } = await run(cursor("--draft-length", "none"), { env: pretended });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^octet: place 1 of 15\n/);
    expect(stdout).toMatch(/^pretended Q8_0, no draft model\n/);
    expect(stdout).toMatch(/\ncursor, 15 places, 2 lanes of at most 16 tokens and a line, temperature 0\.6, top-p 0\.95, draft length none, seed 1\./);
    expect(stdout).toMatch(/\nkind +places +healing +best-ranked +any lane +all lanes\nword +3 +off .*\nword +3 +on .*\nword +3 +gain +/);
    const markdown = await run(cursor("--limit", "2", "--markdown"), { env: pretended });
    expect(markdown.stdout).toMatch(/^\| kind \| places \| healing \| best-ranked \| any lane \| all lanes \|\n/);
  });
  it("prints what is done when it is stopped", async () => {
    const file = path.join(mkdtempSync(path.join(folder, "asked-")), "asked");
    const slow = startMarked(cursor("--json"), { ...pretended, OCTET_ASKED: file, OCTET_EVAL_SLOW: "6" }); // the third place's second request
    await until("six requests", () => existsSync(file) && readFileSync(file, "utf8").trimEnd().split("\n").length === 6);
    slow.child.kill("SIGINT");
    const { code, stdout } = await slow.done;
    expect(code).toBe(130);
    const document = parsed<Document>(stdout);
    expect(document.complete).toBe(false);
    expect(document.places).toHaveLength(2);
    expect(document.notices).toContain("Stopped after 2 of 15 places.");
  });
  it("prints what is done when the worker dies", async () => {
    const { code, stdout, stderr } = await run(cursor("--json"), { env: { ...pretended, OCTET_EVAL_DIE: "3" } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/\noctet: the worker stopped \(.*\)\..*\n$/);
    expect(parsed<Document>(stdout)).toMatchObject({ complete: false, places: [{ kind: expect.any(String) as string }] });
  });
  it("refuses what cannot be, in one line with exit code 2", async () => {
    const short = path.join(folder, "short");
    mkdirSync(short);
    writeFileSync(path.join(short, "a.py"), "value = 1\n");
    const refused = async (args: string[], message: RegExp, env = {}): Promise<void> => {
      const { code, stdout, stderr } = await run(["eval", "cursor", ...args], { env: { ...pretended, ...env } });
      expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(message);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    };
    await refused([], /required option '--files <DIR>'/);
    await refused(["--files", path.join(folder, "none")], /none: no such folder/);
    await refused(["--files", short], /short holds no place to complete at\. Code is needed/);
    await refused(["--files", sources, "--places", "0"], /--places takes a whole number/);
    await refused(["--files", sources, "--json", "--markdown"], /exclude each other/);
    await refused(["--files", sources, "--context", "255"], /A context of 255 tokens is shorter than any in the editor\. Use --context 256 or more/);
    await refused(["--files", sources], /Memory holds 4 lanes, not 8/, { OCTET_EVAL_MAX_LANES: "4" });
  });
});

describe("with the starter pair", () => {
  it("finds more words healed than not, nothing else behind a line's end, and the same again", async () => {
    const measure = async (): Promise<Document> => {
      const { code, stdout, stderr } = await run(cursor("--temperature", "0", "--json"));
      expect(code, stderr).toBe(0);
      return parsed<Document>(stdout);
    };
    const document = await measure();
    const anyRight = (kind: PlaceKind): (number | undefined)[] => document.summary.filter((row) => row.kind === kind).map(({ any }) => any?.value);
    const [off = 1, on = 0] = anyRight("word");
    expect(on).toBeGreaterThan(off);
    for (const { lanes } of document.places.filter(({ kind }) => kind === "line")) expect(lanes.on).toEqual(lanes.off);
    expect((await measure()).places).toEqual(document.places);
  });
});

// Prompts, pairs of models, ranking and error lines.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { afterAll, describe, expect, it } from "vitest";
import { unfit } from "../../extension/cli/draftSearch";
import { CliError, errorLine, exitCodeOf } from "../../extension/cli/errors";
import { decodeText, readPrompt, readText, splitAt } from "../../extension/cli/input";
import { choosePair } from "../../extension/cli/models";
import { groupIdentical } from "../../extension/cli/ranking";
import type { FinishReason, SequenceResult } from "../../protocol/worker";

const folder = mkdtempSync(path.join(tmpdir(), "octet-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));
const never = new AbortController().signal;

describe("prompts", () => {
  it("splits at a line's end, and at a column", () => {
    expect(splitAt("ab\ncd\nef", { line: 2, column: undefined })).toEqual({ prefix: "ab\ncd", suffix: "\nef" });
    expect(splitAt("ab\ncd\nef", { line: 2, column: 1 })).toEqual({ prefix: "ab\n", suffix: "cd\nef" });
    expect(splitAt("ab\r\ncd", { line: 1, column: undefined })).toEqual({ prefix: "ab", suffix: "\r\ncd" });
  });
  it("refuses places outside the text", () => {
    expect(() => splitAt("ab", { line: 2, column: undefined })).toThrow("1 lines");
    expect(() => splitAt("ab", { line: 1, column: 4 })).toThrow("last column is 3");
    expect(() => splitAt("a\n😀b", { line: 2, column: 2 })).toThrow("column 2 of line 2 is in the middle of a character");
    expect(splitAt("a\n😀b", { line: 2, column: 3 })).toEqual({ prefix: "a\n😀", suffix: "b" });
  });
  it("drops a byte order mark and keeps the rest", () => expect(decodeText(Buffer.from("\ufeffé"), "x")).toBe("é"));
  it("says where a file stops being text", () => {
    expect(() => decodeText(Buffer.from([0x61, 0x62, 0xff]), "a.ts")).toThrow("a.ts: not UTF-8 text (byte 2)");
    expect(() => decodeText(Buffer.from([0x61, 0xe2, 0x82]), "a.ts")).toThrow("not UTF-8");
  });
  it("refuses zero bytes and endless input without reading to the end", async () => {
    await expect(readText("-", Readable.from([Buffer.from("ab\0")]), never)).rejects.toThrow("Standard input: not UTF-8 text (byte 2)");
    const endless = new Readable({ read() { this.push(Buffer.alloc(1 << 20, 0x61)); } });
    await expect(readText("-", endless, never)).rejects.toThrow("longer than 32 MiB");
    expect(endless.destroyed).toBe(true);
  });
  it("stops reading when cancelled", async () => {
    const controller = new AbortController();
    const waiting = readText("-", new Readable({ read: () => undefined }), controller.signal);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  });
  it("makes prefix and suffix of two files", async () => {
    writeFileSync(path.join(folder, "head"), "a");
    writeFileSync(path.join(folder, "tail"), "b");
    const prompt = await readPrompt({ file: path.join(folder, "head"), suffixFile: path.join(folder, "tail") }, Readable.from([]), never);
    expect(prompt).toEqual({ kind: "fim", prefix: "a", suffix: "b" });
  });
  it("refuses an empty prompt, and two suffixes", async () => {
    await expect(readPrompt({ file: "-" }, Readable.from([]), never)).rejects.toThrow("empty");
    await expect(readPrompt({ file: "-", suffixFile: "x", at: { line: 1, column: 1 } }, Readable.from(["a"]), never)).rejects.toThrow("exclude");
  });
});

describe("the pair of models", () => {
  const starter = { target: "/o/models/octet-starter-6M-q8_0.gguf", draft: "/o/models/octet-starter-1M-draft-q8_0.gguf" };
  it.each([
    ["nothing named", {}, starter],
    ["no draft", { draft: false as const }, { ...starter, draft: null }],
    ["a target of one's own", { target: "/m/big.gguf" }, { target: "/m/big.gguf", draft: null }],
    ["the starter target by name", { target: "/o/models/../models/octet-starter-6M-q8_0.gguf" }, { ...starter, target: "/o/models/../models/octet-starter-6M-q8_0.gguf" }],
    ["a pair", { target: "/m/big.gguf", draft: "/m/small.gguf" }, { target: "/m/big.gguf", draft: "/m/small.gguf" }],
    ["only a draft", { draft: "/m/small.gguf" }, { ...starter, draft: "/m/small.gguf" }],
    ["drafts that are looked up", { target: "/m/big.gguf", draftLength: "bass" as const }, { target: "/m/big.gguf", draft: null }],
    ["decoding without drafts", { draftLength: "none" as const }, { ...starter, draft: null }],
  ])("%s", (_, options, pair) => expect(choosePair(options, "/o")).toEqual(pair));
  it("prefers a draft of a tenth of the target", () => {
    expect([300, 95, 20].sort((a, b) => unfit({ fileBytes: a }, { fileBytes: 1000 }) - unfit({ fileBytes: b }, { fileBytes: 1000 }))[0]).toBe(95);
  });
});

describe("ranking", () => {
  const sequence = (lane: number, rank: number, text: string, finishReason: FinishReason = "end"): SequenceResult => ({
    lane, rank, text, finishReason, tokens: [1], tokenLogprobs: [-1], meanLogprob: -1, drafted: 0, accepted: 0, firstTokenMs: 1, msPerToken: 1,
  });
  it("shows the best first and the same text once", () => {
    const groups = groupIdentical([sequence(0, 3, "b"), sequence(1, 1, "a"), sequence(2, 2, "b"), sequence(3, 4, "a")]);
    expect(groups.map(({ best, lanes }) => [best.rank, lanes])).toEqual([[1, [1, 3]], [2, [2, 0]]]);
  });
  it("keeps a lane that was cut off apart from one that ended", () => {
    expect(groupIdentical([sequence(0, 1, "a"), sequence(1, 2, "a", "cancelled")])).toHaveLength(2);
  });
});

describe("errors", () => {
  const worker = (code: string, message: string, advice?: string): Error => Object.assign(new Error(message), { code, advice });
  it("are one line with advice", () => {
    expect(errorLine(worker("modelNotFound", "no such file:\n a.gguf", "Check the path"))).toBe("octet: no such file: a.gguf. Check the path.");
    expect(errorLine(new CliError(2, "Bad\u001b[31m"))).toBe("octet: Bad␛[31m.");
  });
  it("exit with 2 for bad input, 1 for failures, 130 for a cancellation", () => {
    expect(["badParams", "modelDamaged", "vocabularyMismatch", "promptTooLong", "deviceNotFound"].map((code) => exitCodeOf(worker(code, "")))).toEqual([2, 2, 2, 2, 2]);
    expect(["outOfMemory", "workerDied", "internal", "busy"].map((code) => exitCodeOf(worker(code, "")))).toEqual([1, 1, 1, 1]);
    expect(exitCodeOf(worker("cancelled", ""))).toBe(130);
    expect(exitCodeOf(new Error("?"))).toBe(1);
  });
});

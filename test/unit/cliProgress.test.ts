// Lines of progress for whoever does not watch a terminal: now and then, and only where what they say has changed.
import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ProgressLines } from "../../extension/cli/progress";
import { statusLine } from "../../extension/cli/statusLine";
import { makeTheme } from "../../extension/cli/terminal";
import { LOADED } from "./solutionsFakes";

let written = "";
const stderr = new Writable({
  write(chunk: Buffer, _encoding, done) {
    written += chunk.toString();
    done();
  },
});
const terminal = { live: false, watched: false, theme: makeTheme(0, true), size: () => ({ columns: 80, rows: 24 }), width: () => Infinity };

beforeEach(() => {
  vi.useFakeTimers();
  written = "";
});
afterEach(() => void vi.useRealTimers());

describe("the status of long work", () => {
  it("is said again only where it has changed", () => {
    const status = statusLine({ stderr, terminal });
    for (let second = 0; second < 30; second++, vi.advanceTimersByTime(1000)) status.show("0 B of 2.2 GB");
    expect(written).toBe("octet: 0 B of 2.2 GB\n");
    status.show("0 B of 2.2 GB, waiting to try again: no such host");
    vi.advanceTimersByTime(10_000);
    status.show("12 MB of 2.2 GB");
    status.clear();
    expect(written).toBe("octet: 0 B of 2.2 GB\noctet: 0 B of 2.2 GB, waiting to try again: no such host\noctet: 12 MB of 2.2 GB\n");
  });
  it("is said every five seconds at most", () => {
    const status = statusLine({ stderr, terminal });
    for (let at = 0; at < 100; at++, vi.advanceTimersByTime(100)) status.show(`${at} of 100`);
    expect(written).toBe("octet: 0 of 100\noctet: 50 of 100\n");
  });
});

describe("the progress of a generation", () => {
  it("begins after some seconds, and repeats nothing", () => {
    const loaded = { ...LOADED, target: { ...LOADED.target, name: "model" }, device: { ...LOADED.device, name: "CPU" } };
    const lines = new ProgressLines(stderr, { lanes: 8, maxTokens: 10, budgetMs: null });
    lines.onLoad({ phase: "target", fraction: 0.5 });
    vi.advanceTimersByTime(3000);
    lines.onLoaded(loaded, 8);
    for (let second = 0; second < 30; second++, vi.advanceTimersByTime(1000)) lines.onProgress({ id: "generate", steps: [] });
    expect(written).toBe(`octet: loaded model on CPU\noctet: 0 tokens, 8 lanes writing\n`);
  });
});

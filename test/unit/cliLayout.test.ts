// The picture of a running generation, judged on an emulated terminal: it fits, and says what is so.
import { Terminal } from "@xterm/headless";
import { describe, expect, it } from "vitest";
import { chooseGrid, frame } from "../../extension/cli/layout";
import { LiveState } from "../../extension/cli/liveState";
import { Screen } from "../../extension/cli/screen";
import { makeTheme, speaksUnicode } from "../../extension/cli/terminal";
import { Writable } from "node:stream";
import type { LaneEvent, LoadResult, ModelInfo } from "../../protocol/worker";

const plain = makeTheme(0, true);

function model(name: string): ModelInfo {
  return {
    path: `/m/${name}.gguf`, name, architecture: "llama", quantization: "Q8_0", parameters: 6.5e6, fileBytes: 7e6, vocabularySize: 8192,
    trainedContext: 2048, layers: 6, fim: true,
  };
}
const loaded: LoadResult = {
  target: model("octet-starter-6M"), draft: model("octet-starter-1M-draft"), runtime: "llama",
  device: { name: "CPU", description: "a processor", kind: "cpu", runtime: "llama", memoryBytes: 1e9, freeMemoryBytes: 1e9 },
  threads: 2, lanes: 8, spareLanes: 0, contextTokens: 2048, cacheTokens: 4096,
  memory: { targetWeights: 1, draftWeights: 1, kvCache: 1, compute: 1, total: 4, available: 9 }, fim: true, notices: [], loadMs: 1,
};

function running(lanes = 8, text = "  const sum = 漢字 + 🙂;\n\treturn total;\n"): LiveState {
  const state = new LiveState({ lanes, maxTokens: 100, budgetMs: null });
  state.onLoaded(loaded, lanes);
  for (let step = 1; step <= 12; step++) {
    state.onProgress({
      id: "x",
      steps: [{
        atMs: 50 + 4 * step, stepMs: 4, draftMs: 1, verifyMs: 2, hostMs: 0.1, draftLength: 3,
        lanes: Array.from({ length: lanes }, (_, lane): LaneEvent => ({
          lane, tokens: [1, 2], logprobs: [-0.1 * (lane + 1), -0.3], drafted: 3, accepted: 1,
          text: [{ text: text.slice(0, 8), accepted: true }, { text: text.slice(8), accepted: false }],
        })),
      }],
    });
  }
  return state;
}

async function shown(lines: readonly string[], columns: number, rows: number): Promise<string[]> {
  const terminal = new Terminal({ cols: columns, rows, allowProposedApi: true });
  const stream = new Writable({ write: (chunk: Buffer, _, done) => terminal.write(chunk.toString(), done) });
  new Screen(stream).draw(lines);
  await new Promise((resolve) => stream.end(resolve));
  return Array.from({ length: rows }, (_, row) => terminal.buffer.active.getLine(row)?.translateToString(true) ?? "");
}

describe("the grid", () => {
  it.each([
    [8, 80, 24, 2, 5], [8, 120, 40, 2, 9], [8, 40, 20, 1, 2], [8, 200, 50, 2, 11], [1, 80, 24, 1, 21], [16, 80, 24, 2, 2], [8, 300, 60, 3, 19],
  ])("%i lanes at %ix%i take %i columns of cells %i high", (lanes, columns, rows, gridColumns, cellRows) => {
    expect(chooseGrid(lanes, { columns, rows })).toMatchObject({ columns: gridColumns, cellRows, hidden: 0 });
  });
  it("hides lanes only where not even a line each is left", () => {
    expect(chooseGrid(8, { columns: 40, rows: 11 })).toMatchObject({ cellRows: 1, hidden: 0 });
    expect(chooseGrid(8, { columns: 40, rows: 9 })).toMatchObject({ cellRows: 1, hidden: 3 });
  });
});

describe("the frame", () => {
  it("never exceeds the terminal, whatever its size and the number of lanes", async () => {
    for (const lanes of [1, 3, 8, 16]) {
      const state = running(lanes);
      for (const columns of [4, 12, 20, 39, 40, 41, 79, 80, 121, 260]) {
        for (const rows of [1, 2, 3, 4, 5, 11, 24, 60]) {
          const lines = frame(state, { columns, rows }, plain, 1000);
          expect(lines.length).toBeLessThanOrEqual(rows);
          for (const line of lines) expect(endColumn(line), `${lanes} lanes at ${columns}x${rows}: ${line}`).toBeLessThanOrEqual(columns);
        }
      }
    }
  });
  it("shows every lane's state, latency, acceptance, tokens and the end of its text", async () => {
    const state = running();
    state.onProgress({ id: "x", steps: [finishing(3, "end"), finishing(5, "budget")] });
    const text = (await shown(frame(state, { columns: 80, rows: 24 }, plain, 1234), 80, 24)).join("\n");
    expect(text).toContain("octet-starter-6M Q8_0 + draft 6.5M · CPU, 2 threads");
    expect(text).toMatch(/per token 2\.0 ms +all [\d,]+ tok\/s +accepted 33 % +draft 3 +time 1\.2 s/);
    expect(text.match(/● [▁▂▃▄▅▆▇█]+ +2\.0 ms {2}33 % {3}24 tok/g)).toHaveLength(6);
    expect(text).toMatch(/ 1 ✓/);
    expect(text).toMatch(/– ◌/);
    expect(text.match(/ {2}const sum = 漢字 \+ 🙂;/g)?.length).toBeGreaterThanOrEqual(8);
  });
  it("keeps cells in their columns where a terminal disagrees on a width", async () => {
    const rows = await shown(frame(running(2, "👩‍👩‍👧‍👦🏳️‍🌈ﷺ\n"), { columns: 80, rows: 9 }, plain, 0), 80, 9);
    for (const row of rows.slice(3)) if (row.includes("│")) expect(row.length).toBeGreaterThan(30);
  });
  it("says what it waits for before the first token", () => {
    const state = new LiveState({ lanes: 8, maxTokens: 9, budgetMs: null });
    expect(frame(state, { columns: 80, rows: 24 }, plain, 0)[1]).toBe("Starting");
    state.onLoad({ phase: "target", fraction: 0.5 });
    expect(frame(state, { columns: 80, rows: 24 }, plain, 0)[1]).toBe("Loading the target 50 %");
    state.onLoaded(loaded, 8);
    state.onProgress({ id: "x", prefill: { done: 128, total: 1024, reused: 0 }, steps: [] });
    expect(frame(state, { columns: 80, rows: 24 }, plain, 0)[1]).toBe("Reading the prompt 128 of 1,024 tokens");
  });
  it("shows escape sequences of a model as pictures", () => {
    const lines = frame(running(1, "\u001b[2J\u001b]0;owned\u0007\n"), { columns: 60, rows: 10 }, plain, 0).join("\n");
    expect(lines).toContain("␛[2J␛]0;owned␇");
    expect(lines).not.toContain("\u001b[2J");
  });
  it("writes no colours without colours, and tints the draft's text with them", () => {
    expect(frame(running(), { columns: 80, rows: 24 }, plain, 0).join("").replace(/\u001b\[\d+G/g, "")).not.toContain("\u001b");
    expect(frame(running(), { columns: 80, rows: 24 }, makeTheme(1, true), 0).join("")).toContain("\u001b[32m  const \u001b[39m");
  });
  it("is plain ASCII where the locale is", () => {
    expect(speaksUnicode({ LANG: "C" })).toBe(false);
    expect(speaksUnicode({ LANG: "C", LC_ALL: "en_US.UTF-8" })).toBe(true);
    const lines = frame(running(1, "sum = 1;\n"), { columns: 80, rows: 9 }, makeTheme(0, false), 0).join("\n");
    expect(lines).toMatch(/^[\n -~]*$/);
  });
});

describe("the screen", () => {
  it("writes only what changed, and puts the terminal back", () => {
    let written = "";
    const stream = new Writable({ write: (chunk: Buffer, _, done) => { written += chunk.toString(); done(); } });
    const screen = new Screen(stream);
    screen.draw(["one", "two"]);
    expect(written).toContain("\u001b[?1049h");
    written = "";
    screen.draw(["one", "2"]);
    expect(written).toContain("\u001b[2;1H\u001b[2K2");
    expect(written).not.toContain("one");
    written = "";
    screen.draw(["one", "2"]);
    expect(written).toBe("");
    screen.close();
    screen.close();
    expect(written.match(/\u001b\[\?1049l/g)).toHaveLength(1);
    expect(written).toContain("\u001b[?25h");
  });
});

function finishing(lane: number, finishReason: "end" | "budget"): Parameters<LiveState["onProgress"]>[0]["steps"][number] {
  return {
    atMs: 98, stepMs: 4, draftMs: 1, verifyMs: 2, hostMs: 0, draftLength: 3,
    lanes: [{ lane, tokens: [], logprobs: [], drafted: 0, accepted: 0, text: [], finishReason }],
  };
}

/** Where the cursor ends up: cells printed since the last absolute column. */
function endColumn(line: string): number {
  const parts = line.split(/\u001b\[(\d+)G/);
  const last = parts.at(-1) ?? "";
  return (parts.length > 1 ? Number(parts.at(-2)) - 1 : 0) + widthOf(last);
}

const widthOf = (text: string): number => [...new Intl.Segmenter().segment(text)].reduce((sum, { segment }) => sum + (/[漢字🙂]/u.test(segment) ? 2 : 1), 0);

// The live view inside a real pseudo-terminal, read from an emulated screen.
import { describe, expect, it } from "vitest";
import { childrenOf, example, hostileAddon, Pty, until, useBuiltCli } from "./harness";

useBuiltCli();

const long = ["generate", example, "--max-tokens", "900", "--draft-length", "fixed:2", "--temperature", "0.4", "--seed", "1"];
const hostile = { OCTET_ADDON: hostileAddon };
const csi = /\u001b\[[\d;?]*[A-Za-z]/g;

/** The screen when at least so many lanes have written: a frame may arrive in pieces. */
async function untilWriting(pty: Pty, lanes = 1, lane = /\d ms.*\d tok/g): Promise<string[]> {
  let screen: string[] = [];
  await until(`tokens on the screen:\n${pty.raw.slice(-2000)}`, () => {
    screen = pty.screen();
    return pty.onAlternateScreen && (screen.slice(3).join("\n").match(lane) ?? []).length >= lanes;
  });
  return screen;
}

describe("the live view", () => {
  it("shows eight lanes with latency, acceptance and text, then the ranked result", async () => {
    const pty = new Pty([...long, "--max-tokens", "250"], 80, 24);
    const writing = /[●✓] [▁▂▃▄▅▆▇█ ]+ +[\d.]+ ms +\d+ % +\d+ tok/g;
    const frame = await untilWriting(pty, 8, writing);
    expect(frame[0]).toMatch(/^Octet {2}octet-starter-6M Q8_0 \+ draft 1\.4M · CPU, \d threads? +Ctrl-C stops$/);
    expect(frame.join("\n").match(writing)).toHaveLength(8);
    await until("a totals line", () => /^per token [\d.]+ ms +all [\d,]+ tok\/s +accepted \d+ % +draft 2 /.test(pty.screen()[1] ?? ""));
    expect(pty.raw).toContain("\u001b[32m");
    expect(await pty.done).toBe(0);
    const transcript = await pty.transcript();
    for (let rank = 1; rank <= 8; rank++) expect(transcript).toMatch(new RegExp(`^ ${rank}  `, "m"));
    expect(transcript).toMatch(/^per token +[\d.]+ ms on average/m);
    expect(transcript).toMatch(/^tinted +drafted, and kept/m);
    expect(pty.onAlternateScreen).toBe(false);
    expect(pty.raw.lastIndexOf("\u001b[?25h")).toBeGreaterThan(pty.raw.lastIndexOf("\u001b[?25l"));
  });

  it("fits forty columns", async () => {
    const pty = new Pty(long, 40, 20);
    const frame = await untilWriting(pty, 8, / ms /g);
    expect(frame.slice(3).filter((line) => / ms /.test(line))).toHaveLength(8);
    expect(frame.join("")).not.toContain("│");
    pty.type("\u0003");
    expect(await pty.done).toBe(130);
  });

  it("shows what has room on a tiny terminal", async () => {
    const pty = new Pty(long, 30, 7);
    await until("lanes, and how many more there are", () => {
      const [, , , first = "", , , last = ""] = pty.screen();
      return pty.onAlternateScreen && / ms /.test(first) && /^and \d lanes more/.test(last);
    });
    pty.type("\u0003");
    expect(await pty.done).toBe(130);
  });

  it("is not obeyed by the terminal where a model writes escape sequences, nor moved by wide characters", async () => {
    const pty = new Pty(["generate", example, "-n", "4", "--max-tokens", "60"], 100, 20, hostile);
    const frame = await untilWriting(pty);
    expect(frame[0]).toContain("evil␛[2J name Q8_0");
    for (const line of frame.slice(3, 17)) if (line.includes("│")) expect(line.indexOf("│")).toBeGreaterThan(10);
    expect(await pty.done).toBe(0);
    expect(pty.raw).not.toContain("\u001b]0;");
    expect(pty.raw).not.toMatch(/[\u0080-\u009f]/);
    expect(await pty.transcript()).toContain("␛[2J␛[H␛]0;owned␇");
  });

  it("has no colours with NO_COLOR or --no-color", async () => {
    for (const [args, env] of [[[], { NO_COLOR: "1" }], [["--no-color"], {}]] as const) {
      const pty = new Pty(["generate", example, "--max-tokens", "30", ...args], 80, 24, { ...hostile, ...env });
      await untilWriting(pty);
      expect(await pty.done).toBe(0);
      expect((pty.raw.match(csi) ?? []).filter((sequence) => sequence.endsWith("m"))).toEqual([]);
    }
  });

  it("is replaced by plain lines on a dumb terminal, and by nothing but the document with --json", async () => {
    const dumb = new Pty(["generate", example, "-n", "2", "--max-tokens", "20"], 80, 24, { ...hostile, TERM: "dumb" });
    expect(await dumb.done).toBe(0);
    expect(dumb.raw).not.toContain("\u001b");
    const json = new Pty(["generate", example, "-n", "2", "--max-tokens", "20", "--json"], 80, 24, hostile);
    expect(await json.done).toBe(0);
    expect(() => JSON.parse(json.raw) as unknown).not.toThrow();
  });

  it("stops at Ctrl-C, shows what was written, and leaves the terminal as it was", async () => {
    const pty = new Pty(long, 80, 24);
    await untilWriting(pty);
    const [shell = 0] = childrenOf(pty.pid);
    const worker = childrenOf(shell);
    expect(worker.length).toBeGreaterThan(0);
    pty.type("\u0003");
    expect(await pty.done).toBe(130);
    expect(await pty.transcript()).toMatch(/^ 1 {2}(stopped|finished) · log p/m);
    expect(pty.raw).toContain("\u001b[?1049l");
  });

  it("puts the terminal back before it says what went wrong", async () => {
    const pty = new Pty(["generate", example, "--context", "2"], 80, 24);
    expect(await pty.done).toBe(2);
    const transcript = (await pty.transcript()).trim();
    expect(transcript).toMatch(/^octet: .*context/s);
    expect(pty.onAlternateScreen).toBe(false);
  });
});

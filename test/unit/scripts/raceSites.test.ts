// Which cases the sweep over barriers runs, in which order, and what it says of them.
import { describe, expect, it } from "vitest";
import { filterOf, likelyFirst, markdown, orderingLines, sitesOf, tryWithout } from "../../../scripts/race-sites.mjs";

const output = [
  "site a.cu:10 in slow: one, two",
  "site test.cpp:3 in quick",
  "site a.cu:9 in slow: one, two",
  "site a.cu:9 in slow: one, two",
  "2.500000 s: slow: one, two",
  "site a.cu:9 in quick",
  "0.012000 s: quick",
  "site b.cuh:7 in crashed",
].join("\n");
const kernels = (file: string) => file !== "test.cpp";
const race = "  RACE: read of 4 bytes";

describe("the sweep over barriers, fences and waits", () => {
  it("lists every site of a kernel once, in order of lines, with each of its cases", () => {
    const sites = sitesOf(output, kernels);
    expect([...sites.keys()]).toEqual(["a.cu:9", "a.cu:10", "b.cuh:7"]);
    expect(sites.get("a.cu:9")).toEqual([{ name: "slow: one, two", seconds: 2.5 }, { name: "quick", seconds: 0.012 }]);
    expect(sites.get("b.cuh:7")).toEqual([{ name: "crashed", seconds: 0 }]);
  });

  it("knows the lines that order something, whether or not a case runs them", () => {
    const orders = ["block_sync();", "  if (last) fence();", "case 2: return wait_async<L::kStages - 2>();", "warp_sync();  // all"];
    const others = ["// block_sync();", "let_next_start();", "my_fence();"];
    expect(orderingLines([...orders, ...others].join("\n"))).toEqual([1, 2, 3, 4]);
    expect(markdown([{ site: "a.cu:4", tried: 0, ended: [] }])).toContain("| a.cu:4 | NOT FOUND | no case runs it |");
  });

  it("tries cases that have reported something first, then the quickest", () => {
    const cases = [{ name: "slow", seconds: 9 }, { name: "middle", seconds: 5 }, { name: "quick", seconds: 1 }];
    const names = (reporters: string[]) => likelyFirst(cases, new Set(reporters)).map(({ name }: { name: string }) => name);
    expect(names([])).toEqual(["quick", "middle", "slow"]);
    expect(names(["slow", "middle"])).toEqual(["middle", "slow", "quick"]);
  });

  it("runs one case after the other until one reports", async () => {
    const ran: string[] = [];
    const runCase = (name: string) => {
      ran.push(name);
      return Promise.resolve(name === "two" ? { code: 1, output: `two\n${race}` } : { code: 0, output: "RACE: in a text" });
    };
    const cases = ["one", "two", "three"].map((name) => ({ name, seconds: 0 }));
    expect(await tryWithout("a.cu:9", cases, runCase)).toEqual({ site: "a.cu:9", case: "two", tried: 2, ended: [] });
    expect(ran).toEqual(["one", "two"]);
  });

  it("takes copies that nobody waited for as reported", async () => {
    const output = "kernel on the host: a thread ended with asynchronous copies that nobody waited for (block 0,0,0 thread 1)";
    expect((await tryWithout("a.cu:9", [{ name: "one", seconds: 0 }], () => Promise.resolve({ code: 134, output }))).case).toBe("one");
  });

  it("does not take a crash or a run out of time for a report, and names it", async () => {
    const result = await tryWithout("a.cu:9", [{ name: "one", seconds: 0 }], () => Promise.resolve({ code: 137, output: "" }));
    expect(result).toEqual({ site: "a.cu:9", tried: 1, ended: ["one"] });
    expect(markdown([result, { site: "a.cu:10", case: "two", tried: 1, ended: [] }]).split("\n").slice(2)).toEqual([
      "| a.cu:9 | NOT FOUND | by none of 1; ended early: one |", "| a.cu:10 | found | two |", "", "2 sites, 1 not found",
    ]);
  });

  it("names a case so that doctest's filter takes it whole", () => {
    expect(filterOf("warp: all, and *")).toBe("-tc=warp: all? and ?");
  });
});

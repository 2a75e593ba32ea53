// What is said of a GPU run's tables: figures that hold, that do not, and that were not measured.
import { describe, expect, it } from "vitest";
import { figures, markdown, tunedPlans } from "../../../scripts/gpu-figures.mjs";

interface Row { [key: string]: string | number | null }
const file = (title: string, rows: Row[]) => ({ device: "a GPU", copyGbPerS: 4000.4, tables: [{ key: "t", title, rows, notes: [] }] });
const product = (format: string, rows: number, ofCopy: number) => ({ matrix: "qkv", format, rows, ofCopy });
const decoded = (draftLengths: string, msPerTokenAll: number, more: Row = {}) => ({
  format: "bf16", prompt: 512, batch: 8, draftLengths, msPerStep: 4, msPerTokenAll, tokensPerSecond: 8000 / msPerTokenAll,
  acceptance: draftLengths === "none" ? null : 0.5, launchesPerStep: draftLengths === "bass" ? 300 : 0, graphsPerStep: 1, waitsPerStep: 1, overRegular: 4 / msPerTokenAll, utilisation: 0.1, ...more,
});

const files: Record<string, ReturnType<typeof file>> = {
  products: file("7.8B: products of n rows", [product("bf16", 1, 0.2), product("bf16", 8, 0.9), product("bf16", 72, 0.84), product("bf16", 144, 0.1)]),
  "products-quantised": file("7.8B: products of n rows", [product("q8_0", 64, 0.7)]),
  "products-wgmma": file("7.8B: products of n rows", [
    { ...product("q4_k", 8, 0.1), by: "mma.sync" }, { ...product("q4_k", 72, 0.71), by: "wgmma" }, { ...product("q4_k", 144, 0.3), by: "wgmma" },
  ]),
  steps: file("Forward passes", [
    { pass: "draft: one token", format: "bf16", prompt: 512, batch: 8, ms: 0.4 },
    { pass: "target: verify k=7", format: "bf16", prompt: 512, batch: 8, ms: 5.001 },
    { pass: "target: verify k=7", format: "q4_k", prompt: 512, batch: 8, ms: 1 },
    { pass: "draft: one token", format: "bf16", prompt: 4096, batch: 8, ms: 9 },
  ]),
  "decode-simulated": file("7.8B", [
    decoded("none", 4), decoded("fixed:7", 1.9), decoded("bass", 1.8, { utilisation: null }), decoded("fixed:7", 1, { batch: 16, utilisation: 0.2 }),
  ]),
};
const found = figures((name: string) => files[name]);
const holds = (part: string) => found.filter(({ name }) => name.includes(part)).map((figure) => [figure.measured, figure.holds]);

describe("figures of a GPU run", () => {
  it("takes the worst where several rows are meant, and only the rows meant", () => {
    expect(holds("products, bf16")).toEqual([["84.0 %", "no"]]);
    expect(holds("products, q8_0")).toEqual([["70.0 %", "yes"]]);
    expect(holds("by wgmma")).toEqual([["-", "missing"], ["71.0 %", "yes"]]);
    expect(holds("draft forward")).toEqual([["0.400 ms", "yes"]]);
    expect(holds("verification")).toEqual([["5.001 ms", "no"]]);
  });

  it("takes the best policy at batch 8, and utilisation wherever it was best", () => {
    expect(holds("acceptance simulated 0.8, per token")).toEqual([["1.800 ms", "yes"]]);
    expect(found.find(({ name }) => name.includes("acceptance simulated 0.8, per token"))?.name).toContain("(bass, accepted/drafted 0.500)");
    expect(holds("tokens per second")[0]).toEqual(["4444", "yes"]);
    expect(holds("times regular")[0]).toEqual(["2.22", "yes"]);
    expect(holds("utilisation")).toEqual([["20.0 %", "yes"]]);
  });

  it("takes what a steady step asks of the device from fixed draft lengths, and the worst of them", () => {
    const steady = (rows: Row[]) => figures((name: string) => (name === "decode-simulated" ? file("7.8B", rows) : undefined))
      .filter(({ name }) => /steady step|the same, (graphs|waits)/.test(name)).map(({ measured, holds: held }) => [measured, held]);
    expect(steady([decoded("fixed:7", 1.9), decoded("bass", 1.8)])).toEqual([["0.00", "yes"], ["1.00", "yes"], ["1.00", "yes"]]);
    expect(steady([decoded("fixed:7", 1.9), decoded("fixed:3", 2, { launchesPerStep: 0.5, waitsPerStep: 2, graphsPerStep: 1.5 })]))
      .toEqual([["0.50", "no"], ["1.50", "no"], ["2.00", "no"]]);
    expect(steady([decoded("none", 4)]).map(([, held]) => held)).toEqual(["missing", "missing", "missing"]);
  });

  it("takes a figure from the wide table where the narrow one has none, and never from both", () => {
    const wide = (rows: Row[]) => file("7.8B: products of n rows", rows);
    const of = (more: Record<string, ReturnType<typeof file>>, part: string) =>
      figures((name: string) => ({ ...files, ...more })[name]).find(({ name }) => name.includes(part))?.measured;
    const both = { "products-wide": wide([product("bf16", 8, 0.5), product("q8_0", 8, 0.5), product("q4_k", 8, 0.6)]) };
    expect(of(both, "products, bf16")).toBe("84.0 %");
    expect(of(both, "products, q8_0")).toBe("70.0 %");
    expect(of(both, "products, q4_k")).toBe("60.0 %");
    const better = { "decode-simulated-wide": file("7.8B", [decoded("fixed:7", 1, { utilisation: 0.3 })]), "decode-real-wide": file("7.8B", [decoded("bass", 1.5)]) };
    expect(of(better, "acceptance simulated 0.8, per token")).toBe("1.800 ms");
    expect(of(better, "acceptance real, per token")).toBe("1.500 ms");
    expect(of(better, "utilisation")).toBe("30.0 %");
  });

  it("says which figures are of plans measured on the device, and takes those from their own tables alone", () => {
    const table = (key: string, title: string, rows: Row[]) => ({ key, title, rows, notes: [] });
    const plan = (modelPlan: string, overModel: number | null, dropped = "none") => ({ shape: "7.8B", matrix: "down", format: "q4_k", rows: 72, modelPlan, overModel, dropped });
    const more: Record<string, unknown> = {
      "products-tuned": { tables: [
        table("products", "7.8B: products of n rows, by measured plans", [product("bf16", 8, 0.91), product("bf16", 144, 0.1), product("q4_k", 64, 0.75)]),
        table("tuned", "Measured plans", [plan("the same", 1), plan("2 tiles", 1.1), plan("4 tiles", 1.254, "9 tiles, wgmma")]),
      ] },
      "steps-tuned": { tables: [table("steps", "Forward passes", [{ pass: "draft: one token", format: "bf16", prompt: 512, batch: 8, ms: 0.35 }])] },
    };
    const read = (name: string) => (name in more ? more[name] : files[name]);
    const of = (list: ReturnType<typeof figures>) => list.flatMap(({ name, measured }, i) => (name.includes("measured on the device") ? [[list[i - 1]!.name.slice(0, 14), measured]] : []));
    expect(of(figures(read))).toEqual([
      ["products, bf16", "91.0 %"], ["products, q8_0", "-"], ["products, q4_k", "75.0 %"], ["draft forward,", "0.350 ms"], ["verification o", "-"],
    ]);
    expect(of(found).map(([, measured]) => measured)).toEqual(["-", "-", "-", "-", "-"]);
    expect(figures(read).find(({ name }) => name.startsWith("draft forward"))?.measured).toBe("0.400 ms");
    expect(tunedPlans(read)).toBe("Measured plans: 2 of 3 products take another than the cost model's, 1.10 to 1.25 times as fast. "
      + "Dropped as wrong: 7.8B down q4_k, 72 rows: 9 tiles, wgmma.");
    expect(tunedPlans((name: string) => files[name])).toBeUndefined();
  });

  it("says what is missing", () => {
    expect(holds("products, q4_k")).toEqual([["-", "missing"]]);
    expect(holds("acceptance real, per token")).toEqual([["-", "missing"]]);
    expect(figures(() => undefined).every((figure) => figure.holds === "missing" && figure.measured === "-")).toBe(true);
  });

  it("names the device above the table", () => {
    expect(markdown(files.products, found).split("\n")[0]).toBe("Device: a GPU; its own copy: 4000 GB/s.");
    expect(markdown(undefined, [])).toContain("nothing was measured");
  });
});

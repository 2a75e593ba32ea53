// The counting of machine code, on a few lines of it made up in cuobjdump's form: a loop with a wait, a copy of weights, a loop that
// copies x, a loop over two units, and a branch to an epilogue that a steady step passes by.
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { beforeFirstCopy, blocksOf, clocksOf, functionsOf, markdown, rowsOf, steadyStep } from "../../../scripts/sass-counts.mjs";

const lines = [
  "S2R R0, SR_TID.X",
  "CALL.REL.NOINC 0x1f0",
  "LDGSTS.E.BYPASS.128 [R2], desc[UR4][R4.64], P0",
  "DEPBAR.LE SB0, 0x2", // 0x030: the step
  "BAR.SYNC.DEFER_BLOCKING 0x0",
  "@P1 BRA 0x0d0", // nothing left to copy
  "@!PT LDS RZ, [RZ]",
  "LDGSTS.E.BYPASS.128 [R2], desc[UR4][R4.64], P0", // weights
  "@P2 BRA 0x0b0", // a copy by single pieces, not the steady way
  "LDGSTS.E.BYPASS.128 [R2], desc[UR4][R4.64], P0", // 0x090: x
  "@P3 BRA 0x090",
  "BRA 0x0d0", // 0x0b0
  "NOP",
  "LDS.128 R8, [R2]", // 0x0d0: a unit
  "LDSM.16.M88.4 R12, [R3]",
  "LOP3.LUT R8, R8, 0xf000f, R5, 0xea, !PT",
  "HFMA2.BF16_V2 R8, R8, R6, R7",
  "F2FP.BF16.F32.PACK_AB R9, R9, R9",
  "HMMA.16816.F32.BF16 R20, R8, R12, R20",
  "@P4 BRA 0x0d0",
  "@!P5 BRA 0x1a0",
  "STG.E [R2], R20", // 0x150: the epilogue
  "STG.E [R2], R21",
  "STG.E [R2], R22",
  "STG.E [R2], R23",
  "STG.E [R2], R24",
  "IADD3 R30, R30, 0x1, RZ", // 0x1a0
  "IMAD R31, R30, R2, RZ",
  "@P6 BRA 0x030",
  "EXIT",
];
const listing = (name: string) =>
  [
    ` Function ${name}:`,
    "  REG:78 STACK:0 SHARED:0 LOCAL:0",
    `\t\tFunction : ${name}`,
    ...lines.map((line, i) => {
      const [, guard, rest] = /^(@!?\w+ )?(.*)$/.exec(line) ?? [];
      return `        /*${(i * 16).toString(16).padStart(4, "0")}*/    ${guard ?? ""}${rest} ;   /* 0x000fe200000001ff */\n              /* 0x003fde0000000f00 */`;
    }),
  ].join("\n");

const name = "_ZN5octet4cuda8multiplyILNS0_12WeightFormatE5ELi1EEEvNS0_7ProductE";
const [kernel] = functionsOf(listing(name));

describe("counting machine code", () => {
  it("reads instructions, guards and registers", () => {
    expect(kernel).toMatchObject({ name, registers: 78 });
    expect(kernel?.code).toHaveLength(lines.length);
    expect(kernel?.code[5]).toMatchObject({ address: 0x50, guard: "P1", op: "BRA", args: "0x0d0" });
  });

  it("knows what may follow what", () => {
    const blocks = blocksOf(kernel!.code);
    const unit = blocks.findIndex((block) => block.code[0]?.address === 0xd0);
    expect(blocks[unit]?.next.sort()).toEqual([unit, unit + 1]);
    expect(blocks.at(-1)?.next).toEqual([]);
  });

  it("follows a steady step: with copies, without the epilogue, inner loops by their trips", () => {
    const step = steadyStep(kernel!.code, { units: 4, xTrips: 3 });
    const times = (op: string) => step.filter(({ instruction }) => instruction.op.startsWith(op)).map((each) => each.times);
    expect(times("STG")).toEqual([]);
    expect(times("HMMA")).toEqual([4]);
    expect(times("LDGSTS")).toEqual([1, 3]);
    expect(times("DEPBAR")).toEqual([1]);
  });

  it("counts clocks by pipe, and no bytes for the load that is never done", () => {
    const clocks = clocksOf(steadyStep(kernel!.code, { units: 4, xTrips: 3 }));
    // LDS.128, ldmatrix and copies are 512 bytes each, 128 a clock: 4 units of two, one copy of weights, three of x.
    expect(clocks.shared).toBe((4 * 2 + 1 + 3) * 4);
    expect(clocks.alu).toBe((4 + 1) / 2);
    expect(clocks.fma).toBe(4 / 4 + 1 / 2);
    expect(clocks.conversion).toBe(4 / 2);
    expect(clocks.tensor).toBeCloseTo(4 / 0.62);
    expect(clocks.issue).toBe((2 + 1 + 3 + 2 * 3 + 1 + 4 * 7 + 1 + 3) / 4);
  });

  it("counts what comes before the first copy, calls for their length", () => {
    expect(beforeFirstCopy(kernel!.code, 100)).toBe(101);
  });

  it("bounds a format by its bytes", () => {
    const [row] = rowsOf(listing(name));
    expect(row).toMatchObject({ format: "q4_k", rows: 8, registers: 78, units: 4 });
    expect(row?.dram).toBeCloseTo(592 / (4.3e12 / 132 / 1.755e9));
    expect(row?.ofCopy).toBe(1);
    expect(markdown([row!]).split("\n")).toHaveLength(3);
  });

  it("says in a line what it cannot read", () => {
    for (const [words, said] of [[[], /^sass-counts: which listings\? .*\n$/], [["/nowhere"], /^sass-counts: there is no file \/nowhere\n$/],
      [["docs"], /^sass-counts: there is no file docs\n$/], [["README.md"], /^sass-counts: README\.md lists no product's kernel: .*\n$/]] as const) {
      const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/sass-counts.mjs", ...words], { encoding: "utf8" });
      expect([status, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(said);
    }
  });

  it("counts a wgmma as a quarter of its warpgroup's, in clocks and in bytes of x", () => {
    const text = listing("_ZN5octet4cuda8multiplyILNS0_12WeightFormatE5ELi8ELb1EEEvNS0_7ProductE")
      .replace("HMMA.16816.F32.BF16 R20, R8, R12, R20", "HGMMA.64x64x16.F32.BF16 R24, R88, gdesc[UR4], R24");
    const [row] = rowsOf(text);
    expect(row).toMatchObject({ format: "q4_k", by: "wgmma", rows: 64 });
    // A unit's one: 64 / 2 clocks and 64 x 16 bf16 for four warps; per unit of two panels.
    expect(row?.tensor).toBe(64 / 2 / 4 / 2);
    expect(row?.shared).toBeCloseTo(((4 * (2 + 1) + 1 + 8) * 4) / 8);
    expect(rowsOf(listing(name))[0]).toMatchObject({ by: "mma.sync" });
  });
});

// Which deaths of workers count against GPUs' drivers.
import { describe, expect, it } from "vitest";
import { DriverCrashes } from "../../extension/worker/driverCrashes";
import { wasCrash, type WorkerExit } from "../../extension/worker/process";

describe("a death", () => {
  const exit = (code: number | null, signal: NodeJS.Signals | null = null, error?: Error): WorkerExit => ({ code, signal, lastWords: "", ...(error ? { error } : {}) });

  it("by a signal or, on Windows, by an exception is a crash; an exit or a failed start is none", () => {
    expect(wasCrash(exit(null, "SIGSEGV"), "linux")).toBe(true);
    for (const code of [0xc0000005, 0xc0000409, 3, 134]) {
      expect(wasCrash(exit(code), "win32")).toBe(true);
      expect(wasCrash(exit(code), "linux")).toBe(false);
    }
    for (const code of [0, 1, 2, 70]) expect(wasCrash(exit(code), "win32")).toBe(false);
    expect(wasCrash(exit(null, null, new Error("spawn ENOENT")))).toBe(false);
    expect(wasCrash({ ...exit(null, "SIGKILL"), byAnother: true })).toBe(false);
  });

  it("of a shared worker that hung counts with those that other windows waited for in vain", () => {
    const drivers = new DriverCrashes();
    drivers.died({ ...exit(null, "SIGKILL"), hung: 1 }, true);
    expect(drivers.blamed).toBeNull();
    drivers.answered();
    drivers.died({ ...exit(null, "SIGKILL"), hung: 2 }, true);
    expect(drivers.blamed).toMatchObject({ during: "hang" });
  });

  it("that is no crash, or before another worker's hello, does not count against drivers", () => {
    const drivers = new DriverCrashes();
    drivers.died(exit(1));
    drivers.died(exit(null, "SIGSEGV"));
    drivers.answered();
    drivers.died(exit(null, "SIGSEGV"));
    expect(drivers.blamed).toBeNull();
    drivers.died(exit(null, "SIGABRT"));
    expect(drivers.blamed).toMatchObject({ signal: "SIGABRT" });
    drivers.answered();
    expect(drivers.blamed).not.toBeNull();
    drivers.reset();
    expect(drivers.blamed).toBeNull();
  });
});

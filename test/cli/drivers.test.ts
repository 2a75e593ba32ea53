// The command line where a GPU's driver crashes the worker: what goes on without it, what is said, and what the exit code is.
import { afterEach, describe, expect, it } from "vitest";
import { connectWorker } from "../../extension/cli/connect";
import type { Check } from "../../extension/cli/doctorChecks";
import type { GenerateResult } from "../../protocol/worker";
import { librariesWith } from "../drivers";
import { example, folder, root, run, starter, useBuiltCli } from "./harness";

useBuiltCli();

let made: string | undefined;
const env = () => ({ OCTET_LLAMA_LIBRARIES: (made ??= librariesWith("crashes", folder)) });
const SENTENCE = "The GPU's driver crashed Octet's worker (signal SIGABRT), so the processor is used. Update the driver; --device cpu leaves it alone.";

describe.skipIf(process.platform !== "linux")("with a driver that crashes the worker", () => {
  it("completions come from the processor, with a note", async () => {
    const { code, stdout, stderr } = await run(["generate", example, "-n", "1", "--max-tokens", "4", "--json"], { env: env() });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { device, notices } = JSON.parse(stdout) as GenerateResult & { device: { kind: string } };
    expect(device.kind).toBe("cpu");
    expect(notices).toContain(SENTENCE);
  });
  it("a GPU that was asked for is a failure that says what helps", async () => {
    const { code, stdout, stderr } = await run(["generate", example, "--device", "gpu"], { env: env() });
    expect({ code, stdout, stderr }).toEqual({
      code: 1, stdout: "",
      stderr: "octet: The GPU's driver crashed Octet's worker as it started (signal SIGABRT). Update the driver; --device cpu leaves it alone.\n",
    });
  });
  it("--device cpu does not touch it", async () => {
    const { code, stdout } = await run(["generate", example, "-n", "1", "--max-tokens", "4", "--device", "cpu", "--json"], { env: env() });
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as GenerateResult).notices).not.toContain(SENTENCE);
  });
  it("inspect does not touch it", async () => {
    const { code, stdout } = await run(["inspect", starter], { env: env() });
    expect({ code, stdout: stdout.slice(0, 5) }).toEqual({ code: 0, stdout: "name " });
  });
  it("models says that GPUs are not reckoned with", async () => {
    const { code, stdout } = await run(["models", "--json"], { env: env() });
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { gpuNotice: string }).gpuNotice).toBe(SENTENCE);
    expect((await run(["models"], { env: env() })).stdout.replace(/\s+/g, " ")).toContain(SENTENCE);
  });
  it("models without GPUs does not touch it, as its advice says", async () => {
    const { code, stdout } = await run(["models", "--json", "--device", "cpu"], { env: env() });
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { gpuNotice: string | null }).gpuNotice).toBeNull();
  });
  it("doctor says so once, and that Octet works all the same", async () => {
    const { code, stdout } = await run(["doctor", "--json"], { env: env() });
    expect(code).toBe(0);
    const { checks } = JSON.parse(stdout) as { checks: Check[] };
    expect(checks.filter(({ text }) => text.includes("driver crashed Octet's worker"))).toMatchObject([{ name: "gpu", state: "caution" }]);
    expect(checks.find(({ name }) => name === "in use")?.text).toMatch(/^CPU \(the GPU's driver failed\)/);
  });
});

describe.skipIf(process.platform !== "linux")("with a driver that hangs as it is loaded", () => {
  const killed: (() => void)[] = [];
  const connect = async (device: string) => {
    process.env["OCTET_LLAMA_LIBRARIES"] = librariesWith("hangs", folder);
    try {
      return await connectWorker({ root, device, signal: new AbortController().signal, helloMs: 3000, onStart: (kill) => void killed.push(kill) });
    } finally {
      delete process.env["OCTET_LLAMA_LIBRARIES"];
    }
  };
  afterEach(() => { for (const kill of killed.splice(0)) kill(); });

  it("the worker is started without it in the end, and says so", async () => {
    const worker = await connect("auto");
    expect(worker.hello.gpuBackends).toBeNull();
    expect(worker.driverCrash?.message).toBe("the GPU's driver hangs and keeps Octet's worker from starting, so the processor is used");
    expect(killed).toHaveLength(3);
    await worker.close();
  });
  it("a GPU that was asked for is a failure that says what helps", async () => {
    await expect(connect("gpu")).rejects.toMatchObject({
      message: "The GPU's driver hangs and keeps Octet's worker from starting", advice: "Update the driver; --device cpu leaves it alone.",
    });
  });
});

it("doctor says that GPUs were not looked for", async () => {
  const { code, stdout } = await run(["doctor", "--device", "cpu"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^- gpu +GPUs were not looked for, since --device is cpu$/m);
});

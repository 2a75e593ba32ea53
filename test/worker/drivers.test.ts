// GPUs' drivers that do wrong, or that nobody wants, with the real addon: which libraries the worker loads, what it says of them.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { OctetError } from "../../extension/worker/errors";
import { vulkanLibrary } from "../../scripts/lib/suites.mjs";
import { softwareDriverThere } from "../../scripts/lib/system.mjs";
import { librariesWith, MISSING_LIBRARY } from "../drivers";
import { addons, isAlive, pretended, request, start, supervise, until, useWorkerBundle } from "./harness";

useWorkerBundle();

const folder = mkdtempSync(path.join(tmpdir(), "octet-drivers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const real = addons.find(({ name }) => name === "real");
const canRun = process.platform === "linux" && real !== undefined && existsSync("/usr/bin/cc");

describe.skipIf(!canRun)("with a Vulkan library", () => {
  const addon = real!;
  const libraries = (fault: Parameters<typeof librariesWith>[0]) => ({ OCTET_LLAMA_LIBRARIES: librariesWith(fault, folder) });

  it("that crashes, the worker works where no GPU is wanted, and dies otherwise", async () => {
    const env = libraries("crashes");
    const hello = await start(addon, env, undefined, { gpus: false }).hello();
    expect(hello.gpuBackends).toBeNull();
    expect(hello.devices.map(({ kind }) => kind)).toEqual(["cpu"]);
    await expect(start(addon, env).hello()).rejects.toMatchObject({ code: "workerDied", message: "the worker stopped (signal SIGABRT)" });
  });

  it("the CUDA runtime is left alone too where no GPU is wanted", async () => {
    const client = start(addon, {}, undefined, { gpus: false });
    await expect(client.load({ ...addon.load, device: "cuda" })).rejects.toMatchObject({
      code: "deviceNotFound", message: "The device \"cuda\" cannot be used: GPUs are left alone",
    });
    expect((await client.load({ ...addon.load, device: "auto" })).device.kind).toBe("cpu");
  });

  it("that crashes, the models go to the processor and the user is told once", async () => {
    const { supervisor, started } = supervise(addon, {}, libraries("crashes"));
    const told: OctetError[] = [];
    supervisor.onDriverCrash((error) => void told.push(error));
    const loaded = await supervisor.load({ ...addon.load, device: "auto" });
    expect(loaded.device.kind).toBe("cpu");
    expect(loaded.notices[0]).toMatch(/^The GPU's driver crashed Octet's worker \(signal SIGABRT\)/);
    expect((await supervisor.generate(request({ maxTokens: 4 }))).totals.tokens).toBe(32);
    expect(started).toHaveLength(3);
    process.kill(supervisor.pid!, "SIGKILL");
    expect(await until(() => started.length === 4 && supervisor.state.loaded !== null)).toBe(true);
    expect(told).toHaveLength(1);
    await supervisor.dispose();
    expect(started.map(({ pid }) => isAlive(pid!))).toEqual([false, false, false, false]);
  });

  it("that hangs, the device cpu does not wait for it, and nothing is left of it", async () => {
    let wants = true;
    const { supervisor, started } = supervise(addon, { wantsGpus: () => wants, shutdownMs: 500 }, libraries("hangs"));
    const hello = supervisor.hello();
    expect(await until(() => started.length === 1)).toBe(true);
    wants = false;
    expect((await supervisor.load(addon.load)).device.kind).toBe("cpu");
    expect((await hello).gpuBackends).toBeNull();
    await supervisor.dispose();
    expect(started.map(({ pid }) => isAlive(pid!))).toEqual([false, false]);
  });

  it("that cannot be loaded, the worker says why", async () => {
    const { gpuBackends } = await start(addon, libraries("unlinked")).hello();
    expect(gpuBackends).toEqual([{ name: "vulkan", state: "unusable", reason: expect.stringContaining(MISSING_LIBRARY) as string }]);
  });

  it("that finds no driver, the worker says so", async () => {
    const { gpuBackends } = await start(addon, libraries("silent")).hello();
    expect(gpuBackends).toEqual([{ name: "vulkan", state: "noDevice", reason: "" }]);
  });
});

/** Any device that ggml takes does; Mesa's driver lists one on every machine. */
describe.skipIf(!canRun || !softwareDriverThere() || !vulkanLibrary().file)("a GPU with less memory than it said", () => {
  /** No buffer of more bytes can be had: no weights by 1000, some by a million, these but not the contexts of two lanes by seven. */
  const env = (bytes: number) => ({
    GGML_VK_VISIBLE_DEVICES: "0", GGML_VK_DISABLE_F16: "1", GGML_VK_DISABLE_FUSION: "1", GGML_VK_FORCE_MAX_BUFFER_SIZE: String(bytes), CUDA_VISIBLE_DEVICES: "",
  });

  it.each([1_000, 1_000_000, 7_000_000])("leaves the models to the processor, and the load says why: %i bytes", async (bytes) => {
    const client = start(real!, env(bytes));
    expect((await client.hello()).devices.map(({ name }) => name)).toContain("Vulkan0");
    const loaded = await client.load({ ...real!.load, device: "auto" });
    expect(loaded.device.kind).toBe("cpu");
    expect(loaded.notices).toEqual([expect.stringMatching(/ is not used: its memory ran out as the models were loaded\. End what else uses it/)]);
    expect((await client.generate(request({ maxTokens: 4 }))).totals.tokens).toBe(32);
  });

  it("gives what it has where it was asked for, and the load says why it is so little", async () => {
    const loaded = await start(real!, env(7_000_000)).load({ ...real!.load, device: "Vulkan0" });
    expect(loaded).toMatchObject({ device: { name: "Vulkan0" }, lanes: 1, spareLanes: 0 });
    expect(loaded.notices).toContainEqual(expect.stringMatching(/^1 lane instead of 8: /));
    expect(loaded.notices).toContainEqual(expect.stringMatching(/memory ran out as the models were loaded/));
  });

  it.each([1_000, 1_000_000])("is an error of memory, not of the file, where it was asked for: %i bytes", async (bytes) => {
    const client = start(real!, env(bytes));
    await expect(client.load({ ...real!.load, device: "Vulkan0" })).rejects.toMatchObject({
      code: "outOfMemory", message: expect.stringContaining("failed to allocate Vulkan0 buffer") as string, advice: expect.stringContaining("set the device to cpu") as string,
    });
  });
});

describe.each([
  ["auto", "the GPU's driver may have failed"],
  ["cpu", "memory"],
])("a worker that dies on the device %s", (device, suspect) => {
  const advice = (more: string): unknown => expect.objectContaining({ code: "workerDied", advice: expect.stringMatching(new RegExp(`${suspect}.*${more}`, "i")) as string });
  const load = { ...pretended.load, device };

  it(`while it loads says ${suspect}`, async () => {
    const client = start(pretended, { OCTET_FAKE_GPU: "1" });
    await client.hello();
    await expect(client.load({ ...load, target: "/models/crash.gguf" })).rejects.toEqual(advice(device === "cpu" ? "ran out" : "damaged"));
  });

  it(`while it writes says ${suspect}`, async () => {
    const client = start(pretended, { OCTET_FAKE_GPU: "1" });
    await client.hello();
    await client.load(load);
    const writing = client.generate(request(), { onProgress: ({ steps }) => void (steps.length > 0 && process.kill(client.pid!, "SIGKILL")) });
    await expect(writing).rejects.toEqual(advice("fewer lanes"));
  });
});

it("workers that crash three times on a GPU, in a load or at work, leave the models to the processor", async () => {
  const { supervisor, started } = supervise(pretended, {}, { OCTET_FAKE_GPU: "1" });
  const told: OctetError[] = [];
  supervisor.onDriverCrash((error) => void told.push(error));
  const segfault = (): boolean => process.kill(supervisor.pid!, "SIGSEGV");
  const load = supervisor.load({ ...pretended.load, device: "auto", target: "/models/slow.gguf" }, { onProgress: ({ phase }) => void (phase === "target" && segfault()) });
  await expect(load).rejects.toMatchObject({ code: "workerDied" });
  expect((await supervisor.load({ ...pretended.load, device: "auto" })).device.kind).toBe("gpu");
  for (let crash = 0; crash < 2; crash++) {
    const writing = supervisor.generate(request(), { onProgress: ({ steps }) => void (steps.length > 0 && segfault()) });
    await expect(writing).rejects.toMatchObject({ code: "workerDied" });
  }
  expect((await supervisor.generate(request({ maxTokens: 4 }))).totals.tokens).toBe(32);
  expect(supervisor.state.loaded?.device.kind).toBe("cpu");
  expect(supervisor.state.loaded?.notices[0]).toMatch(/^Octet's worker failed 3 times as it computed on the GPU/);
  expect(told).toHaveLength(1);
  expect(started).toHaveLength(4);
  await supervisor.dispose();
});

it.each(["auto", "cpu"])("a pass that fails on the device %s: a GPU's worker is started anew, and left alone after the third time", async (device) => {
  const { supervisor, started } = supervise(pretended, {}, { OCTET_FAKE_GPU: "1" });
  await supervisor.load({ ...pretended.load, device });
  const devices: unknown[] = [];
  for (let failure = 0; failure < 3; failure++) {
    await expect(supervisor.generate(request({ prompt: { kind: "text", text: "lost" } }))).rejects.toMatchObject({ code: "internal" });
    expect((await supervisor.generate(request({ maxTokens: 4 }))).totals.tokens).toBe(32);
    devices.push(supervisor.state.loaded?.device.kind);
  }
  expect(devices).toEqual(device === "auto" ? ["gpu", "gpu", "cpu"] : ["cpu", "cpu", "cpu"]);
  expect(started).toHaveLength(device === "auto" ? 4 : 1);
  expect(supervisor.driverCrash?.message).toBe(device === "cpu" ? undefined
    : "Octet's worker failed 3 times as it computed on the GPU (The forward pass failed: the device is lost), so the processor is used");
  await supervisor.dispose();
  expect(started.map(({ pid }) => isAlive(pid!))).not.toContain(true);
});

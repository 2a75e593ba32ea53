// Why no GPU is used: what the file system shows of the hardware, and the line that says what stands in the way.
import { describe, expect, it } from "vitest";
import { OctetError } from "../../extension/worker/errors";
import { gpuHardware, type GpuFiles, type GpuHardware } from "../../extension/worker/gpus/hardware";
import { isGpu, wantsGpus } from "../../extension/worker/gpus/wanted";
import { whyNoGpu, type GpuQuestion } from "../../extension/worker/gpus/why";
import type { DeviceInfo, GpuBackendInfo } from "../../protocol/worker";

/** A file system of these files; `closed` may not be opened. */
function files(contents: Record<string, string>, closed: string[] = []): GpuFiles {
  const paths = Object.keys(contents);
  return {
    list: (folder) => [...new Set(paths.filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1).split("/")[0]!))],
    read: (file) => contents[file] ?? "",
    exists: (file) => file in contents,
    mayOpen: (file) => file in contents && !closed.includes(file),
  };
}

const card = (number: number, vendor: string) => ({ [`/sys/class/drm/card${number}/device/vendor`]: `${vendor}\n` });
const NONE: GpuHardware = { vendors: [], nvidiaDriver: false, wsl: false, renderNodes: { count: 0, mayOpen: false }, vulkanLoader: null };

describe("the hardware", () => {
  it.each([["0x10de", "NVIDIA"], ["0x1002", "AMD"], ["0x8086", "Intel"]])("of vendor %s is %s's", (id, vendor) => {
    expect(gpuHardware(files(card(0, id)), "linux")).toEqual({ ...NONE, vendors: [vendor] });
  });
  it("is listed once for each vendor; connectors and what draws in a virtual machine are no GPUs", () => {
    const seen = { ...card(0, "0x1af4"), ...card(1, "0x8086"), ...card(2, "0x10DE"), ...card(3, "0x10de"), "/sys/class/drm/card1-HDMI-A-1/device/vendor": "0x1002" };
    expect(gpuHardware(files(seen), "linux")).toEqual({ ...NONE, vendors: ["Intel", "NVIDIA"] });
    expect(gpuHardware(files(card(0, "0x1af4")), "linux")).toEqual(NONE);
    expect(gpuHardware(files({}), "linux")).toEqual(NONE);
  });
  it("is NVIDIA's where its kernel driver runs, though a container shows no card", () => {
    expect(gpuHardware(files({ "/proc/driver/nvidia/version": "NVRM" }), "linux")).toEqual({ ...NONE, vendors: ["NVIDIA"], nvidiaDriver: true });
  });
  it("is Windows' under WSL", () => {
    expect(gpuHardware(files({ "/dev/dxg": "" }), "linux")).toEqual({ ...NONE, wsl: true });
  });
  it("may be closed to this user", () => {
    const two = { ...card(0, "0x1002"), "/dev/dri/card0": "", "/dev/dri/renderD128": "", "/dev/dri/renderD129": "" };
    expect(gpuHardware(files(two, ["/dev/dri/renderD128"]), "linux")?.renderNodes).toEqual({ count: 2, mayOpen: true });
    expect(gpuHardware(files(two, ["/dev/dri/renderD128", "/dev/dri/renderD129"]), "linux")?.renderNodes).toEqual({ count: 2, mayOpen: false });
  });
  it("is known on Windows by what its driver brings, and not at all elsewhere", () => {
    const system = files({ "C:\\S\\nvcuda.dll": "", "C:\\S\\vulkan-1.dll": "" });
    expect(gpuHardware(system, "win32", "C:\\S")).toMatchObject({ vendors: ["NVIDIA"], vulkanLoader: true });
    expect(gpuHardware(files({ "C:\\S\\ControlLib.dll": "" }), "win32", "C:\\S")).toMatchObject({ vendors: ["Intel"], vulkanLoader: false });
    expect(gpuHardware(files({}), "win32", "C:\\S")).toMatchObject({ vendors: [], vulkanLoader: false });
    expect(gpuHardware(files(card(0, "0x10de")), "darwin")).toBeNull();
  });
});

describe("the line", () => {
  const device = (kind: DeviceInfo["kind"]): DeviceInfo => ({ name: kind, description: "", kind, runtime: "llama", memoryBytes: 1, freeMemoryBytes: 1 });
  const vulkan = (state: GpuBackendInfo["state"], reason = ""): GpuBackendInfo[] => [{ name: "vulkan", state, reason }];
  const amd: GpuHardware = { ...NONE, vendors: ["AMD"], renderNodes: { count: 1, mayOpen: true } };
  const line = (changes: Partial<GpuQuestion>, gpuBackends: GpuBackendInfo[] | null = vulkan("noDevice")): string | null => {
    const why = whyNoGpu({
      hello: { devices: [device("cpu")], gpuBackends }, device: null, driverCrash: null, setting: "octet.device", hardware: amd, platform: "linux", arch: "x64", ...changes,
    });
    return why && [why.text, why.advice].filter(Boolean).join(". ");
  };

  it("is none where no GPU is seen, or one is there to use", () => {
    expect(line({ hardware: NONE })).toBeNull();
    expect(line({ hardware: null })).toBeNull();
    for (const kind of ["gpu", "integratedGpu"] as const) {
      expect(line({ hello: { devices: [device(kind), device("cpu")], gpuBackends: vulkan("usable") } })).toBeNull();
    }
    expect(line({ device: { kind: "gpu" } }), "another runtime found it").toBeNull();
    expect(line({ device: { kind: "cpu" } })).not.toBeNull();
  });
  it("says that GPUs were not looked for", () => {
    expect(line({ hardware: NONE }, null)).toBe("GPUs were not looked for, since octet.device is cpu");
    expect(line({ driverCrash: new OctetError("workerDied", "the driver crashed", "Update it.") }, null)).toBe("the driver crashed. Update it.");
  });
  it("names the Vulkan loader where that is missing", () => {
    const missing = vulkan("unusable", "libvulkan.so.1: cannot open shared object file: No such file or directory");
    expect(line({}, missing)).toBe("the GPU of AMD cannot be used: the Vulkan loader, libvulkan.so.1, is missing. " +
      "Install libvulkan1 (Debian, Ubuntu), vulkan-loader (Fedora) or vulkan-icd-loader (Arch).");
    expect(line({ platform: "win32", hardware: { ...amd, vulkanLoader: false } }, vulkan("unusable", "error 126 of LoadLibrary")))
      .toBe("the GPU of AMD cannot be used: vulkan-1.dll, which every GPU's driver brings, is missing. Install the driver of the GPU's maker.");
  });
  it("tells another reason why the library cannot be loaded", () => {
    expect(line({}, vulkan("unusable", "undefined symbol: ggml_x"))).toBe("the GPU of AMD cannot be used: Octet's Vulkan library cannot be loaded (undefined symbol: ggml_x). Reinstall Octet.");
    expect(line({ platform: "win32", hardware: { ...amd, vulkanLoader: true } }, vulkan("unusable"))).toContain("(the system does not say why)");
  });
  it("names the driver that is missing", () => {
    expect(line({})).toBe("the GPU of AMD cannot be used: no Vulkan driver lists it. For AMD install mesa-vulkan-drivers (Debian, Ubuntu, Fedora) or vulkan-radeon (Arch).");
    const both: GpuHardware = { ...amd, vendors: ["Intel", "NVIDIA"] };
    expect(line({ hardware: both })).toBe("the GPUs of Intel and NVIDIA cannot be used: no Vulkan driver lists them. " +
      "For Intel install mesa-vulkan-drivers (Debian, Ubuntu, Fedora) or vulkan-intel (Arch). For NVIDIA install NVIDIA's own driver.");
    expect(line({ hardware: { ...NONE, vendors: ["NVIDIA"], nvidiaDriver: true } })).toContain("NVIDIA's driver runs, but without its Vulkan part");
    expect(line({ platform: "win32" })).toContain("Update the driver");
    expect(line({ hardware: { ...NONE, wsl: true } })).toBe("Windows' GPU cannot be used: no Vulkan driver lists it; under WSL only Mesa's driver \"dzn\" does. " +
      "Install mesa-vulkan-drivers, if your distribution's has dzn.");
  });
  it("says that this user may not open the GPU", () => {
    const closed: GpuHardware = { ...amd, renderNodes: { count: 1, mayOpen: false } };
    expect(line({ hardware: closed })).toBe("the GPU of AMD cannot be used: this user may not open /dev/dri/renderD*. " +
      "Add the user to its group (sudo usermod -aG render $USER), then log in anew.");
  });
  it("says that a container, which sees the hardware, was not given it", () => {
    expect(line({ hardware: { ...amd, renderNodes: { count: 0, mayOpen: false } } })).toBe("the GPU of AMD cannot be used: no Vulkan driver lists it. " +
      "For AMD there is no /dev/dri/renderD*: in a container start that with --device /dev/dri, else load the GPU's kernel driver.");
  });
  it("says that this build has no Vulkan library", () => {
    expect(line({ arch: "arm64" }, [])).toBe("the GPU of AMD cannot be used: Octet has no Vulkan library for linux arm64 yet");
    expect(line({}, [])).toBe("the GPU of AMD cannot be used: this installation of Octet has no Vulkan library. Reinstall Octet.");
  });
});

it("an accelerator, such as Apple's BLAS, is no GPU", () => {
  expect((["cpu", "accelerator", "gpu", "integratedGpu"] as const).map((kind) => isGpu({ kind }))).toEqual([false, false, true, true]);
});

it("only the processor's name keeps GPUs from being looked for", () => {
  expect(["cpu", "CPU", "auto", "gpu", "Vulkan0"].map(wantsGpus)).toEqual([false, false, true, true, true]);
});

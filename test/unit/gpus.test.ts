// Why no GPU is used: what the file system shows of the hardware, and the line that says what stands in the way.
import { describe, expect, it } from "vitest";
import { OctetError } from "../../extension/worker/errors";
import { gpuHardware, type GpuFiles, type GpuHardware } from "../../extension/worker/gpus/hardware";
import { vulkanDrivers } from "../../extension/worker/gpus/vulkanDrivers";
import { isGpu, wantsGpus } from "../../extension/worker/gpus/wanted";
import { whyNoGpu, type GpuQuestion } from "../../extension/worker/gpus/why";
import type { DeviceInfo, GpuBackendInfo } from "../../protocol/worker";
import { vulkanDrivers as driversForScripts } from "../../scripts/lib/vulkanDrivers.mjs";

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
const NONE: GpuHardware = { vendors: [], nvidiaDriver: false, wsl: false, renderNodes: { count: 0, mayOpen: false }, vulkanLoader: null, drivers: { manifests: [], chosenBy: null }, home: null };

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
  it("is in a home of its own where drivers are installed otherwise", () => {
    expect(gpuHardware(files({ "/etc/NIXOS": "" }), "linux")?.home).toBe("nixos");
    expect(gpuHardware(files({ "/.flatpak-info": "" }), "linux")?.home).toBe("flatpak");
  });
  it("has the drivers that Vulkan's loader finds", () => {
    const there = files({ "/opt/mesa/radeon_icd.x86_64.json": "" });
    expect(gpuHardware(there, "linux", { env: { VK_DRIVER_FILES: "/opt/mesa" } })?.drivers).toEqual({ manifests: ["/opt/mesa/radeon_icd.x86_64.json"], chosenBy: "VK_DRIVER_FILES" });
  });
  it("is known on Windows by what its driver brings, and not at all elsewhere", () => {
    const system = files({ "C:\\S\\nvcuda.dll": "", "C:\\S\\vulkan-1.dll": "" });
    expect(gpuHardware(system, "win32", { system: "C:\\S" })).toMatchObject({ vendors: ["NVIDIA"], vulkanLoader: true });
    expect(gpuHardware(files({ "C:\\S\\ControlLib.dll": "" }), "win32", { system: "C:\\S" })).toMatchObject({ vendors: ["Intel"], vulkanLoader: false });
    expect(gpuHardware(files({}), "win32", { system: "C:\\S" })).toMatchObject({ vendors: [], vulkanLoader: false });
    expect(gpuHardware(files(card(0, "0x10de")), "darwin")).toBeNull();
  });
});

describe("Vulkan's drivers", () => {
  const usual = ["/home/me/.config", "/etc/xdg", "/usr/local/etc", "/etc", "/home/me/.local/share", "/usr/local/share", "/usr/share", "/run/opengl-driver/share"].map((folder) => `${folder}/vulkan/icd.d/a.json`);
  const others = ["/c/config", "/c1", "/c2", "/d/data", "/d1", "/d2"].map((folder) => `${folder}/vulkan/icd.d/b.json`);
  const flatpak = "/usr/lib/x86_64-linux-gnu/GL/vulkan/icd.d/c.json";
  const there = [...usual, ...others, flatpak, "/usr/share/vulkan/icd.d/README", "/own/x.json", "/own/y.json", "/own/y.txt"];
  const HOME = "/home/me";
  const xdg = { XDG_CONFIG_HOME: "/c/config", XDG_CONFIG_DIRS: "/c1/:/c2", XDG_DATA_HOME: "/d/data/", XDG_DATA_DIRS: "/d1::/d2/" };
  const fixed = usual.filter((manifest) => manifest.startsWith("/usr/local/etc") || manifest.startsWith("/etc/vulkan") || manifest.startsWith("/run"));
  const cases: [string, Record<string, string>, string[]][] = [
    ["in the usual folders", { HOME }, usual],
    ["without a home", {}, usual.filter((manifest) => !manifest.startsWith(HOME))],
    ["in the folders that XDG's variables name", { HOME, ...xdg }, [...others.slice(0, 3), ...fixed.slice(0, 2), ...others.slice(3), ...fixed.slice(2)]],
    ["where XDG's variables are set to nothing", { HOME, XDG_DATA_DIRS: "", XDG_CONFIG_HOME: "" }, usual],
    ["that VK_ADD_DRIVER_FILES adds", { HOME, VK_ADD_DRIVER_FILES: "/own/x.json:/own/none.json" }, ["/own/x.json", ...usual]],
    ["that VK_DRIVER_FILES names, alone", { HOME, VK_DRIVER_FILES: "/own/:/own/x.json", VK_ICD_FILENAMES: "/c1", VK_ADD_DRIVER_FILES: "/d1" }, ["/own/x.json", "/own/y.json"]],
    ["that VK_ICD_FILENAMES names, alone", { HOME, VK_DRIVER_FILES: "", VK_ICD_FILENAMES: "/own/y.json:/own/y.txt", VK_ADD_DRIVER_FILES: "/own/x.json" }, ["/own/y.json"]],
  ];
  it.each(cases)("are those %s", (_, env, found) => {
    const system = files(Object.fromEntries(there.map((file) => [file, ""])));
    expect(vulkanDrivers(system, env).manifests).toEqual(found);
    expect(driversForScripts(system, env)).toEqual(found);
  });
  it("are Flatpak's too, within it", () => {
    const system = files({ [flatpak]: "", "/.flatpak-info": "" });
    expect(vulkanDrivers(system, {})).toEqual({ manifests: [flatpak], chosenBy: null });
    expect(driversForScripts(system, {})).toEqual([flatpak]);
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
  it("does not ask for a driver that is there: Vulkan's variables, the driver itself or its part in the kernel stand in the way", () => {
    const drivers = (manifests: string[], chosenBy: "VK_DRIVER_FILES" | "VK_ICD_FILENAMES" | null = null): GpuHardware => ({ ...amd, drivers: { manifests, chosenBy } });
    expect(line({ hardware: drivers([], "VK_ICD_FILENAMES") })).toBe("the GPU of AMD cannot be used: VK_ICD_FILENAMES, which is set, names no Vulkan driver that is there. Correct or unset VK_ICD_FILENAMES.");
    expect(line({ hardware: drivers(["/a/lvp_icd.json"], "VK_DRIVER_FILES") })).toBe("the GPU of AMD cannot be used: none of the Vulkan drivers that VK_DRIVER_FILES names lists it. Unset VK_DRIVER_FILES to use the others.");
    expect(line({ hardware: drivers(["/usr/share/vulkan/icd.d/lvp_icd.x86_64.json"]) })).toContain("For AMD install mesa-vulkan-drivers");
    expect(line({ hardware: drivers(["/usr/share/vulkan/icd.d/radeon_icd.x86_64.json"]) })).toBe("the GPU of AMD cannot be used: no Vulkan driver lists it. " +
      "For AMD a driver is installed (/usr/share/vulkan/icd.d/radeon_icd.x86_64.json) that lists no GPU: update it; the GPU may be too old for it. \"vulkaninfo --summary\" says more.");
    const nvidia: GpuHardware = { ...NONE, vendors: ["NVIDIA"], drivers: { manifests: ["/usr/share/vulkan/icd.d/nvidia_icd.json"], chosenBy: null } };
    expect(line({ hardware: nvidia })).toContain("its part in the kernel does not run: restart the machine");
    expect(line({ hardware: { ...nvidia, nvidiaDriver: true } })).toContain("that lists no GPU: update it");
  });
  it("names NixOS' setting and Flatpak's runtime where drivers come from those", () => {
    expect(line({ hardware: { ...amd, home: "nixos" } })).toContain("For AMD set hardware.graphics.enable in NixOS' configuration.");
    expect(line({ hardware: { ...NONE, vendors: ["NVIDIA"], home: "nixos" } })).toContain("set hardware.graphics.enable and services.xserver.videoDrivers = [ \"nvidia\" ]");
    expect(line({ hardware: { ...amd, home: "flatpak" } })).toContain("\"flatpak update\" brings those that match");
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

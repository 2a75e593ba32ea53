// Why only the processor is there to compute on, in one line: GPUs were not to be looked for, or the machine has one that nothing can
// use, and what to do about it.

import type { DeviceInfo, GpuBackendInfo, HelloResult } from "../../../protocol/worker";
import type { OctetError } from "../errors";
import type { GpuHardware, Vendor } from "./hardware";
import { isGpu } from "./wanted";

export interface WhyNoGpu {
  text: string;
  /** What to do, a sentence; absent: nothing. */
  advice?: string;
}

export interface GpuQuestion {
  hello: Pick<HelloResult, "devices" | "gpuBackends">;
  /** What the models are on; null: none are loaded. */
  device: Pick<DeviceInfo, "kind"> | null;
  /** GPUs are left alone because of it. */
  driverCrash: OctetError | null;
  /** What names the device, e.g. "octet.device". */
  setting: string;
  /** null: not known. */
  hardware: GpuHardware | null;
  platform: NodeJS.Platform;
  arch: string;
}

/** null: a GPU is there to use, or the machine shows none. */
export function whyNoGpu({ hello, device, driverCrash, setting, hardware, platform, arch }: GpuQuestion): WhyNoGpu | null {
  if (device && device.kind !== "cpu") return null;
  if (driverCrash) return { text: driverCrash.message, ...(driverCrash.advice === undefined ? {} : { advice: driverCrash.advice }) };
  if (hello.gpuBackends === null) return { text: notLookedFor(setting) };
  if (hello.devices.some(isGpu)) return null;
  if (!hardware || (hardware.vendors.length === 0 && !hardware.wsl)) return null;
  const vulkan = hello.gpuBackends.find(({ name }) => name === "vulkan");
  const { reason, advice } = vulkan ? unused(vulkan, hardware, platform) : noLibrary(platform, arch);
  return { text: `${gpuOf(hardware)} cannot be used: ${reason}`, ...(advice === undefined ? {} : { advice }) };
}

/** Not known whether there are any. */
export const notLookedFor = (setting: string): string => `GPUs were not looked for, since ${setting} is cpu`;

interface Cause {
  reason: string;
  advice?: string;
}

function gpuOf({ vendors }: GpuHardware): string {
  if (vendors.length === 0) return "Windows' GPU";
  return `the ${vendors.length > 1 ? "GPUs" : "GPU"} of ${vendors.join(" and ")}`;
}

/** Architectures for which llama.cpp's packages have Vulkan. */
const WITH_VULKAN = ["x64"];

function noLibrary(platform: string, arch: string): Cause {
  return WITH_VULKAN.includes(arch)
    ? { reason: "this installation of Octet has no Vulkan library", advice: "Reinstall Octet." }
    : { reason: `Octet has no Vulkan library for ${platform} ${arch} yet` };
}

function unused({ state, reason }: GpuBackendInfo, hardware: GpuHardware, platform: NodeJS.Platform): Cause {
  const windows = platform === "win32";
  if (state === "unusable" && (windows ? hardware.vulkanLoader === false : reason.includes("libvulkan"))) {
    return windows
      ? { reason: "vulkan-1.dll, which every GPU's driver brings, is missing", advice: "Install the driver of the GPU's maker." }
      : { reason: "the Vulkan loader, libvulkan.so.1, is missing", advice: "Install libvulkan1 (Debian, Ubuntu), vulkan-loader (Fedora) or vulkan-icd-loader (Arch)." };
  }
  if (state === "unusable") return { reason: `Octet's Vulkan library cannot be loaded (${reason || "the system does not say why"})`, advice: "Reinstall Octet." };
  if (windows) return { reason: "no Vulkan driver lists it", advice: "Update the driver of the GPU's maker; a GPU of before about 2016 may be too old for Octet." };
  if (hardware.renderNodes.count > 0 && !hardware.renderNodes.mayOpen) {
    return { reason: "this user may not open /dev/dri/renderD*", advice: "Add the user to its group (sudo usermod -aG render $USER), then log in anew." };
  }
  const chosenBy = hardware.drivers?.chosenBy ?? null;
  if (chosenBy !== null && hardware.drivers?.manifests.length === 0) return { reason: `${chosenBy}, which is set, names no Vulkan driver that is there`, advice: `Correct or unset ${chosenBy}.` };
  if (chosenBy !== null) return { reason: `none of the Vulkan drivers that ${chosenBy} names lists ${hardware.vendors.length > 1 ? "them" : "it"}`, advice: `Unset ${chosenBy} to use the others.` };
  if (hardware.vendors.length === 0) {
    return { reason: "no Vulkan driver lists it; under WSL only Mesa's driver \"dzn\" does", advice: "Install mesa-vulkan-drivers, if your distribution's has dzn." };
  }
  return { reason: `no Vulkan driver lists ${hardware.vendors.length > 1 ? "them" : "it"}`, advice: hardware.vendors.map((vendor) => driverFor(vendor, hardware)).join(" ") };
}

/** What the drivers' manifests begin with. */
const MANIFESTS: Record<Vendor, RegExp> = { NVIDIA: /^nvidia/, AMD: /^(radeon|amd)/, Intel: /^intel/ };

function driverFor(vendor: Vendor, { nvidiaDriver, renderNodes, drivers, home }: GpuHardware): string {
  if (vendor !== "NVIDIA" && renderNodes.count === 0) return `For ${vendor} there is no /dev/dri/renderD*: in a container start that with --device /dev/dri, else load the GPU's kernel driver.`;
  const there = drivers?.manifests.find((manifest) => MANIFESTS[vendor].test(manifest.split("/").at(-1) ?? ""));
  if (there !== undefined && vendor === "NVIDIA" && !nvidiaDriver) return "For NVIDIA a driver is installed, but its part in the kernel does not run: restart the machine, or reinstall the driver.";
  if (there !== undefined) return `For ${vendor} a driver is installed (${there}) that lists no GPU: update it; the GPU may be too old for it. "vulkaninfo --summary" says more.`;
  if (home === "flatpak") return `For ${vendor} the runtime of Flatpak, which this VS Code runs in, has no driver: "flatpak update" brings those that match.`;
  if (home === "nixos") return `For ${vendor} set hardware.graphics.enable${vendor === "NVIDIA" ? " and services.xserver.videoDrivers = [ \"nvidia\" ]" : ""} in NixOS' configuration.`;
  if (vendor !== "NVIDIA") return `For ${vendor} install mesa-vulkan-drivers (Debian, Ubuntu, Fedora) or vulkan-${vendor === "AMD" ? "radeon" : "intel"} (Arch).`;
  return nvidiaDriver
    ? "NVIDIA's driver runs, but without its Vulkan part: install libnvidia-gl (Ubuntu) or nvidia-utils (Arch) of its version; in a container set NVIDIA_DRIVER_CAPABILITIES=all."
    : "For NVIDIA install NVIDIA's own driver.";
}

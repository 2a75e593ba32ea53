// Which GPUs this machine has, drivers or not, as its file system shows: so that one that nothing can use is not passed over in silence.

import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { vulkanDrivers, type DriverFiles, type VulkanDrivers } from "./vulkanDrivers";

export type Vendor = "NVIDIA" | "AMD" | "Intel";

export interface GpuHardware {
  /** Each once; empty: none is seen. */
  vendors: Vendor[];
  /** NVIDIA's kernel driver runs. */
  nvidiaDriver: boolean;
  /** Windows' GPU as WSL shows it; of what vendor is not known. */
  wsl: boolean;
  /** GPUs that programs can open: `mayOpen` whether this user may open one of them. */
  renderNodes: { count: number; mayOpen: boolean };
  /** Whether Vulkan's loader is where it always is; null: it may be in many places. */
  vulkanLoader: boolean | null;
  /** What Vulkan's loader finds; null: not known on this platform. */
  drivers: VulkanDrivers | null;
  /** Where drivers are installed in a way of their own. */
  home: "nixos" | "flatpak" | null;
}

export interface GpuFiles extends DriverFiles {
  /** Empty where it cannot be read. */
  read(file: string): string;
  mayOpen(file: string): boolean;
}

const VENDOR_IDS: Record<string, Vendor> = { "0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel" };
/** What each vendor's driver for Windows brings, beside Vulkan. */
const WINDOWS_DRIVERS: Record<string, Vendor> = { "nvcuda.dll": "NVIDIA", "atiadlxx.dll": "AMD", "ControlLib.dll": "Intel" };

export interface GpuSurroundings {
  /** Windows' folder of its libraries. */
  system?: string;
  env?: Record<string, string | undefined>;
}

/** null: not known on this platform. */
export function gpuHardware(files: GpuFiles, platform: NodeJS.Platform, { system = "", env = {} }: GpuSurroundings = {}): GpuHardware | null {
  if (platform === "linux") return onLinux(files, env);
  return platform === "win32" ? onWindows(files, system) : null;
}

function onLinux(files: GpuFiles, env: Record<string, string | undefined>): GpuHardware {
  const cards = files.list("/sys/class/drm").filter((name) => /^card\d+$/.test(name));
  const ids = cards.map((card) => files.read(`/sys/class/drm/${card}/device/vendor`).trim().toLowerCase());
  const nvidiaDriver = files.exists("/proc/driver/nvidia/version");
  const found = ids.flatMap((id) => VENDOR_IDS[id] ?? []);
  const nodes = files.list("/dev/dri").filter((name) => /^renderD\d+$/.test(name));
  return {
    vendors: [...new Set(nvidiaDriver ? [...found, "NVIDIA" as const] : found)],
    nvidiaDriver,
    wsl: files.exists("/dev/dxg"),
    renderNodes: { count: nodes.length, mayOpen: nodes.some((name) => files.mayOpen(`/dev/dri/${name}`)) },
    vulkanLoader: null,
    drivers: vulkanDrivers(files, env),
    home: files.exists("/.flatpak-info") ? "flatpak" : files.exists("/etc/NIXOS") ? "nixos" : null,
  };
}

function onWindows(files: GpuFiles, system: string): GpuHardware {
  const vendors = Object.entries(WINDOWS_DRIVERS).flatMap(([name, vendor]) => (files.exists(path.win32.join(system, name)) ? [vendor] : []));
  const vulkanLoader = files.exists(path.win32.join(system, "vulkan-1.dll"));
  return { vendors, nvidiaDriver: vendors.includes("NVIDIA"), wsl: false, renderNodes: { count: 0, mayOpen: false }, vulkanLoader, drivers: null, home: null };
}

/** Of this machine; opens no device. */
export function hardwareHere(): GpuHardware | null {
  return gpuHardware(
    {
      list: (folder) => attempt(() => readdirSync(folder), []),
      read: (file) => attempt(() => readFileSync(file, "utf8"), ""),
      exists: existsSync,
      mayOpen: (file) => attempt(() => (accessSync(file, constants.R_OK | constants.W_OK), true), false),
    },
    process.platform,
    { system: path.win32.join(process.env["SystemRoot"] ?? "C:\\Windows", "System32"), env: process.env },
  );
}

function attempt<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch {
    return otherwise;
  }
}

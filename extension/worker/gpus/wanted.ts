// Which devices are GPUs. A device that a user names may be one, unless it has the processor's name: then no worker loads a GPU's driver.

import type { DeviceInfo } from "../../../protocol/worker";

/** Of what a worker lists. Accelerators, such as Apple's BLAS, help the processor: no model goes to them. */
export const isGpu = ({ kind }: Pick<DeviceInfo, "kind">): boolean => kind === "gpu" || kind === "integratedGpu";

export const wantsGpus = (device: string): boolean => device.toLowerCase() !== "cpu";

// Where a loaded pair is, in words.
import type { LoadResult } from "../../protocol/worker";

/** "NVIDIA RTX 3060"; "NVIDIA RTX 3060 (19 of 28 layers) and CPU" where the target is split. `name`: the device's, as the place wants it. */
export function deviceWords({ device, split, target }: Pick<LoadResult, "device" | "split" | "target">, name = device.description.trim() || device.name): string {
  return split ? `${name} (${split.layersOnDevice} of ${target.layers} layers) and CPU` : name;
}

/** The same for what is kept for later: how many layers a device gets depends on what it has free when the pair is loaded. */
export const deviceKey = ({ device, split }: Pick<LoadResult, "device" | "split">): string => (split ? `${device.name} and CPU` : device.name);

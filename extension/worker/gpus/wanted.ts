// Whether a device, as a user names it, may be a GPU: with the processor's name no worker loads a GPU's driver.

export const wantsGpus = (device: string): boolean => device.toLowerCase() !== "cpu";

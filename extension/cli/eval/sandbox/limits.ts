// What a generated program may use. A limit of the kernel holds for each process; the number of processes bounds their sum.

export interface Limits {
  /** Wall time, and a little more of processor time. */
  seconds: number;
  /** Address space of one process. */
  memoryBytes: number;
  processes: number;
  /** The largest file, and the whole of the writable folder. */
  fileBytes: number;
  folderBytes: number;
  /** Files one process has open. */
  openFiles: number;
  /** Standard output and standard error together. */
  outputBytes: number;
}

export const defaultLimits: Limits = {
  seconds: 5,
  memoryBytes: 512 * 2 ** 20,
  processes: 16,
  fileBytes: 16 * 2 ** 20,
  folderBytes: 32 * 2 ** 20,
  openFiles: 64,
  outputBytes: 2 ** 20,
};

/** The prlimit command that sets them for what follows it. */
export function prlimit({ seconds, memoryBytes, processes, fileBytes, openFiles }: Limits): string[] {
  return [
    "prlimit", `--as=${memoryBytes}`, `--cpu=${Math.ceil(seconds) + 1}`, `--nproc=${processes}`, `--fsize=${fileBytes}`,
    `--nofile=${openFiles}`, "--core=0", "--",
  ];
}

// Processes as the operating system lists them: who is alive, and which of them is our worker.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import path from "node:path";

export interface Process {
  pid: number;
  parent: number;
  command: string;
}

export function processes(): Process[] {
  return execFileSync("ps", ["-eo", "pid=,ppid=,stat=,args="], { encoding: "utf8", maxBuffer: 1 << 26 })
    .split("\n")
    .flatMap((line) => {
      const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
      if (!match || match[3]?.startsWith("Z")) return [];
      return [{ pid: Number(match[1]), parent: Number(match[2]), command: match[4] ?? "" }];
    });
}

/** Pids of the workers that run from the extension installed under `extensions`. */
export const workers = (extensions: string): number[] => running(extensions, "worker.js");

/** Pids of the processes that keep them for all windows. */
export const workerHosts = (extensions: string): number[] => running(extensions, "workerHost.js");

function running(extensions: string, bundle: string): number[] {
  const script = path.join("dist", bundle);
  return processes()
    .filter(({ command }) => command.split(" ").find((word) => word.endsWith(".js"))?.endsWith(script) && command.includes(extensions))
    .map(({ pid }) => pid);
}

/** Whether the process has that HOME. */
export function runsIn(pid: number, home: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`HOME=${home}`);
  } catch {
    return false;
  }
}

/** Whatever still runs out of `folder`, or names it. */
export const processesNaming = (folder: string): Process[] =>
  processes().filter(({ pid, command }) => pid !== process.pid && command.includes(folder));

/** Signals a process, or a group where `pid` is negative, which may have left already. */
export function kill(pid: number, name: NodeJS.Signals = "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has.
  }
}

/** Sockets that a process holds and that lead to a network: undefined where the system does not tell. */
export function networkSockets(pid: number): string[] | undefined {
  if (process.platform !== "linux") return undefined;
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`))?.[1] ?? []),
  );
  const tables = execFileSync("cat", ["tcp", "tcp6", "udp", "udp6"].map((table) => `/proc/${pid}/net/${table}`), { encoding: "utf8" });
  return tables.split("\n").filter((line) => inodes.has(line.trim().split(/\s+/)[9] ?? ""));
}

function link(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return "";
  }
}

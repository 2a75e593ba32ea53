// Ends this process when its parent is gone, whatever else it is doing: an orphan would hold gigabytes for nobody.

import { Worker, workerData } from "node:worker_threads";

const POLL_MS = 500;

/**
 * Two watches. A closed channel is seen at once by the JavaScript thread. The parent's pid is polled by a thread of its own,
 * which still runs while native code keeps the JavaScript thread. Both kill: process.exit would wait for native threads
 * (a load on libuv's pool, for one), and nobody is left to read an exit code.
 */
export function watchParent(bundle: string): void {
  process.once("disconnect", killSelf);
  const watcher = new Worker(bundle, { workerData: process.ppid });
  watcher.unref();
  watcher.once("error", () => setInterval(killOrphan(process.ppid), POLL_MS).unref());
}

/** What the watching thread runs. */
export function pollParent(): void {
  setInterval(killOrphan(workerData as number), POLL_MS);
}

function killOrphan(parent: number): () => void {
  return () => {
    if (process.ppid !== parent || !isAlive(parent)) killSelf();
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function killSelf(): void {
  process.kill(process.pid, "SIGKILL");
}

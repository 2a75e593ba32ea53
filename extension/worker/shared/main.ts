// The process that keeps workers for all windows: `workerHost.js SOCKET WORKER_BUNDLE`. Started by the first window that finds none
// (connect.ts), it leaves when its last worker has.

import { lstatSync, unlinkSync } from "node:fs";
import { connect, createServer } from "node:net";
import { systemClock } from "../async";
import { HELLO_MS, WorkerClient } from "../client";
import { forkWorker } from "../process";
import { serveWindow } from "./serve";
import { WorkerHost } from "./workerHost";

const EXIT_BAD_USAGE = 2;
const EXIT_FAILED = 1;
/** A window that is loaded anew is back within a few seconds. */
const LINGER_MS = Number(process.env["OCTET_LINGER_MS"] ?? 10_000);
const SHUTDOWN_MS = 3_000;
/** For the first window to come. */
const FIRST_MS = Number(process.env["OCTET_LINGER_MS"] ?? 20_000);

const [address, bundle] = process.argv.slice(2);
if (address === undefined || bundle === undefined) {
  process.stderr.write("The keeper of Octet's workers is started by Octet itself, not by hand.\n");
  process.exitCode = EXIT_BAD_USAGE;
} else serve(address, bundle);

function serve(address: string, bundle: string): void {
  let inode: number | undefined;
  let windows = 0;
  let leaving: NodeJS.Timeout | undefined;
  const leaveIn = (ms: number): void => {
    clearTimeout(leaving);
    leaving = setTimeout(() => {
      if (windows > 0 || !host.isEmpty) return;
      if (inode !== undefined && inodeOf(address) === inode) unlinkSync(address);
      process.exit();
    }, ms);
  };
  const host = new WorkerHost({
    start: (options) => new WorkerClient(forkWorker(bundle, {}, options)),
    clock: systemClock,
    lingerMs: LINGER_MS,
    shutdownMs: SHUTDOWN_MS,
    helloMs: HELLO_MS,
    onEmpty: () => leaveIn(LINGER_MS),
  });
  const server = createServer((socket) => {
    windows++;
    socket.once("close", () => {
      windows--;
      leaveIn(LINGER_MS);
    });
    serveWindow(socket, host);
  });
  server.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EADDRINUSE") void listenWhereNobodyDoes();
    else process.exit(EXIT_FAILED);
  });
  server.on("listening", () => (inode = inodeOf(address)));
  server.listen(address);
  leaveIn(FIRST_MS);

  /** A socket's file outlives a process that was killed. */
  async function listenWhereNobodyDoes(): Promise<void> {
    if (await answers(address)) process.exit(); // windows find that one
    try {
      unlinkSync(address);
    } catch {
      // Another has done so.
    }
    server.listen(address);
  }
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function inodeOf(file: string): number | undefined {
  try {
    return lstatSync(file).ino;
  } catch {
    return undefined;
  }
}

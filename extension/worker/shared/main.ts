// The process that keeps workers for all windows: `workerHost.js SOCKET WORKER_BUNDLE`. Started by the first window that finds none
// (connect.ts), it leaves when its last worker has.

import { rmSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { systemClock } from "../async";
import { HELLO_MS, WorkerClient } from "../client";
import { forkWorker } from "../process";
import { serveWindow } from "./serve";
import { identityOf, removeStale, sweepBeside } from "./socketFile";
import { WorkerHost } from "./workerHost";

const EXIT_BAD_USAGE = 2;
const EXIT_FAILED = 1;
/** A window that is loaded anew is back within a few seconds, on a slow machine within some more. */
const LINGER_MS = milliseconds("OCTET_LINGER_MS", 30_000);
const SHUTDOWN_MS = 3_000;
/** For the first window to come. */
const FIRST_MS = milliseconds("OCTET_FIRST_MS", 30_000);

const [address, bundle] = process.argv.slice(2);
if (address === undefined || bundle === undefined || !path.isAbsolute(address)) { // a number would open the network
  process.stderr.write("The host of Octet's workers is started by Octet itself, not by hand.\n");
  process.exitCode = EXIT_BAD_USAGE;
} else serve(address, bundle);

function serve(address: string, bundle: string): void {
  let socketFile: string | undefined;
  let windows = 0;
  let leaving: NodeJS.Timeout | undefined;
  const leaveIn = (ms: number): void => {
    clearTimeout(leaving);
    leaving = setTimeout(() => {
      if (windows > 0 || !host.isEmpty) return;
      if (socketFile !== undefined && identityOf(address) === socketFile) rmSync(address, { force: true });
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
    if (error.code === "EADDRINUSE") listenWhereNobodyDoes().catch(() => process.exit(EXIT_FAILED));
    else process.exit(EXIT_FAILED);
  });
  server.on("listening", () => {
    socketFile = identityOf(address);
    void sweepBeside(address);
  });
  server.listen(address);
  leaveIn(FIRST_MS);

  async function listenWhereNobodyDoes(): Promise<void> {
    if (!(await removeStale(address))) process.exit(); // windows find that one
    server.listen(address);
  }
}

/** Of an environment's variable, for tests; `otherwise` where it is none that a timer takes. */
function milliseconds(name: string, otherwise: number): number {
  const text = process.env[name] ?? "";
  return /^\d{1,9}$/.test(text) ? Number(text) : otherwise;
}

// The worker process: a child forked by extension/worker/process.ts that serves the protocol on its IPC channel.

import { isMainThread } from "node:worker_threads";
import { createMessageConnection, IPCMessageReader, IPCMessageWriter } from "vscode-jsonrpc/node";
import { Log, NO_GPUS, type LogParams } from "../../protocol/worker";
import type { OctetAddon } from "../addon/octet";
import { loadAddon } from "./addon";
import { toWorkerError, WorkerError } from "./errors";
import { pollParent, watchParent } from "./parentWatch";
import { WorkerServer } from "./server";

const EXIT_BAD_USAGE = 2;
const EXIT_SOFTWARE = 70; // EX_SOFTWARE of sysexits.h
const EXIT_FLUSH_MS = 1000;

if (!isMainThread) pollParent();
else if (process.send) serve();
else {
  process.stderr.write("The Octet worker is started by Octet itself, not by hand.\n");
  process.exitCode = EXIT_BAD_USAGE;
}

function serve(): void {
  watchParent(__filename);
  // Ctrl-C reaches the whole foreground group; the parent decides what it means for this process.
  process.on("SIGINT", () => undefined);

  const connection = createMessageConnection(new IPCMessageReader(process), new IPCMessageWriter(process));
  const log = (line: LogParams): void => void connection.sendNotification(Log.method, line).catch(() => undefined);
  const addon = addonOrReason(log);
  const exit = (code: number): void => exitAfterSending(addon, code);
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (error: unknown) => {
      log({ level: "error", message: `the worker failed: ${error instanceof Error ? error.stack : String(error)}` });
      exit(EXIT_SOFTWARE);
    });
  }
  new WorkerServer({ connection, addon, log, onShutdown: () => exit(0) });
  connection.listen();
}

function addonOrReason(log: (line: LogParams) => void): OctetAddon | WorkerError {
  const where = { bundle: __dirname, env: process.env, platform: process.platform, arch: process.arch };
  try {
    return loadAddon(where, !process.argv.includes(NO_GPUS), log);
  } catch (error) {
    const reason = toWorkerError(error);
    log({ level: "error", message: reason.message });
    return reason;
  }
}

/** Messages leave in order, so the last one's callback means that all have left. */
function exitAfterSending(addon: OctetAddon | WorkerError, code: number): void {
  const exit = (): void => {
    if (addon instanceof WorkerError) process.exit(code);
    else addon.exitNow(code);
  };
  const last: LogParams = { level: "debug", message: `leaving with code ${code}` };
  process.send?.({ jsonrpc: "2.0", method: Log.method, params: last }, undefined, undefined, exit);
  setTimeout(exit, EXIT_FLUSH_MS);
}

// A window's way to a worker that it shares with others: the process that keeps it is reached, started where there is none. Where that
// does not work the window gets a worker of its own, as it does where sharing is off.

import { spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { asNode, forkWorker, type WorkerProcess } from "../process";
import { hostAddress, type Env } from "./address";
import { laterProcess } from "./laterProcess";
import { attach } from "./socketProcess";

/** Until then a process that was started must listen. */
const START_MS = 10_000;
const RETRY_MS = 20;
const MOST_STARTS = 3;

export interface ShareOptions {
  /** dist/worker.js */
  bundle: string;
  /** dist/workerHost.js */
  host: string;
  gpus: boolean;
  /** Laid over this process's environment. */
  env?: Env;
  startMs?: number;
  /** Why the window has a worker of its own after all, one line. */
  onPrivate: (reason: string) => void;
}

export function shareWorker(options: ShareOptions): WorkerProcess {
  const { bundle, env, gpus, onPrivate } = options;
  return laterProcess(reach(options).catch((error: unknown) => {
    onPrivate(`the models are this window's alone: ${error instanceof Error ? error.message : String(error)}`);
    return forkWorker(bundle, env, { gpus });
  }));
}

async function reach({ bundle, host, gpus, env = {}, startMs = START_MS }: ShareOptions): Promise<WorkerProcess> {
  const all = asNode(env);
  const addon = all["OCTET_ADDON"] || path.join(path.dirname(bundle), "octet.node");
  const address = hostAddress([bundle, host, addon], all);
  const end = performance.now() + startMs;
  let started: Started | undefined;
  for (let starts = 0; ;) {
    const left = end - performance.now();
    if (left <= 0) throw new Error(`${host} does not answer`);
    const socket = await open(address);
    if (socket) {
      const worker = await attach(socket, { gpus }, left);
      if (worker) return worker;
    } else if (!started || started.over) {
      if (starts++ >= MOST_STARTS) throw new Error(`${host} does not start${started?.why ? `: ${started.why}` : ""}`);
      started = start(host, [address, bundle], all);
    }
    await sleep(RETRY_MS);
  }
}

/** Null: nobody listens. */
function open(address: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect(address, () => resolve(socket));
    socket.once("error", () => resolve(null));
  });
}

interface Started {
  over: boolean;
  why: string;
}

/** In a session of its own: it outlives this window where others use its worker. */
function start(host: string, args: string[], env: NodeJS.ProcessEnv): Started {
  const child = spawn(process.execPath, [host, ...args], { cwd: path.dirname(host), detached: true, stdio: "ignore", env });
  const started: Started = { over: false, why: "" };
  child.once("error", (error) => Object.assign(started, { over: true, why: error.message }));
  child.once("exit", (code, signal) => Object.assign(started, { over: true, why: `it left with ${signal ?? `exit code ${code}`}` }));
  child.unref();
  return started;
}

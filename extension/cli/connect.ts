// Starts a worker process for one command and gives it as the WorkerApi.
import { existsSync } from "node:fs";
import path from "node:path";
import type { GenerateProgressParams, HelloResult, LogParams } from "../../protocol/worker";
import { afterAbort, settles, systemClock } from "../worker/async";
import { HELLO_MS, WorkerClient } from "../worker/client";
import { driverCrash, DriverCrashes, withNotice, type DriverFailure } from "../worker/driverCrashes";
import type { OctetError } from "../worker/errors";
import { wantsGpus } from "../worker/gpus/wanted";
import { describeExit, forkWorker, wasCrash, type WorkerExit } from "../worker/process";
import { failure } from "./errors";
import { plansFile } from "./plansFile";
import type { WorkerApi } from "./workerApi";

/** A worker that has not gone this long after it was told to is killed. */
const CLOSE_MS = 3000;
/** So long a cancelled worker may take that has nothing to show yet: a driver that compiles or computes hears of no cancellation. */
const NOTHING_WRITTEN_MS = 1500;
const WITHOUT_DRIVER = "--device cpu leaves it alone.";

export interface ConnectOptions {
  root: string;
  /** As the user named it: with "cpu" no GPU's driver is loaded; one that crashes the worker is left alone with "auto" alone. */
  device: string;
  signal: AbortSignal;
  /** Takes the function that kills the process at once. */
  onStart: (kill: () => void) => void;
  onLog?: (line: LogParams) => void;
  /** A worker that has not said hello by then is killed. */
  helloMs?: number;
}

export async function connectWorker(options: ConnectOptions): Promise<WorkerApi> {
  const bundle = path.join(options.root, "dist", "worker.js");
  if (!existsSync(bundle)) throw failure(`The worker is missing: ${bundle}`, "Reinstall Octet, or run `npm run build` in its source folder.");
  const wanted = wantsGpus(options.device);
  const drivers = new DriverCrashes();
  for (;;) {
    const { blamed } = drivers;
    if (blamed && options.device !== "auto") throw driverFailure(blamed);
    const gpus = wanted && !blamed;
    const started = await start(bundle, gpus, options);
    if ("hello" in started) return workerApi(started, blamed ? driverCrash(blamed, WITHOUT_DRIVER) : null);
    const { exit, error, hung } = started;
    if (!gpus || !wasCrash(exit) || options.signal.aborted) throw error;
    drivers.died(exit, hung);
  }
}

interface Started {
  client: WorkerClient;
  hello: HelloResult;
}

interface Failed {
  exit: WorkerExit;
  error: unknown;
  /** It was killed, since it did not answer. */
  hung: boolean;
}

async function start(bundle: string, gpus: boolean, { signal, onStart, onLog, helloMs = HELLO_MS }: ConnectOptions): Promise<Started | Failed> {
  const client = new WorkerClient(forkWorker(bundle, {}, { gpus }));
  onStart(() => client.dispose());
  if (onLog) client.onLog(onLog);
  const hello = client.hello();
  const inTime = endingSoon(client, signal, () => settles(hello, helloMs, systemClock));
  let hung = false;
  try {
    if (!(await inTime)) {
      hung = true;
      client.dispose();
    }
    return { client, hello: await hello };
  } catch (error) {
    await close(client);
    const { exit } = await client.exited;
    return { exit, hung, error: hung ? failure(`The worker did not answer within ${helloMs / 1000} s of its start`, "--verbose shows its log.") : error };
  }
}

function workerApi({ client, hello }: Started, crash: OctetError | null): WorkerApi {
  return {
    hello,
    driverCrash: crash,
    load: async (params, options) => {
      const all = { cudaPlans: plansFile(), ...params, ...(crash ? { device: "cpu" } : {}) };
      const loaded = await endingSoon(client, options.signal, () => client.load(all, options));
      return crash ? withNotice(loaded, crash) : loaded;
    },
    generate: (params, { signal, onProgress }) => {
      let written = false;
      const listen = (progress: GenerateProgressParams): void => {
        written ||= progress.steps.length > 0;
        onProgress?.(progress);
      };
      return endingSoon(client, signal, () => client.generate(params, { signal, onProgress: listen }), () => written);
    },
    inspect: (params) => client.inspect(params),
    tokenize: (text) => client.tokenize(text),
    close: () => close(client),
    kill: () => client.dispose(),
  };
}

/** Kills the worker where `work` goes on long after the cancellation and nothing of it is `worthWaiting` for. */
async function endingSoon<T>(client: WorkerClient, signal: AbortSignal, work: () => Promise<T>, worthWaiting = () => false): Promise<T> {
  const watch = afterAbort(signal, NOTHING_WRITTEN_MS, systemClock, () => worthWaiting() || client.dispose());
  try {
    return await work();
  } finally {
    watch.dispose();
  }
}

async function close(client: WorkerClient): Promise<void> {
  const kill = (): void => client.dispose();
  const timer = setTimeout(kill, CLOSE_MS);
  await client.shutdown().catch(kill);
  await client.exited;
  clearTimeout(timer);
}

function driverFailure(blamed: DriverFailure): Error {
  const what = blamed.during === "hang" ? "hangs and keeps Octet's worker from starting" : `crashed Octet's worker as it started (${describeExit(blamed)})`;
  return failure(`The GPU's driver ${what}`, `Update the driver; ${WITHOUT_DRIVER}`);
}

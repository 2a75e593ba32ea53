// Starts a worker process for one command and gives it as the WorkerApi.
import { existsSync } from "node:fs";
import path from "node:path";
import type { LogParams } from "../../protocol/worker";
import { WorkerClient } from "../worker/client";
import { forkWorker } from "../worker/process";
import { failure } from "./errors";
import { plansFile } from "./plansFile";
import type { WorkerApi } from "./workerApi";

/** A worker that has not gone this long after it was told to is killed. */
const CLOSE_MS = 3000;

export interface ConnectOptions {
  root: string;
  /** Takes the function that kills the process at once. */
  onStart: (kill: () => void) => void;
  onLog?: (line: LogParams) => void;
}

export async function connectWorker({ root, onStart, onLog }: ConnectOptions): Promise<WorkerApi> {
  const bundle = path.join(root, "dist", "worker.js");
  if (!existsSync(bundle)) throw failure(`The worker is missing: ${bundle}`, "Reinstall Octet, or run `npm run build` in its source folder.");
  const client = new WorkerClient(forkWorker(bundle));
  const kill = (): void => client.dispose();
  onStart(kill);
  if (onLog) client.onLog(onLog);

  const close = async (): Promise<void> => {
    const timer = setTimeout(kill, CLOSE_MS);
    await client.shutdown().catch(kill);
    await client.exited;
    clearTimeout(timer);
  };
  try {
    const hello = await client.hello();
    return {
      hello,
      load: (params, options) => client.load({ cudaPlans: plansFile(), ...params }, options),
      generate: (params, options) => client.generate(params, options),
      inspect: (params) => client.inspect(params),
      tokenize: (text) => client.tokenize(text),
      close,
      kill,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

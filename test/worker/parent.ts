// A parent process to be killed: forks a worker, brings it into the state that its argument names, says so, and waits.

import { WorkerClient } from "../../extension/worker/client";
import { forkWorker } from "../../extension/worker/process";
import { shareWorker } from "../../extension/worker/shared/connect";
import type { GenerateParams, LoadParams } from "../../protocol/worker";

interface Orders {
  bundle: string;
  /** Of the process that keeps workers for all windows; absent: the worker is this process's alone. */
  host?: string;
  mode: "idle" | "generating" | "loading";
  load: LoadParams;
  generate: GenerateParams;
}

const fail = (reason: string): never => {
  throw new Error(reason);
};

async function obey({ bundle, host, mode, load, generate }: Orders): Promise<void> {
  const client = new WorkerClient(host === undefined ? forkWorker(bundle) : shareWorker({ bundle, host, gpus: true, onPrivate: fail }));
  const say = (): void => void process.stdout.write(`${client.pid}\n`);
  await client.hello();
  if (mode === "idle") return say();
  if (mode === "generating") {
    await client.load(load);
    let said = false;
    void client.generate(generate, { onProgress: () => void (said ||= (say(), true)) });
    return;
  }
  let said = false;
  for (;;) await client.load(load, { onProgress: ({ phase }) => void (said ||= phase === "target" && (say(), true)) });
}

void obey(JSON.parse(process.argv[2] ?? "{}") as Orders);

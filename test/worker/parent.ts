// A parent process to be killed: forks a worker, brings it into the state that its argument names, says so, and waits.

import { WorkerClient } from "../../extension/worker/client";
import { forkWorker } from "../../extension/worker/process";
import type { GenerateParams, LoadParams } from "../../protocol/worker";

interface Orders {
  bundle: string;
  mode: "idle" | "generating" | "loading";
  load: LoadParams;
  generate: GenerateParams;
}

async function obey({ bundle, mode, load, generate }: Orders): Promise<void> {
  const client = new WorkerClient(forkWorker(bundle));
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

// The worker of this window: one that all windows with the same wishes share, or one of its own.
import type * as vscode from "vscode";
import type { OctetConfig } from "./config";
import { WorkerClient } from "./worker/client";
import type { StartOptions } from "./worker/life";
import { forkWorker } from "./worker/process";
import { canShare } from "./worker/shared/address";
import { shareWorker } from "./worker/shared/connect";

export function windowWorker(context: vscode.ExtensionContext, config: () => OctetConfig, log: vscode.LogOutputChannel): (options: StartOptions) => WorkerClient {
  const bundle = context.asAbsolutePath("dist/worker.js");
  const host = context.asAbsolutePath("dist/workerHost.js");
  const onPrivate = (reason: string): void => log.warn(reason);
  return ({ gpus }) => {
    const isShared = config().shareModels && canShare(process.platform);
    return new WorkerClient(isShared ? shareWorker({ bundle, host, gpus, onPrivate }) : forkWorker(bundle, {}, { gpus }));
  };
}

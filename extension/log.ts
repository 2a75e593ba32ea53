// The worker's log and its life in the output channel.
import type * as vscode from "vscode";
import type { LogParams } from "../protocol/worker";
import { deviceWords } from "./worker/deviceWords";
import type { WorkerSupervisor } from "./worker/supervisor";

/** llama.cpp writes hundreds of lines per load; they are one log level away. */
const levels = { error: "error", warning: "warn", info: "debug", debug: "trace" } as const;
/** The lanes share one cache, which is longer than the context of each: no lane goes past what its model was trained for. */
const EXPECTED = /\bn_ctx_seq \(\d+\) > n_ctx_train \(\d+\)/;

/** How loud a line of the worker is in the output channel. */
export const loudness = ({ level, message }: LogParams): "error" | "warn" | "debug" | "trace" =>
  level === "warning" && EXPECTED.test(message) ? "debug" : levels[level];

export function logWorker(supervisor: WorkerSupervisor, log: vscode.LogOutputChannel): vscode.Disposable {
  let before = "";
  const lines = supervisor.onLog((line) => log[loudness(line)](`worker: ${line.message}`));
  const states = supervisor.onState(({ state, reason, loaded }) => {
    const now = [`worker ${state}`, reason, loaded && `${loaded.target.name} on ${deviceWords(loaded, loaded.device.name)}, loaded in ${Math.round(loaded.loadMs)} ms`].filter(Boolean).join(": ");
    if (now !== before) log.info(now);
    before = now;
  });
  return {
    dispose: () => {
      lines.dispose();
      states.dispose();
    },
  };
}

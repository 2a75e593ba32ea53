// The worker's log and its life in the output channel.
import type * as vscode from "vscode";
import type { WorkerSupervisor } from "./worker/supervisor";

export function logWorker(supervisor: WorkerSupervisor, log: vscode.LogOutputChannel): vscode.Disposable {
  // llama.cpp writes hundreds of lines per load; they are one log level away.
  const write = { error: "error", warning: "warn", info: "debug", debug: "trace" } as const;
  let before = "";
  const lines = supervisor.onLog(({ level, message }) => log[write[level]](`worker: ${message}`));
  const states = supervisor.onState(({ state, reason, loaded }) => {
    const now = [`worker ${state}`, reason, loaded && `${loaded.target.name} on ${loaded.device.name}, loaded in ${Math.round(loaded.loadMs)} ms`].filter(Boolean).join(": ");
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

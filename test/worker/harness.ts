// Real worker processes for tests: bundled from source once per test file, with the pretended addon and, where it is built,
// the real one. Whatever a test leaves running is killed after it.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { afterAll, afterEach, beforeAll } from "vitest";
import { WorkerClient } from "../../extension/worker/client";
import type { StartOptions } from "../../extension/worker/life";
import { forkWorker, type WorkerProcess } from "../../extension/worker/process";
import { shareWorker } from "../../extension/worker/shared/connect";
import type { SupervisorOptions } from "../../extension/worker/supervised";
import { WorkerSupervisor } from "../../extension/worker/supervisor";
import type { GenerateParams, LoadParams } from "../../protocol/worker";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const realAddon = path.join(root, "dist", "octet.node");

export interface Addon {
  name: "pretended" | "real" | "pretended, shared";
  /** Its workers are those of a process that keeps them for all windows. */
  shared?: true;
  file: string;
  load: LoadParams;
  /** Steps that may still happen between a cancellation in the client and the last lane's end: few of a thousand, on a busy machine too. */
  cancelSteps: number;
}

const pair: Omit<LoadParams, "target" | "draft"> = { device: "cpu", threads: 0, lanes: 8, contextTokens: 0, kvType: "f16" };
export const pretended: Addon = {
  name: "pretended",
  file: path.join(root, "test", "worker", "fakeAddon.cjs"),
  load: { ...pair, target: "/models/target.gguf", draft: "/models/draft.gguf" },
  cancelSteps: 100,
};
const real: Addon = {
  name: "real",
  file: realAddon,
  load: {
    ...pair,
    target: path.join(root, "models", "octet-starter-6M-q8_0.gguf"),
    draft: path.join(root, "models", "octet-starter-1M-draft-q8_0.gguf"),
  },
  cancelSteps: 250,
};
export const addons: Addon[] = existsSync(realAddon) ? [pretended, real] : [pretended];

/** The same with one window at a worker that others could share. */
export const shared: Addon = { ...pretended, name: "pretended, shared", shared: true };

let nextId = 0;
let hostsMade = 0;
/** A request that runs for seconds unless something ends it. */
export function request(changes: Partial<GenerateParams> = {}): GenerateParams {
  return {
    id: `request-${nextId++}`,
    prompt: { kind: "text", text: "def fibonacci(n):\n" },
    lanes: 8,
    maxTokens: 1000,
    sampling: { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 7 },
    stop: [],
    stopTokens: [],
    budgetMs: null,
    draftLength: "fixed:1",
    ignoreEnd: true,
    ...changes,
  };
}

let folder = "";
const leftovers: (() => unknown)[] = [];

/** Bundles the worker, the process that keeps it for all windows, and the script of parent.ts, for this file's tests. */
export function useWorkerBundle(): void {
  beforeAll(async () => {
    mkdirSync(path.join(root, "build"), { recursive: true });
    folder = mkdtempSync(path.join(root, "build", "worker-test-"));
    await esbuild.build({
      absWorkingDir: root,
      entryPoints: { worker: "native/worker/main.ts", workerHost: "extension/worker/shared/main.ts", parent: "test/worker/parent.ts" },
      outdir: folder,
      bundle: true,
      platform: "node",
      format: "cjs",
      target: "node20",
    });
  });
  afterEach(async () => {
    await Promise.all(leftovers.splice(0).map((end) => end()));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
}

export const bundle = (): string => path.join(folder, "worker.js");
export const hostBundle = (): string => path.join(folder, "workerHost.js");
export const parentScript = (): string => path.join(folder, "parent.js");

export function atEnd(end: () => unknown): void {
  leftovers.push(end);
}

export type Env = Record<string, string | undefined>;

export function start(addon: Addon, env: Env = {}, script = bundle(), options: Partial<StartOptions> = {}): WorkerClient {
  const all = { OCTET_ADDON: addon.file, ...env };
  const client = new WorkerClient(addon.shared ? shareAlone(script, all, options) : forkWorker(script, all, options));
  atEnd(() => {
    client.dispose();
    return client.exited;
  });
  return client;
}

/** By a worker host that no other client finds. */
function shareAlone(bundle: string, env: Env, { gpus = true }: Partial<StartOptions>): WorkerProcess {
  const own = { ...env, OCTET_HOST_OF_ITS_OWN: String(hostsMade++), OCTET_LINGER_MS: "100", XDG_RUNTIME_DIR: folder };
  return shareWorker({ bundle, host: hostBundle(), gpus, env: own, onPrivate: (reason) => { throw new Error(reason); } });
}

export async function startLoaded(addon: Addon, env: Env = {}): Promise<WorkerClient> {
  const client = start(addon, env);
  await client.hello();
  await client.load(addon.load);
  return client;
}

/** A supervisor whose waits are short, and the workers it has started. */
export function supervise(
  addon: Addon, options: Partial<SupervisorOptions> = {}, env: Env = {}, script?: string,
): { supervisor: WorkerSupervisor; started: WorkerClient[]; states: string[] } {
  const started: WorkerClient[] = [];
  const supervisor = new WorkerSupervisor({
    start: (how) => {
      const client = start(addon, env, script, how);
      started.push(client);
      return client;
    },
    crashLimits: { fastMs: 120_000, most: 5, firstWaitMs: 10, longestWaitMs: 50 },
    ...options,
  });
  const states: string[] = [];
  supervisor.onState(({ state }) => void states.push(state));
  return { supervisor, started, states };
}

/** A zombie that nobody has reaped yet is not alive. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return process.platform !== "linux";
  }
}

export async function until(condition: () => boolean, ms = 60_000): Promise<boolean> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}

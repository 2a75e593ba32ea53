// Windows for tests: clients of one shared worker, in a house (a folder for the socket) of the test's own.

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { WorkerClient } from "../../extension/worker/client";
import type { StartOptions } from "../../extension/worker/life";
import { shareWorker } from "../../extension/worker/shared/connect";
import type { SupervisorOptions } from "../../extension/worker/supervised";
import { WorkerSupervisor } from "../../extension/worker/supervisor";
import { kill, processesNaming } from "../e2e/processes";
import { atEnd, bundle, hostBundle, pretended, until, type Addon, type Env } from "./harness";

export const LINGER_MS = 400;

export class House {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), "octet-house-"));
  /** In it, that of the sockets. */
  readonly sockets = path.join(this.folder, `octet-${os.userInfo().uid}`);
  /** Why windows had workers of their own. */
  readonly reasons: string[] = [];

  constructor(private readonly addon: Addon = pretended, private readonly env: Env = {}) {
    atEnd(async () => {
      for (const { pid } of this.processes()) kill(pid);
      await until(() => this.processes().length === 0);
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  window({ gpus = true }: Partial<StartOptions> = {}, env: Env = {}): WorkerClient {
    const client = new WorkerClient(shareWorker({
      bundle: bundle(), host: hostBundle(), gpus, env: this.environment(env), onPrivate: (reason) => void this.reasons.push(reason),
    }));
    atEnd(() => client.dispose());
    return client;
  }

  async loaded(): Promise<WorkerClient> {
    const client = this.window();
    await client.hello();
    await client.load(this.addon.load);
    return client;
  }

  supervisor(options: Partial<SupervisorOptions> = {}): WorkerSupervisor {
    const supervisor = new WorkerSupervisor({
      start: (how) => this.window(how), crashLimits: { fastMs: 120_000, most: 5, firstWaitMs: 10, longestWaitMs: 50 }, ...options,
    });
    atEnd(() => supervisor.dispose());
    return supervisor;
  }

  environment(env: Env = {}): Env {
    return { XDG_RUNTIME_DIR: this.folder, OCTET_ADDON: this.addon.file, OCTET_LINGER_MS: String(LINGER_MS), ...this.env, ...env };
  }

  hosts(): number[] {
    return this.processes().map(({ pid }) => pid);
  }

  /** The workers' parents name this house's socket. */
  workers(): number[] {
    const hosts = new Set(this.hosts());
    return processesNaming(bundle()).filter(({ parent }) => hosts.has(parent)).map(({ pid }) => pid);
  }

  private processes() {
    return processesNaming(this.folder);
  }
}

/** Names of the sockets in its folder. */
export const sockets = (house: House): string[] => readdirSync(house.sockets);

// The worker process's life: started when first needed, watched, started again with back-off after a crash, without the GPUs'
// drivers where they crash it, given up with advice after repeated fast crashes, stopped in good order. Which models it holds is
// the supervisor's affair.

import type { HelloResult, LogParams } from "../../protocol/worker";
import { abortable, Deferred, settles, type Clock, type Disposable } from "./async";
import type { WorkerClient, WorkerDeath } from "./client";
import { CrashCount, type CrashLimits } from "./crashes";
import { driverCrash, DriverCrashes } from "./driverCrashes";
import { OctetError, toOctetError } from "./errors";

export type SupervisedClient = Pick<
  WorkerClient,
  | "pid" | "exited" | "onLog" | "hello" | "load" | "inspect" | "generate" | "cancelLane" | "tokenize" | "status" | "unload"
  | "shutdown" | "leave" | "dispose"
>;

export type LifeState = "stopped" | "starting" | "running" | "restarting" | "failed";

/** What a worker is parted from with: its end, or, where other windows use it, goodbye. */
type Parting = "shutdown" | "leave";

export interface StartOptions {
  /** Whether the worker may load GPUs' drivers. */
  gpus: boolean;
}

export interface LifeOptions {
  start: (options: StartOptions) => SupervisedClient;
  /** Asked before each start; a worker that was started otherwise makes way for the next request. */
  wantsGpus: () => boolean;
  clock: Clock;
  crashLimits: CrashLimits;
  helloMs: number;
  shutdownMs: number;
  onState(state: LifeState, reason: string | null): void;
  onLog(line: LogParams): void;
  /** A worker without drivers works where those with them crashed, or did so again and again as they computed: told once, until a reset. */
  onDriverCrash(error: OctetError): void;
}

export interface Arrival {
  client: SupervisedClient;
  hello: HelloResult;
}

const RESTART_ADVICE = "Octet: Restart Worker tries the GPU again.";
const GIVE_UP_ADVICE = "Read the worker's log and run `octet doctor`, then restart the worker.";

export class WorkerLife {
  private state: LifeState = "stopped";
  private client: SupervisedClient | null = null;
  private arrival = new Deferred<Arrival>();
  private arrived = false;
  private readonly crashes: CrashCount;
  private readonly drivers = new DriverCrashes();
  /** What {@link LifeOptions.onDriverCrash} was told. */
  private crashTold: OctetError | null = null;
  /** Of the process there is now. */
  private gpus = true;
  private settledSince: number | null = null;
  private restart: Disposable | null = null;
  private stopping: Promise<void> = Promise.resolve();
  /** Counts starts and stops, so that a start which a stop has overtaken notices. */
  private era = 0;

  constructor(private readonly options: LifeOptions) {
    this.crashes = new CrashCount(options.crashLimits);
  }

  /** The process that has said hello, if there is one now. */
  get running(): SupervisedClient | null {
    return this.arrived ? this.client : null;
  }

  /** Why GPUs are left alone, though they are wanted. */
  get driverCrash(): OctetError | null {
    return this.options.wantsGpus() ? this.crashTold : null;
  }

  /** A worker that has said hello: starts one, or waits for one that is being started again. Rejects once given up, until a reset or another device. */
  async connect(signal?: AbortSignal): Promise<Arrival> {
    const isOther = this.gpus !== this.mayUseGpus();
    if (this.state === "failed" && isOther) this.reset(); // what failed did so with other drivers
    else if (this.client && isOther) this.makeWay(this.client, "leave");
    else if (this.running) this.tellOfDrivers(); // where they were not wanted as it said hello
    const { promise } = this.arrival;
    if (this.state === "stopped") void this.begin();
    return abortable(promise, signal, "the request");
  }

  /** A worker that crashes before it settles, however long after its start, has crashed fast: a long load counts so. */
  settle(isSettled: boolean): void {
    this.settledSince = isSettled && this.running ? (this.settledSince ?? this.options.clock.now()) : null;
  }

  /** Forgives the crashes so far, drivers' too. Given up: allows a new start. Waiting to restart: does it now. */
  reset(): void {
    this.crashes.reset();
    this.drivers.reset();
    this.crashTold = null;
    if (this.state === "failed") {
      this.arrival = new Deferred();
      this.enter("stopped", null);
    } else if (this.restart) void this.begin();
  }

  /**
   * Resolves when the process is gone, killed where it takes longer than `shutdownMs`; with `leave` one that others use goes on for them.
   * Requests that wait reject.
   */
  stop(reason: string, how: Parting = "shutdown"): Promise<void> {
    const client = this.client;
    this.forget();
    if (this.state !== "failed") {
      this.arrival.reject(new OctetError("workerDied", reason));
      this.arrival = new Deferred();
      this.enter("stopped", null);
    }
    if (client) this.part(client, how);
    return this.stopping;
  }

  /** What a GPU's driver has lost, as its device after a sleep, does not come back in this process. The next request starts another. */
  renew(client: SupervisedClient, error: OctetError): void {
    if (this.client !== client || !this.arrived) return;
    this.drivers.failedComputing(error, this.options.clock.now());
    this.log("warning", `the worker is started anew, since the GPU failed: ${error.message}`);
    this.makeWay(client, "shutdown");
  }

  /** For another worker. Whoever waits for a hello waits for that one's. */
  private makeWay(client: SupervisedClient, how: Parting): void {
    if (this.arrived) this.arrival = new Deferred();
    this.forget();
    this.part(client, how);
    this.enter("stopped", null);
  }

  private part(client: SupervisedClient, how: Parting): void {
    this.stopping = Promise.all([this.stopping, this.partFrom(client, how)]).then(() => undefined);
  }

  private async begin(): Promise<void> {
    this.forget();
    const era = this.era;
    this.enter("starting", null);
    await this.stopping; // two workers at once would hold the models' memory twice
    if (era !== this.era) return;
    this.gpus = this.mayUseGpus();
    let client: SupervisedClient;
    try {
      client = this.options.start({ gpus: this.gpus });
    } catch (error) {
      return this.giveUp(toOctetError(error));
    }
    this.client = client;
    client.onLog((line) => this.options.onLog(line));
    let hung = false;
    void client.exited.then((death) => this.onExit(client, death, hung));
    const hello = client.hello();
    if (!(await settles(hello, this.options.helloMs, this.options.clock)) && this.client === client) {
      hung = true;
      this.log("error", `the worker did not answer within ${this.options.helloMs} ms of its start`);
      client.dispose(true);
    }
    try {
      this.welcome({ client, hello: await hello });
    } catch (error) {
      const reason = toOctetError(error);
      if (this.client === client && reason.code !== "workerDied") this.giveUp(reason);
    }
  }

  private welcome(arrival: Arrival): void {
    if (this.client !== arrival.client) return;
    this.arrived = true;
    this.settle(true);
    this.drivers.answered();
    this.tellOfDrivers();
    this.arrival.resolve(arrival);
    this.enter("running", null);
  }

  private onExit(client: SupervisedClient, { exit, error, onGpu }: WorkerDeath, hung: boolean): void {
    if (this.client !== client) return;
    const { clock } = this.options;
    const hasHung = exit.hung !== undefined; // though a hello has come, perhaps: of another worker, before the host moved this window for a load
    if (this.gpus && (!this.arrived || hasHung)) this.drivers.died(exit, hung || hasHung);
    if (this.arrived) this.arrival = new Deferred();
    if (onGpu) this.drivers.diedComputing(exit, clock.now());
    const wait = exit.byAnother ? 0 : this.crashes.crashed(this.settledSince === null ? null : clock.now() - this.settledSince);
    this.forget();
    this.log(exit.byAnother ? "info" : "error", exit.lastWords.trim() === "" ? error.message : `${error.message}; its last words: ${exit.lastWords.trim()}`);
    if (wait === null) {
      const message = `the worker crashed ${this.crashes.count} times in a row; the last time, ${error.message}`;
      this.giveUp(new OctetError("workerDied", message, error.advice ?? GIVE_UP_ADVICE));
      return;
    }
    this.enter("restarting", error.message);
    this.restart = clock.setTimeout(() => void this.begin(), wait);
  }

  private mayUseGpus(): boolean {
    return this.options.wantsGpus() && !this.drivers.blamed;
  }

  private tellOfDrivers(): void {
    const { blamed } = this.drivers;
    if (!blamed || this.crashTold || !this.options.wantsGpus()) return;
    this.crashTold = driverCrash(blamed, RESTART_ADVICE);
    this.log("warning", this.crashTold.message);
    this.options.onDriverCrash(this.crashTold);
  }

  private giveUp(error: OctetError): void {
    const client = this.client;
    this.forget();
    client?.dispose();
    this.log("error", error.message);
    this.arrival.reject(error);
    this.enter("failed", error.message);
  }

  private forget(): void {
    this.era++;
    this.client = null;
    this.arrived = false;
    this.settledSince = null;
    this.restart?.dispose();
    this.restart = null;
  }

  private async partFrom(client: SupervisedClient, how: Parting): Promise<void> {
    client[how]().catch(() => undefined);
    if (!(await settles(client.exited, this.options.shutdownMs, this.options.clock))) client.dispose();
    await client.exited;
  }

  private enter(state: LifeState, reason: string | null): void {
    this.state = state;
    this.options.onState(state, reason);
  }

  private log(level: LogParams["level"], message: string): void {
    this.options.onLog({ level, message });
  }
}

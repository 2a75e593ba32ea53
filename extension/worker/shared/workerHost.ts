// The workers of all windows: windows that want the same models get the same worker, others one of their own. A worker that nobody
// uses stays for a moment, since a window that is loaded anew comes back, and is then ended.

import type { LoadParams } from "../../../protocol/worker";
import { abortable, settles, type Clock } from "../async";
import { cancelled } from "../errors";
import type { StartOptions, SupervisedClient } from "../life";
import { PooledWorker } from "./pooledWorker";
import { Seat, type Seating, type SeatNews } from "./seat";

export interface WorkerHostOptions {
  start(options: StartOptions): SupervisedClient;
  clock: Clock;
  /** A worker, or models, that no window uses stay for so long. */
  lingerMs: number;
  /** What a shutdown may take before the process is killed. */
  shutdownMs: number;
  /** A worker, started for a load, that has not said hello by then is killed. */
  helloMs: number;
  /** The last worker is gone. */
  onEmpty(): void;
}

export class WorkerHost implements Seating {
  private readonly workers = new Set<PooledWorker>();
  private next = 1;
  /** Workers with GPUs' drivers, in a row, that did not say hello. */
  private hung = 0;

  constructor(private readonly options: WorkerHostOptions) {}

  get isEmpty(): boolean {
    return this.workers.size === 0;
  }

  /** A window comes. It gets the worker that is there, or a new one; `news.onAttached` is called before this returns. */
  seat(gpus: boolean, news: SeatNews): Seat {
    const seat = new Seat(this.next++, gpus, news, this);
    const [first] = this.usable(gpus).sort((a, b) => b.holders.size - a.holders.size);
    this.move(seat, first ?? this.start(gpus));
    return seat;
  }

  async place(seat: Seat, params: LoadParams, signal: AbortSignal): Promise<PooledWorker> {
    for (;;) {
      if (signal.aborted) throw cancelled("the load");
      const usable = this.usable(seat.gpus);
      const others = usable.filter((worker) => worker !== seat.worker);
      const inOrder = usable.includes(seat.worker) ? [seat.worker, ...others] : others;
      const has = inOrder.find((worker) => worker.has(params));
      const leaving = has ? undefined : [...this.workers].find((worker) => worker.leaving)?.client.exited;
      const found = has ?? (leaving ? undefined : inOrder.find((worker) => worker.isFreeFor(seat)));
      if (found) {
        this.move(seat, found);
        return found;
      }
      const ending = leaving ?? inOrder.map((worker) => worker.cancelling).find((cancelling) => cancelling !== null);
      if (ending) {
        await abortable<unknown>(ending, signal, "the load"); // memory for both at once would have to be there
        continue;
      }
      const own = this.start(seat.gpus);
      this.move(seat, own);
      await abortable(this.greeted(own), signal, "the load");
      return own;
    }
  }

  move(seat: Seat, worker: PooledWorker): void {
    const before = seat.worker as PooledWorker | undefined;
    if (before === worker) return;
    before?.seats.delete(seat);
    worker.seats.add(seat);
    seat.worker = worker;
    seat.news.onAttached(worker.client.pid);
    if (before) this.left(before);
  }

  left(worker: PooledWorker): void {
    worker.lingering?.dispose();
    worker.lingering = this.options.clock.setTimeout(() => {
      if (worker.leaving) return;
      if (worker.seats.size === 0) this.end(worker).catch(() => undefined);
      else if (worker.isIdle) worker.unload().catch(() => undefined);
    }, this.options.lingerMs);
  }

  end(worker: PooledWorker): Promise<void> {
    const { client } = worker;
    worker.leaving = true;
    void settles(client.exited, this.options.shutdownMs, this.options.clock).then((isGone) => isGone || client.dispose());
    return client.shutdown();
  }

  leave(seat: Seat): void {
    seat.worker.seats.delete(seat);
    this.left(seat.worker);
  }

  /** No window waits for this hello: one that does not come has to be noticed here. */
  private async greeted(worker: PooledWorker): Promise<void> {
    const { helloMs, clock } = this.options;
    const hello = worker.hello();
    if (!(await settles(hello, helloMs, clock))) worker.giveUp();
    await hello;
  }

  private usable(gpus: boolean): PooledWorker[] {
    return [...this.workers].filter((worker) => worker.gpus === gpus && !worker.leaving);
  }

  private start(gpus: boolean): PooledWorker {
    const worker = new PooledWorker(this.options.start({ gpus }), gpus, () => {
      if (gpus) this.hung = 0;
    });
    this.workers.add(worker);
    worker.client.onLog((line) => worker.seats.forEach(({ news }) => news.onLog(line)));
    void worker.client.exited.then(({ exit }) => {
      worker.leaving = true;
      this.workers.delete(worker);
      const { endedBy, hung } = worker;
      if (hung && gpus) this.hung++;
      const whole = hung && gpus ? { ...exit, hung: this.hung } : exit;
      const isEveryones = hung || endedBy === null;
      for (const seat of worker.seats) seat.news.onExit(isEveryones || endedBy === seat ? whole : { ...whole, byAnother: true });
      if (this.isEmpty) this.options.onEmpty();
    });
    return worker;
  }
}

// Whether GPUs' drivers may be loaded: a driver that ends worker after worker before they have said hello is left alone.

import type { LoadResult } from "../../protocol/worker";
import { OctetError } from "./errors";
import { describeExit, wasCrash, type WorkerExit } from "./process";

/** So many deaths in a row, and the driver is to blame: one alone may have had another cause. */
const MOST_DEATHS = 2;

export class DriverCrashes {
  private inARow = 0;
  private last: WorkerExit | null = null;

  /** How the last worker ended, where drivers are to be left alone; null: they may be loaded. */
  get blamed(): WorkerExit | null {
    return this.inARow >= MOST_DEATHS ? this.last : null;
  }

  /** A worker that was to load drivers went away before its hello. */
  died(exit: WorkerExit): void {
    if (!wasCrash(exit)) return;
    this.inARow++;
    this.last = exit;
  }

  /** A worker has said hello. What was blamed stays so: the worker may have been started without it. */
  answered(): void {
    if (!this.blamed) this.inARow = 0;
  }

  reset(): void {
    this.inARow = 0;
  }
}

/** For the user, once a worker without drivers works. `again`: what else there is to do, a sentence. */
export function driverCrash(exit: WorkerExit, again: string): OctetError {
  return new OctetError(
    "workerDied",
    `the GPU's driver crashed Octet's worker (${describeExit(exit)}), so the processor is used`,
    `Update the driver; ${again}`,
  );
}

/** What a load says of it. */
export const crashNotice = ({ message, advice }: OctetError): string => `${message[0]?.toUpperCase()}${message.slice(1)}. ${advice}`;

export const withNotice = (loaded: LoadResult, crash: OctetError): LoadResult => ({ ...loaded, notices: [crashNotice(crash), ...loaded.notices] });

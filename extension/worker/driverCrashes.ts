// Whether GPUs' drivers may be loaded: a driver that ends, or keeps, worker after worker before they have said hello is left alone.

import type { LoadResult } from "../../protocol/worker";
import { OctetError } from "./errors";
import { describeExit, wasCrash, type WorkerExit } from "./process";

/** So many deaths in a row, and the driver is to blame: one alone may have had another cause. */
const MOST_DEATHS = 2;

export interface DriverFailure extends WorkerExit {
  /** It kept the worker from answering, which was killed for it. */
  hung: boolean;
}

export class DriverCrashes {
  private inARow = 0;
  private last: DriverFailure | null = null;

  /** How the last worker ended, where drivers are to be left alone; null: they may be loaded. */
  get blamed(): DriverFailure | null {
    return this.inARow >= MOST_DEATHS ? this.last : null;
  }

  /** A worker that was to load drivers went away before its hello; `hung`: killed, since that did not come. */
  died(exit: WorkerExit, hung = false): void {
    if (!wasCrash(exit)) return;
    this.inARow++;
    this.last = { ...exit, hung };
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
export function driverCrash(failure: DriverFailure, again: string): OctetError {
  const what = failure.hung ? "hangs and keeps Octet's worker from starting" : `crashed Octet's worker (${describeExit(failure)})`;
  return new OctetError(
    "workerDied",
    `the GPU's driver ${what}, so the processor is used`,
    `Update the driver; ${again}`,
  );
}

/** What a load says of it. */
export const crashNotice = ({ message, advice }: OctetError): string => `${message[0]?.toUpperCase()}${message.slice(1)}. ${advice}`;

export const withNotice = (loaded: LoadResult, crash: OctetError): LoadResult => ({ ...loaded, notices: [crashNotice(crash), ...loaded.notices] });

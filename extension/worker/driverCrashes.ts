// Whether GPUs' drivers may be loaded: a driver is left alone that ends, or keeps, worker after worker before they have said hello, or that
// ends them again and again while they compute on it.

import type { LoadResult } from "../../protocol/worker";
import { OctetError } from "./errors";
import { describeExit, wasCrash, type WorkerExit } from "./process";

/** So many deaths in a row, and the driver is to blame: one alone may have had another cause. */
const MOST_DEATHS = 2;
/** So many within so long while workers compute: that may have another cause, and a driver that seldom fails is still the fastest. */
const MOST_COMPUTING = 3;
const COMPUTING_MS = 10 * 60_000;
/** Sent from outside, by whoever is short of memory or patience. */
const FROM_OUTSIDE: (NodeJS.Signals | null)[] = ["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"];

export interface DriverFailure extends WorkerExit {
  /** "start": it crashed the worker as it started. "hang": it kept it from answering, which was killed for it. "work": as it computed. */
  during: "start" | "hang" | "work";
}

export class DriverCrashes {
  private inARow = 0;
  private last: DriverFailure | null = null;
  /** When, of late, workers died or failed as they computed; the oldest first. */
  private computing: number[] = [];

  /** How the last worker ended, where drivers are to be left alone; null: they may be loaded. */
  get blamed(): DriverFailure | null {
    return this.inARow >= MOST_DEATHS || this.computing.length >= MOST_COMPUTING ? this.last : null;
  }

  /** A worker that was to load drivers went away before its hello; `hung`: killed, since that did not come. Other windows may have waited in vain before. */
  died(exit: WorkerExit, hung = false): void {
    if (!wasCrash(exit)) return;
    this.inARow = Math.max(this.inARow + 1, exit.hung ?? 0);
    this.last = { ...exit, during: hung ? "hang" : "start" };
  }

  /** A worker went away whose models were, or were being put, on a GPU. `now` in milliseconds. */
  diedComputing(exit: WorkerExit, now: number): void {
    if (wasCrash(exit) && !FROM_OUTSIDE.includes(exit.signal)) this.failed(exit, now);
  }

  /** A pass on a GPU failed, and its worker was ended for it. */
  failedComputing(error: Error, now: number): void {
    this.failed({ code: null, signal: null, error, lastWords: "" }, now);
  }

  private failed(exit: WorkerExit, now: number): void {
    if (this.blamed) return;
    this.computing = [...this.computing.filter((at) => now - at < COMPUTING_MS), now];
    this.last = { ...exit, during: "work" };
  }

  /** A worker has said hello. What was blamed stays so: the worker may have been started without it. */
  answered(): void {
    if (!this.blamed) this.inARow = 0;
  }

  reset(): void {
    this.inARow = 0;
    this.computing = [];
  }
}

/** For the user, once a worker without drivers works. `again`: what else there is to do, a sentence. */
export function driverCrash(failure: DriverFailure, again: string): OctetError {
  const why = describeExit(failure);
  const what = {
    start: `the GPU's driver crashed Octet's worker (${why})`,
    hang: "the GPU's driver hangs and keeps Octet's worker from starting",
    work: `Octet's worker failed ${MOST_COMPUTING} times as it computed on the GPU (${why})`,
  };
  return new OctetError(
    "workerDied",
    `${what[failure.during]}, so the processor is used`,
    `Update the driver; ${again}`,
  );
}

/** What a load says of it. */
export const crashNotice = ({ message, advice }: OctetError): string => `${message[0]?.toUpperCase()}${message.slice(1)}. ${advice}`;

export const withNotice = (loaded: LoadResult, crash: OctetError): LoadResult => ({ ...loaded, notices: [crashNotice(crash), ...loaded.notices] });

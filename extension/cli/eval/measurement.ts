// What suites that only measure have in common: load, measure, and print what was done, also when it was cut short.
import type { LoadParams, LoadResult } from "../../../protocol/worker";
import { withWorker, type CliContext } from "../context";
import { ExitCode, isCancelled } from "../errors";
import { formatDuration } from "../format";
import type { WorkerApi } from "../workerApi";

export interface Measurement {
  load: LoadParams;
  /** Rejects when cancelled. */
  measure(worker: WorkerApi, loaded: LoadResult): Promise<void>;
  /** Whether there is anything to report, though not all was done. */
  hasResults(): boolean;
  report(loaded: LoadResult): Promise<void>;
}

export async function runMeasurement(work: Measurement, context: CliContext): Promise<number> {
  let loaded: LoadResult | undefined;
  let failed: Error | undefined;
  try {
    await withWorker(context, work.load.device, async (worker) => {
      loaded = await worker.load(work.load, { signal: context.signal });
      await work.measure(worker, loaded);
    });
  } catch (error) {
    if (!isCancelled(error)) failed = error as Error;
  }
  if (loaded && (work.hasResults() || !failed)) await work.report(loaded);
  if (failed) throw failed; // what was done before is printed all the same
  return context.signal.aborted ? ExitCode.cancelled : ExitCode.done;
}

/** ", 2 min 5 s left" by the pace since `start`; empty before anything is done. */
export function remaining(start: number, done: number, total: number): string {
  return done === 0 ? "" : `, ${formatDuration(((performance.now() - start) / done) * (total - done))} left`;
}

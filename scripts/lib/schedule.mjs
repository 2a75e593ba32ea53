// Runs suites beside each other: one that goes by the clock at a time, and what only computes on all cores, giving way to it.

/** @typedef {import("./suites.mjs").Suite} Suite */
/** @typedef {import("./suites.mjs").Result} Result */

/**
 * @param {Suite[]} suites those `byClock` run in their order, one after another; beside them the parts of the others, in theirs
 * @param {number} cores how many parts of the others run at a time. From the first window that is driven, until no suite by the clock is left,
 *   none is begun but where fewer than `cores` - 1 run, or none
 * @param {(suite: Suite, result: Result, seconds: number) => void} report called when a suite's last part has ended; seconds since its first began
 *
 * What suites prepare begins at once, since it waits for the network more than it computes. Where it fails, the suite itself meets the reason.
 * A part that throws has failed, and the others go on.
 */
export async function runSuites(suites, cores, report) {
  const prepared = Promise.allSettled(suites.map(async (suite) => suite.prepare?.()));
  const opened = suites.map(openSuite);
  const partsOf = (some) => some.flatMap((suite) => suite.parts.map((run) => ({ suite, run })));
  const timed = partsOf(opened.filter(({ suite }) => suite.byClock));
  const others = partsOf(opened.filter(({ suite }) => !suite.byClock));
  let windowDriven = false;
  const inOrder = async () => {
    for (const { suite, run } of timed) {
      if (suite.suite.prepare) await prepared;
      windowDriven ||= Boolean(suite.suite.drivesWindow);
      await runPart(suite, run, report);
    }
    windowDriven = false;
  };
  const timedDone = inOrder();
  let busy = 0;
  const work = async () => {
    while (others.length > 0) {
      if (busy >= (windowDriven ? Math.max(cores - 1, 1) : cores)) {
        await timedDone;
        continue;
      }
      const { suite, run } = others.shift();
      ++busy;
      await runPart(suite, run, report);
      --busy;
    }
  };
  await Promise.all([timedDone, ...Array.from({ length: cores }, work)]);
  await prepared;
}

const openSuite = (suite) => ({ suite, parts: suite.parts, results: [], began: undefined });

async function runPart(open, run, report) {
  open.began ??= performance.now();
  open.results.push(await run().catch((error) => ({ passed: 0, failed: 1, output: String(error?.stack ?? error) })));
  if (open.results.length < open.parts.length) return;
  report(open.suite, together(open.results), (performance.now() - open.began) / 1000);
}

/** @param {Result[]} results of one suite's parts. Where some failed, the output is theirs. */
export function together(results) {
  const total = (key) => results.reduce((sum, result) => sum + (result[key] ?? 0), 0);
  const texts = (key, of = results) => of.map((result) => result[key]).filter(Boolean);
  const told = total("failed") > 0 ? results.filter(({ failed }) => failed > 0) : results;
  const again = results.flatMap((result) => result.again ?? []);
  return {
    passed: total("passed"), failed: total("failed"), skipped: total("skipped"),
    why: texts("why").join("; "), output: texts("output", told).join("\n"), ...(again.length > 0 && { again }),
  };
}

// Runs suites beside each other: one that goes by the clock at a time, and what only computes on all cores, giving way to it.

/** @typedef {import("./suites.mjs").Suite} Suite */
/** @typedef {import("./suites.mjs").Result} Result */

/**
 * @param {Suite[]} suites those `byClock` run in their order, one after another; beside them the parts of the others, in theirs
 * @param {number} cores how many parts of the others run at a time; from where a window is driven, one fewer and one at least until no suite
 *   by the clock is left
 * @param {(suite: Suite, result: Result, seconds: number) => void} report called when a suite's last part has ended; seconds since its first began
 *
 * What suites prepare begins at once, since it waits for the network more than it computes. Where it fails, the suite itself meets the reason.
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
      windowDriven = Boolean(suite.suite.drivesWindow);
      if (suite.suite.prepare) await prepared;
      await runPart(suite, run, report);
    }
  };
  const timedDone = inOrder();
  const work = async (_, place) => {
    for (;;) {
      if (windowDriven && place >= Math.max(cores - 1, 1)) await timedDone;
      const next = others.shift();
      if (!next) return;
      await runPart(next.suite, next.run, report);
    }
  };
  await Promise.all([timedDone, ...Array.from({ length: cores }, work)]);
  await prepared;
}

const openSuite = (suite) => ({ suite, parts: suite.parts, results: [], began: undefined });

async function runPart(open, run, report) {
  open.began ??= performance.now();
  open.results.push(await run());
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

// Runs suites beside each other, since most take one core: parts of them on as many cores as there are, those that drive a window alone.

/** @typedef {import("./suites.mjs").Suite} Suite */
/** @typedef {import("./suites.mjs").Result} Result */

/**
 * @param {Suite[]} suites run in their order, those that are `alone` behind all others
 * @param {number} cores how many parts run at a time
 * @param {(suite: Suite, result: Result, seconds: number) => void} report called when a suite's last part has ended; seconds since its first began
 *
 * What suites prepare begins at once, since it waits for the network more than it computes. Where it fails, the suite itself meets the reason.
 */
export async function runSuites(suites, cores, report) {
  const prepared = Promise.allSettled(suites.map(async (suite) => suite.prepare?.()));
  const shared = suites.filter((suite) => !suite.alone).map(openSuite);
  const parts = shared.flatMap((suite) => suite.parts.map((run) => ({ suite, run })));
  const work = async () => {
    for (let next; (next = parts.shift());) await runPart(next.suite, next.run, report);
  };
  await Promise.all(Array.from({ length: cores }, work));
  await prepared;
  for (const suite of suites.filter(({ alone }) => alone).map(openSuite)) {
    for (const run of suite.parts) await runPart(suite, run, report);
  }
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

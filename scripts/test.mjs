// `npm test`: prepares what is missing and runs every suite; `npm test -- unit native` runs those named. The last line is
// "N passed, N failed"; the exit code is 0 where nothing failed.
import { availableParallelism } from "node:os";
import { Failure, script } from "./lib/run.mjs";
import { runSuites } from "./lib/schedule.mjs";
import { excerpt, suites } from "./lib/suites.mjs";
import { setup } from "./setup.mjs";

let passed = 0;
let failed = 0;

await script("test", async () => {
  const chosen = choose(process.argv.slice(2));
  try {
    await setup({ tests: chosen.some((suite) => suite.native), browser: chosen.some((suite) => suite.browser) });
    console.log("Octet: testing");
    await runSuites(chosen, Math.min(availableParallelism(), 4), report);
  } catch (error) {
    failed += 1;
    throw error;
  }
});
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0) process.exitCode ||= 1;

function choose(names) {
  const unknown = names.find((name) => !suites.some((suite) => suite.name === name));
  if (unknown === undefined) return names.length > 0 ? suites.filter((suite) => names.includes(suite.name)) : suites;
  failed += 1;
  throw new Failure(`there is no suite "${unknown}"; there are: ${suites.map((suite) => suite.name).join(", ")}`);
}

function report({ name, what }, result, seconds) {
  passed += result.passed;
  failed += result.failed;
  if ((result.failed > 0 || result.again) && result.output) console.log(excerpt(result.output));
  if (result.again) console.log(`  ran a second time: ${result.again.join(", ")}`);
  const skipped = result.skipped ? `, ${result.skipped} skipped${result.why ? `: ${result.why}` : ""}` : "";
  const took = `${seconds.toFixed(1).padStart(6)} s`;
  console.log(`  ${name.padEnd(8)} ${what.padEnd(48)} ${took}   ${result.passed} passed, ${result.failed} failed${skipped}`);
}

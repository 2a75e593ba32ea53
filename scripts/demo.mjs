// `npm run demo`: prepares what is missing, then shows eight completions of an example. Arguments after `--` go to
// `octet generate`; a file among them replaces the example.
import path from "node:path";
import { demoArguments, judgeValues } from "./lib/demoArguments.mjs";
import { root, run, script } from "./lib/run.mjs";
import { buildAll, preparePackages } from "./setup.mjs";

await script("demo", async () => {
  process.chdir(root); // where npm runs it, and octet too
  const args = demoArguments(process.argv.slice(2));
  await preparePackages();
  if (!await judgeValues(args)) return;
  await buildAll();
  console.log(`\n$ octet ${args.join(" ")}\n`);
  process.on("SIGINT", () => {}); // octet has it too, and ends in order
  process.exitCode = (await run(process.execPath, ["dist/cli.js", ...args], { show: true, input: true })).code;
});

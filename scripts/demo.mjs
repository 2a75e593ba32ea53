// `npm run demo`: prepares what is missing, then shows eight completions of an example. Arguments after `--` go to
// `octet generate`; a file among them replaces the example.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { root, script } from "./lib/run.mjs";
import { setup } from "./setup.mjs";

await script("demo", async () => {
  await setup();
  const given = process.argv.slice(2);
  const file = given.some((argument) => existsSync(argument)) ? [] : ["examples/csv_columns.py"];
  const args = ["generate", ...file, "-n", "8", "--draft-length", "auto", "--temperature", "0.6", "--max-tokens", "48", ...given];
  console.log(`\n$ octet ${args.join(" ")}\n`);
  const child = spawn(process.execPath, [path.join(root, "dist/cli.js"), ...args], { cwd: root, stdio: "inherit" });
  process.on("SIGINT", () => {}); // the child has it too, and ends in order
  process.exitCode = await new Promise((resolve) => child.on("close", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 1))));
});

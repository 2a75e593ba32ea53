// A test-runner extension, for a VS Code that does not take extensionTestsPath: runs the host suite once, when the window is
// there, and writes the results as JSON lines to the file that OCTET_HOST_RESULTS names, ending with {"done":true}.
import { appendFileSync } from "node:fs";
import { runCases } from "../harness";
import "../cases";

export function activate(): void {
  const file = process.env["OCTET_HOST_RESULTS"];
  if (!file) return;
  const write = (value: unknown): void => appendFileSync(file, `${JSON.stringify(value)}\n`);
  runCases((line) => write({ line }))
    .then((results) => write({ results, done: true }))
    .catch((error: unknown) => write({ error: String(error), done: true }));
}

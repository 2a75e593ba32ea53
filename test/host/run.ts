// The host suite: `run` is what @vscode/test-electron's extensionTestsPath wants.
import "./cases";
import { runCases, type HostResult } from "./harness";

/** Rejects where a case failed. */
export async function run(report: (line: string) => void = (line) => console.log(line)): Promise<HostResult[]> {
  const results = await runCases(report);
  const failed = results.filter(({ error }) => error !== undefined);
  if (failed.length > 0) throw new Error(`${failed.length} of ${results.length} cases failed: ${failed.map(({ name }) => name).join("; ")}`);
  return results;
}

// The ways to jail a program that hold on this machine. A container may forbid them all: tests that run programs are skipped there.
import { jails, type Jail } from "../../extension/cli/eval/sandbox/jail";
import { openSandbox } from "../../extension/cli/eval/sandbox/sandbox";

export async function holdingJails(): Promise<Jail[]> {
  const found: Jail[] = [];
  for (const jail of jails) {
    const sandbox = await openSandbox({ jails: [jail] }, new AbortController().signal).catch(() => null);
    if (sandbox) found.push(jail);
    await sandbox?.close();
  }
  return found;
}

// The ways to jail a program that hold on this machine. Tests that run programs are skipped only where the system itself
// forbids it, as a container may: where its plain tool may do what a jail is made of, the jail has to hold.
import { spawnSync } from "node:child_process";
import { jails, type Jail } from "../../extension/cli/eval/sandbox/jail";
import { openSandbox } from "../../extension/cli/eval/sandbox/sandbox";

export interface JailsHere {
  holding: Jail[];
  /** Jails that the system allows and that do not hold, with the reason: a defect of ours. */
  broken: string[];
  /** Jails that the system does not allow, or does not have. */
  forbidden: string[];
}

export async function jailsHere(of: readonly Jail[] = jails): Promise<JailsHere> {
  const here: JailsHere = { holding: [], broken: [], forbidden: [] };
  for (const jail of of) {
    try {
      const sandbox = await openSandbox({ jails: [jail] }, new AbortController().signal);
      here.holding.push(jail);
      await sandbox.close();
    } catch (error) {
      const refusal = refusalOf(jail.name);
      if (refusal === null) here.broken.push((error as Error).message);
      else here.forbidden.push(`${jail.name}: ${refusal}`);
    }
  }
  return here;
}

export const holdingJails = async (): Promise<Jail[]> => (await jailsHere()).holding;

const asRoot = process.getuid?.() === 0;
/** What each jail begins with, without any of ours: namespaces, and a mount in them. */
const plain: Record<Jail["name"], readonly string[]> = {
  unshare: [
    "unshare", ...(asRoot ? [] : ["--user", "--map-root-user"]), "--net", "--mount", "--pid", "--ipc", "--uts", "--fork",
    "--", "sh", "-c", "mount -t tmpfs tmpfs /tmp && exec setpriv --no-new-privs --bounding-set=-all true",
  ],
  bwrap: ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--tmpfs", "/tmp", "--", "true"],
};

/** Why the system does not let such a jail be made; null where it does. */
function refusalOf(name: Jail["name"]): string | null {
  if (process.platform !== "linux") return "not Linux";
  if (spawnSync("python3", ["-c", ""]).status !== 0) return "no Python 3";
  const [program = "", ...args] = plain[name];
  const { status, error, stderr } = spawnSync(program, args, { encoding: "utf8", timeout: 20_000 });
  if (error) return (error as NodeJS.ErrnoException).code === "ENOENT" ? "not installed" : error.message;
  return status === 0 ? null : stderr.trim() || `exit code ${status}`;
}

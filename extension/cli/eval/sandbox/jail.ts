// The two ways to shut a program in on Linux: util-linux's unshare with a short script that builds a room, or bubblewrap with
// the same room. Either way the program has namespaces of its own for processes, network, mounts and IPC; sees the system's programs
// and libraries read-only and nothing else of the machine's files; may write to /work alone, a folder in memory that goes
// with it; has no capabilities, and a filter of system calls (filter.ts); and ends with the first process of its namespace, which
// ends with us.
import { lstatSync, readlinkSync } from "node:fs";
import { launcher } from "./filter";
import { prlimit, type Limits } from "./limits";

export interface Room {
  /** An empty folder of ours, where the unshare jail mounts its root. */
  mountPoint: string;
  /** Folders shown read-only. */
  folders: readonly string[];
  /** Symbolic links of the root: name and where it leads. */
  links: readonly (readonly [name: string, to: string])[];
  python: string;
  limits: Limits;
}

export interface Jail {
  name: "bwrap" | "unshare";
  /** Program and arguments; the Python program is read from standard input. */
  command(room: Room): string[];
}

/** The search path, outside and inside. */
export const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const environment = [`PATH=${PATH}`, "HOME=/work", "TMPDIR=/work", "LANG=C.UTF-8"];
const python = (room: Room): string[] => [room.python, "-I", "-S", "-B", "-c", launcher, "program.py"];

/** Seconds by which the jail's own clock is the first to end a program. */
export const GRACE_SECONDS = 2;

const bwrap: Jail = {
  name: "bwrap",
  command: (room) => [
    "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv",
    ...environment.flatMap((entry) => ["--setenv", ...entry.split("=")]),
    ...room.folders.flatMap((folder) => ["--ro-bind", folder, folder]),
    ...room.links.flatMap(([name, to]) => ["--symlink", to, `/${name}`]),
    ...devices.flatMap((device) => ["--dev-bind", `/dev/${device}`, `/dev/${device}`]),
    "--size", String(room.limits.folderBytes), "--tmpfs", "/work", "--symlink", "work", "/tmp", "--remount-ro", "/", "--chdir", "/work",
    "--", "sh", "-c", `cat > program.py; exec timeout -s KILL "$@" </dev/null`, "sh",
    String(room.limits.seconds), ...prlimit(room.limits), ...python(room),
  ],
};

const devices = ["null", "zero", "random", "urandom"];

// Arguments: mount point, bytes of /work, seconds; folders; "--"; name and target of each link; "--"; the command.
// Mount's and umount's programs read /proc of the old root until it is gone. The script stays as the namespace's first
// process: when it ends, by itself or because its parent died, the kernel ends every other.
const script = `
set -eu
root=$1 size=$2 seconds=$3
shift 3
echo 1000 2>/dev/null >/proc/self/oom_score_adj || :
mount -t tmpfs -o mode=755,size=1m,nr_inodes=512 tmpfs "$root"
cd "$root"
while [ "$1" != -- ]; do
  mkdir -p ".$1"
  mount --rbind "$1" ".$1"
  mount -o remount,bind,ro,nosuid,nodev ".$1"
  shift
done
shift
while [ "$1" != -- ]; do
  ln -s "$2" "$1"
  shift 2
done
shift
mkdir -p dev old work
ln -s work tmp
ln -s old/proc proc
for device in ${devices.join(" ")}; do
  : > "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mount -t tmpfs -o "mode=777,size=$size,nr_inodes=256,nosuid,nodev,noexec" tmpfs work
pivot_root . old
mount -o remount,bind,ro /
umount -l /old
cd /work
cat > program.py
timeout -s KILL "$seconds" "$@" </dev/null
`;

const NOBODY = "65534";

/**
 * Root needs no user namespace, and gives up being root: the kernel exempts root from the limit on processes. What unshare has started
 * ends with it, and it ends with us, killed or not.
 */
const unshare: Jail = {
  name: "unshare",
  command: (room) => {
    const isRoot = process.getuid?.() === 0;
    return [
      "setpriv", "--pdeathsig=KILL", "unshare", ...(isRoot ? [] : ["--user", "--map-root-user"]), "--net", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child",
      "--", "sh", "-c", script, "sh", room.mountPoint, String(room.limits.folderBytes), String(room.limits.seconds),
      ...room.folders, "--", ...room.links.flat(), "--",
      "setpriv", ...(isRoot ? [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : []),
      "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all",
      ...prlimit(room.limits), "env", "-i", ...environment, ...python(room),
    ];
  },
};

/** The better first: bubblewrap does not bound how many files /work holds, but works on systems that forbid unshare. */
export const jails: readonly Jail[] = [unshare, bwrap];

/** What of the system a Python needs: /usr with its links, and where the interpreter lives, if elsewhere. */
export function systemFolders(pythonPrefix: string): Pick<Room, "folders" | "links"> {
  const folders: string[] = [];
  const links: [string, string][] = [];
  for (const name of ["usr", "bin", "sbin", "lib", "lib32", "lib64"]) {
    const found = lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (found?.isSymbolicLink()) links.push([name, readlinkSync(`/${name}`)]);
    else if (found?.isDirectory()) folders.push(`/${name}`);
  }
  if (!folders.some((folder) => `${pythonPrefix}/`.startsWith(`${folder}/`))) folders.push(pythonPrefix);
  return { folders, links };
}

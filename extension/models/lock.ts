// One process at a time downloads a file, or adds to it: FILE.lock names the holder, who touches it every few seconds. A lock
// whose process is gone, or that was not touched for a while (another machine on a shared folder), counts no more. Should two
// processes ever hold it all the same, a download's checksum still keeps a wrong file out.
import { open, readFile, rm, stat, utimes, type FileHandle } from "node:fs/promises";
import { hostname } from "node:os";
import { DownloadError } from "./downloadError";

const TOUCH_MS = 10_000;
const STALE_MS = 60_000;

interface Holder {
  pid: number;
  host: string;
}

export interface Lock {
  release(): Promise<void>;
}

/** Throws DownloadError("locked") while another process holds it, and errors of the file system. `what`: what a holder does. */
export async function lock(file: string, what = "downloaded"): Promise<Lock> {
  const place = `${file}.lock`;
  if (!(await create(place))) {
    const holder = await readHolder(place);
    if (await isHeld(place, holder)) throw locked(file, holder, what);
    await rm(place, { force: true });
    if (!(await create(place))) throw locked(file, null, what);
  }
  const timer = setInterval(() => {
    const now = new Date();
    utimes(place, now, now).catch(() => undefined);
  }, TOUCH_MS);
  timer.unref();
  return {
    release: async () => {
      clearInterval(timer);
      await rm(place, { force: true });
    },
  };
}

/** Throws DownloadError("locked") while a process downloads the file; what one that is gone has left is deleted. */
export async function checkUnlocked(file: string): Promise<void> {
  const place = `${file}.lock`;
  const holder = await readHolder(place);
  if (await isHeld(place, holder)) throw locked(file, holder);
  await rm(place, { force: true });
}

function locked(file: string, holder: Holder | null, what = "downloaded"): DownloadError {
  const who = holder ? ` (process ${holder.pid})` : "";
  return new DownloadError("locked", `${file} is being ${what} by another window or program${who}`, "Wait for it, or cancel it there.");
}

/** false: it is there already. */
async function create(place: string): Promise<boolean> {
  const holder: Holder = { pid: process.pid, host: hostname() };
  let handle: FileHandle;
  try {
    handle = await open(place, "wx");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
  try {
    await handle.writeFile(JSON.stringify(holder)).finally(() => handle.close());
    return true;
  } catch (error) { // a full disk takes a file and nothing in it, which would hold for a while
    await rm(place, { force: true });
    throw error;
  }
}

async function readHolder(place: string): Promise<Holder | null> {
  try {
    const { pid, host } = JSON.parse(await readFile(place, "utf8")) as Partial<Holder>;
    return typeof pid === "number" && pid > 0 && typeof host === "string" ? { pid, host } : null;
  } catch {
    return null;
  }
}

async function isHeld(place: string, holder: Holder | null): Promise<boolean> {
  if (holder?.host === hostname() && !isAlive(holder.pid)) return false;
  const touched = await stat(place).then(({ mtimeMs }) => mtimeMs, () => null);
  return touched !== null && Date.now() - touched < STALE_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

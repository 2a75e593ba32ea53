// The file of a socket that a process listens on. It outlives a process that was killed, and keeps others from listening there.

import { linkSync, lstatSync, renameSync, rmSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";

/** A younger one may be about to be listened on: its file is there a little before. */
const YOUNG_MS = 60_000;
const MOST_LOOKED_AT = 100;

/** Of a file that has taken another's place it differs, though the inode may be the same; undefined: there is none. */
export function identityOf(file: string): string | undefined {
  const found = lstatSync(file, { bigint: true, throwIfNoEntry: false });
  return found && `${found.ino} ${found.mtimeNs}`;
}

/** Takes it away where nobody listens. False: somebody does. Throws where it cannot be taken away. */
export async function removeStale(address: string): Promise<boolean> {
  const before = identityOf(address);
  if (isListening(await knock(address))) return false;
  if (identityOf(address) === before) rmSync(address, { force: true }); // else another process has done so, and may listen by now
  return true;
}

/**
 * Takes away the sockets beside `address` that nobody listens on any more: those of other names, which nobody else would take away.
 * Never rejects: what cannot be taken away stays.
 */
export async function sweepBeside(address: string): Promise<void> {
  const folder = path.dirname(address);
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((name) => name.endsWith(".sock")).slice(0, MOST_LOOKED_AT)) {
    const file = path.join(folder, name);
    if (file === address) continue;
    try {
      const before = identityOf(file);
      if (before !== undefined && isOldSocket(file) && (await knock(file)) === "ECONNREFUSED") takeAway(file, before);
    } catch {
      // Another process was faster, or the system does not let it go.
    }
  }
}

/** If it is still that one. One that has taken its place since is put back at once: a name is moved, never the file of one who listens removed. */
export function takeAway(file: string, identity: string): void {
  const aside = path.join(path.dirname(file), `${process.pid}.sock`);
  renameSync(file, aside);
  if (identityOf(aside) === identity || isLinked(aside, file)) rmSync(aside);
  else renameSync(aside, file);
}

/** False: the file system links no sockets. Where yet another has taken the place meanwhile, that one stays. */
function isLinked(aside: string, file: string): boolean {
  try {
    linkSync(aside, file);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EEXIST";
  }
}

function isOldSocket(file: string): boolean {
  const found = lstatSync(file);
  return found.isSocket() && found.uid === process.getuid?.() && Date.now() - found.mtimeMs > YOUNG_MS;
}

const isListening = (answer: string): boolean => answer === "" || answer === "EAGAIN"; // more wait there than it takes

/** What a connection to it fails with; empty: it does not. */
function knock(address: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(address, () => {
      socket.destroy();
      resolve("");
    });
    socket.once("error", ({ code = "unknown" }: NodeJS.ErrnoException) => resolve(code));
  });
}

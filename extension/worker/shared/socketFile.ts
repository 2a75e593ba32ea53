// The file of a socket that a process listens on. It outlives a process that was killed, and keeps others from listening there.

import { lstatSync, rmSync } from "node:fs";
import { connect } from "node:net";

/** Of a file that has taken another's place it differs, though the inode may be the same; undefined: there is none. */
export function identityOf(file: string): string | undefined {
  const found = lstatSync(file, { bigint: true, throwIfNoEntry: false });
  return found && `${found.ino} ${found.ctimeNs}`;
}

/** Takes it away where nobody listens. False: somebody does. Throws where it cannot be taken away. */
export async function removeStale(address: string): Promise<boolean> {
  const before = identityOf(address);
  if (await answers(address)) return false;
  if (identityOf(address) === before) rmSync(address, { force: true }); // else another process has done so, and may listen by now
  return true;
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code === "EAGAIN")); // more wait there than it takes
  });
}

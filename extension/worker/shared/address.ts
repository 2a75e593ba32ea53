// Where the process that keeps workers for all windows listens: a socket in a folder that no other user can enter, named after
// everything that makes a worker what it is, so that windows share one only where theirs would be the same.

import { createHash } from "node:crypto";
import { accessSync, constants, lstatSync, mkdirSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/** Variables that decide what a worker finds and loads. */
const DECIDES = /^(OCTET|GGML|LLAMA|CUDA|NVIDIA|__NV|HIP|ROCR|HSA|AMD|RADV|INTEL|ANV|VK|MESA|DRI|LD|DYLD|OMP|GOMP|XDG_DATA|XDG_CONFIG)_|^HOME$/;
/** Of a socket's path, with its closing zero: 104 on macOS, 108 on Linux. */
const MOST_BYTES = 103;
const PRIVATE = 0o700;
const OTHERS = 0o077;

export type Env = Record<string, string | undefined>;

/** Windows' named pipes have no folder that keeps others out. */
export const canShare = (platform: NodeJS.Platform): boolean => platform !== "win32";

/**
 * `bundles`: the files that are run. Makes the folder. Throws an Error of one line where the folder cannot be made, is another user's or
 * open to others, or the path is too long for a socket.
 */
export function hostAddress(bundles: readonly string[], env: Env, user = process.getuid?.() ?? -1): string {
  const folder = path.join(parentFolder(env), `octet-${user}`);
  makeFolder(folder);
  const found = lstatSync(folder); // a link is not followed: its mode has rights for others
  if (found.isFile()) throw new Error(`${folder} is a file, not a folder`);
  const { mode, uid } = found;
  if (uid !== user || (mode & OTHERS) !== 0) throw new Error(`${folder} is open to other users`);
  const address = path.join(folder, `${nameOf(bundles, env)}.sock`);
  if (Buffer.byteLength(address) > MOST_BYTES) throw new Error(`${address} is too long for a socket's path`);
  return address;
}

/** Not recursively: Node.js never returns from that where a parent takes no folders, as /proc. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: PRIVATE });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** The session's own folder; for temporary files where it has none, or another user's. */
function parentFolder({ XDG_RUNTIME_DIR: session = "" }: Env): string {
  try {
    if (path.isAbsolute(session)) {
      accessSync(session, constants.W_OK | constants.X_OK);
      return session;
    }
  } catch {
    // It does not exist, or is not this user's: the variable came from elsewhere.
  }
  return path.resolve(os.tmpdir());
}

function nameOf(bundles: readonly string[], env: Env): string {
  const files = bundles.map((file) => {
    const { mtimeMs, size } = statSync(file);
    return [file, mtimeMs, size];
  });
  const variables = Object.entries(env).filter(([name]) => DECIDES.test(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify([files, variables])).digest("hex").slice(0, 16);
}

// Where the process that keeps workers for all windows listens: a socket in a folder that no other user can enter, named after
// everything that makes a worker what it is, so that windows share one only where theirs would be the same.

import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/** Variables that decide what a worker finds and loads. */
const DECIDES = /^(OCTET|GGML|LLAMA|CUDA|NVIDIA|HIP|ROCR|HSA|VK|MESA|LD|DYLD|OMP|GOMP|XDG_DATA|XDG_CONFIG)_/;
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
export function hostAddress(bundles: readonly string[], env: Env, user = os.userInfo().uid): string {
  const folder = path.join(env["XDG_RUNTIME_DIR"] || os.tmpdir(), `octet-${user}`);
  mkdirSync(folder, { recursive: true, mode: PRIVATE });
  const { mode, uid } = lstatSync(folder); // a link is not followed: its mode has rights for others
  if (uid !== user || (mode & OTHERS) !== 0) throw new Error(`${folder} is open to other users`);
  const address = path.join(folder, `${nameOf(bundles, env)}.sock`);
  if (Buffer.byteLength(address) > MOST_BYTES) throw new Error(`${address} is too long for a socket's path`);
  return address;
}

function nameOf(bundles: readonly string[], env: Env): string {
  const files = bundles.map((file) => {
    const { mtimeMs, size } = statSync(file);
    return [file, mtimeMs, size];
  });
  const variables = Object.entries(env).filter(([name]) => DECIDES.test(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify([files, variables])).digest("hex").slice(0, 16);
}

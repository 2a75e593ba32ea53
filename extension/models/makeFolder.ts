// A folder with those above it. Node's own recursive mkdir tries for ever in a file system that answers that there is no such file
// where it takes no new folder, as /proc does.
import { mkdir, stat } from "node:fs/promises";
import path from "node:path";

/** Throws errors of the file system. */
export async function makeFolder(folder: string): Promise<void> {
  const error = await attempt(folder);
  if (error === null) return;
  if (error.code !== "ENOENT" || path.dirname(folder) === folder) throw error;
  await makeFolder(path.dirname(folder));
  const again = await attempt(folder);
  if (again !== null) throw again;
}

/** null: it is there now, whoever made it. */
async function attempt(folder: string): Promise<NodeJS.ErrnoException | null> {
  try {
    await mkdir(folder);
    return null;
  } catch (error) {
    const there = await stat(folder).then((entry) => entry.isDirectory(), () => false);
    return there ? null : error as NodeJS.ErrnoException;
  }
}

// The user's environment: where programs keep data on this system, and the folder that is the user's own.
import { homedir, userInfo } from "node:os";
import path from "node:path";

/** As the functions here and the search of caches see it. */
export interface Home {
  env: NodeJS.ProcessEnv;
  home: string;
  platform: NodeJS.Platform;
  /** Where services of this system keep their data; "/usr/share" where it is not given. */
  share?: string;
}

export const currentUser = (): Home => ({ env: process.env, home: homeFolder(), platform: process.platform });

/** The system's own record where HOME is empty or relative, from which every path would depend on where a program was started. */
export function homeFolder(): string {
  const home = homedir();
  if (path.isAbsolute(home)) return home;
  try {
    return userInfo().homedir;
  } catch { // a user that the system does not know
    return home;
  }
}

/** Where the command line keeps models: the place for programs' data on this system. */
export function usualFolder({ env, home, platform }: Home): string {
  const data = platform === "win32" ? env.LOCALAPPDATA || path.join(home, "AppData", "Local")
    : platform === "darwin" ? path.join(home, "Library", "Application Support")
    : absolute(env.XDG_DATA_HOME) ?? path.join(home, ".local", "share");
  return path.join(data, "octet", "models");
}

/** The specification of these variables has relative paths ignored. */
export const absolute = (folder: string | undefined): string | undefined => (folder && path.isAbsolute(folder) ? folder : undefined);

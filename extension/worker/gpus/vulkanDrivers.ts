// Which drivers Vulkan's loader finds on Linux, by its own search (Vulkan-Loader, docs/LoaderDriverInterface.md, "Driver Discovery on
// Linux"). scripts/lib/vulkanDrivers.mjs does the same for the tests' setup.

export interface VulkanDrivers {
  /** Manifests, whole paths, each once. */
  manifests: string[];
  /** The variable that alone says where drivers are; null: the usual folders do. */
  chosenBy: "VK_DRIVER_FILES" | "VK_ICD_FILENAMES" | null;
}

export interface DriverFiles {
  /** Names in a folder; empty where it is not there. */
  list(folder: string): string[];
  exists(file: string): boolean;
}

const isManifest = (name: string): boolean => name.endsWith(".json");
const paths = (value: string | undefined): string[] => (value ?? "").split(":").filter((path) => path !== "");

export function vulkanDrivers(files: DriverFiles, env: Record<string, string | undefined>): VulkanDrivers {
  const inFolder = (folder: string): string[] => files.list(folder).filter(isManifest).map((name) => `${folder}/${name}`);
  const named = (path: string): string[] => (isManifest(path) ? (files.exists(path) ? [path] : []) : inFolder(path.replace(/\/+$/, "")));
  for (const chosenBy of ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] as const) {
    if (env[chosenBy]) return { manifests: unique(paths(env[chosenBy]).flatMap(named)), chosenBy };
  }
  const found = [...paths(env["VK_ADD_DRIVER_FILES"]).flatMap(named), ...folders(files, env).flatMap(inFolder)];
  return { manifests: unique(found), chosenBy: null };
}

function folders(files: DriverFiles, env: Record<string, string | undefined>): string[] {
  const { HOME: home } = env;
  const own = (value: string | undefined, inHome: string): string[] => (value ? [value] : home ? [`${home}/${inHome}`] : []);
  return [
    ...own(env["XDG_CONFIG_HOME"], ".config"),
    ...paths(env["XDG_CONFIG_DIRS"] || "/etc/xdg"),
    "/usr/local/etc",
    "/etc",
    ...own(env["XDG_DATA_HOME"], ".local/share"),
    ...paths(env["XDG_DATA_DIRS"] || "/usr/local/share:/usr/share"),
    "/run/opengl-driver/share", // the loader of NixOS looks there too
    ...(files.exists("/.flatpak-info") ? ["/usr/lib/x86_64-linux-gnu/GL", "/usr/lib/aarch64-linux-gnu/GL"] : []), // where Flatpak's runtimes have theirs
  ].map((folder) => `${folder.replace(/\/+$/, "")}/vulkan/icd.d`);
}

const unique = (found: readonly string[]): string[] => [...new Set(found)];

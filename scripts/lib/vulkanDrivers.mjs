// Which drivers Vulkan's loader finds on Linux, by its own search: extension/worker/gpus/vulkanDrivers.ts says more, and does the same.
import { existsSync, readdirSync } from "node:fs";

const here = { list: (/** @type {string} */ folder) => (existsSync(folder) ? readdirSync(folder) : []), exists: (/** @type {string} */ file) => existsSync(file) };
const isManifest = (name) => name.endsWith(".json");
const paths = (value) => (value ?? "").split(":").filter((path) => path !== "");

/** Manifests, whole paths, each once. */
export function vulkanDrivers(files = here, env = process.env) {
  const inFolder = (folder) => files.list(folder).filter(isManifest).map((name) => `${folder}/${name}`);
  const named = (path) => (isManifest(path) ? (files.exists(path) ? [path] : []) : inFolder(path.replace(/\/+$/, "")));
  const chosen = env.VK_DRIVER_FILES || env.VK_ICD_FILENAMES;
  const found = chosen ? paths(chosen).flatMap(named) : [...paths(env.VK_ADD_DRIVER_FILES).flatMap(named), ...folders(files, env).flatMap(inFolder)];
  return [...new Set(found)];
}

function folders(files, env) {
  const own = (value, inHome) => (value ? [value] : env.HOME ? [`${env.HOME}/${inHome}`] : []);
  return [
    ...own(env.XDG_CONFIG_HOME, ".config"),
    ...paths(env.XDG_CONFIG_DIRS || "/etc/xdg"),
    "/usr/local/etc",
    "/etc",
    ...own(env.XDG_DATA_HOME, ".local/share"),
    ...paths(env.XDG_DATA_DIRS || "/usr/local/share:/usr/share"),
    "/run/opengl-driver/share",
    ...(files.exists("/.flatpak-info") ? ["/usr/lib/x86_64-linux-gnu/GL", "/usr/lib/aarch64-linux-gnu/GL"] : []),
  ].map((folder) => `${folder.replace(/\/+$/, "")}/vulkan/icd.d`);
}

// Programs that must be on the machine, and how a Debian system gets them.
import { existsSync } from "node:fs";
import path from "node:path";
import { Failure, must, run } from "./run.mjs";
import { vulkanDrivers } from "./vulkanDrivers.mjs";

const oldestNode = [20, 19];

export function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const enough = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  if (!enough) throw new Failure(`Node.js ${oldestNode.join(".")} or newer is needed, this is ${process.versions.node}`);
}

const onPath = (...names) => (process.env.PATH ?? "").split(path.delimiter)
  .some((folder) => names.some((name) => existsSync(path.join(folder, process.platform === "win32" ? `${name}.exe` : name))));

const needs = [
  { what: "git", debian: "git", found: () => onPath("git") },
  { what: "tar", debian: "tar", found: () => onPath("tar") },
  { what: "CMake", debian: "cmake", found: () => onPath("cmake") },
  { what: "Ninja or make", debian: "ninja-build", found: () => onPath("ninja", "make") || process.platform === "win32" },
  { what: "a C++20 compiler", debian: "g++", found: () => onPath("c++", "g++", "clang++") || process.platform === "win32" },
  { what: "doctest", debian: "doctest-dev", tests: true, found: () => headerThere("doctest/doctest.h") },
  { what: "Python 3", debian: "python3", tests: true, found: () => onPath("python3") },
  { what: "a Vulkan driver", debian: "mesa-vulkan-drivers", tests: true, optional: true, found: vulkanDriverThere },
  { what: "Chromium", debian: "chromium", browser: true, found: () => Boolean(process.env.CHROMIUM) || onPath("chromium", "chromium-browser", "google-chrome") },
];

function headerThere(header) {
  const given = (process.env.CPLUS_INCLUDE_PATH ?? process.env.CPATH ?? "").split(path.delimiter).filter(Boolean);
  return [...given, "/usr/include", "/usr/local/include", "/opt/homebrew/include"].some((folder) => existsSync(path.join(folder, header)));
}

/** Whether there is a driver of a GPU, or one that computes on processors. Linux only: elsewhere it comes with the GPU's. */
export function vulkanDriverThere() {
  return process.platform !== "linux" || vulkanDrivers().length > 0;
}

/** Mesa's driver that computes on processors lists a device on every machine. */
export const softwareDriverThere = () => vulkanDrivers().some((manifest) => path.basename(manifest).startsWith("lvp_"));

/**
 * Installs what is missing where that can be done unasked (Debian, as root); else says what to install. What is optional is not asked for,
 * and is done without where it cannot be installed.
 */
export async function ensurePrograms({ tests, browser, programs = needs }) {
  const wanted = programs.filter((need) => (tests || !need.tests) && (browser || !need.browser));
  await ensure(wanted.filter((need) => !need.optional));
  if (!installsUnasked()) return;
  await ensure(wanted.filter((need) => need.optional)).catch((error) => {
    if (!(error instanceof Failure)) throw error;
  });
}

const installsUnasked = () => onPath("apt-get") && process.getuid?.() === 0;

async function ensure(wanted) {
  const lacking = wanted.filter((need) => !need.found());
  if (lacking.length === 0) return;
  const what = lacking.map((need) => need.what).join(", ");
  const packages = lacking.map((need) => need.debian);
  if (!onPath("apt-get")) throw new Failure(`needed and not found: ${what}`);
  if (!installsUnasked()) throw new Failure(`needed and not found: ${what}; install with: sudo apt-get install -y ${packages.join(" ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const install = ["install", "-y", "--no-install-recommends", ...packages];
  if ((await run("apt-get", install, { env })).code !== 0) {
    await must("cannot read the Debian package lists", "apt-get", ["update"], { env });
    await must(`cannot install ${packages.join(" ")}`, "apt-get", install, { env });
  }
  const still = wanted.filter((need) => !need.found());
  if (still.length > 0) throw new Failure(`installed ${packages.join(" ")}, yet not found: ${still.map((need) => need.what).join(", ")}`);
}

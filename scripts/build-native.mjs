// Builds the native parts: the addon by cmake-js into dist/octet.node, and with `--tests` the test program by plain CMake into
// build/native. Incremental. OCTET_JOBS sets the number of parallel jobs.
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { headersFolder, librariesFolder } from "./lib/llama.mjs";
import { must, root, run, script, step } from "./lib/run.mjs";

const addonBuild = path.join(root, "build/addon");
const testBuild = path.join(root, "build/native");
export const testProgram = path.join(testBuild, "tests", process.platform === "win32" ? "octet-native-test.exe" : "octet-native-test");

const jobs = () => String(process.env.OCTET_JOBS || Math.min(availableParallelism(), 8));

export async function buildAddon() {
  const options = { OCTET_TESTS: "OFF", OCTET_LLAMA_LIBRARIES: librariesFolder(), OCTET_LLAMA_HEADERS: headersFolder };
  const common = ["node_modules/cmake-js/bin/cmake-js", "-d", "native", "-O", addonBuild, "-B", "Release"];
  const cmakeJs = (command, ...rest) => must("the native addon does not build", process.execPath, [...common, ...rest, command]);
  forgetMovedBuild(addonBuild);
  await cmakeJs("configure", ...Object.entries(options).map(([name, value]) => `--CD${name}=${value}`));
  await cmakeJs("build", "-p", jobs());
  const built = path.join(addonBuild, "Release/octet.node");
  const target = path.join(root, "dist/octet.node");
  mkdirSync(path.dirname(target), { recursive: true });
  copyFileSync(built, `${target}.new`); // a worker that runs keeps the file it has loaded
  renameSync(`${target}.new`, target);
}

export async function buildNativeTests() {
  const cannot = "the native tests do not build";
  forgetMovedBuild(testBuild);
  const fresh = !existsSync(path.join(testBuild, "CMakeCache.txt"));
  const ninja = fresh && (await run("ninja", ["--version"])).code === 0;
  await must(cannot, "cmake", [
    "-S", "native", "-B", testBuild, ...(ninja ? ["-G", "Ninja"] : []),
    "-DOCTET_TESTS=ON", `-DOCTET_LLAMA_LIBRARIES=${librariesFolder()}`, `-DOCTET_LLAMA_HEADERS=${headersFolder}`,
  ]);
  await must(cannot, "cmake", ["--build", testBuild, "--target", "octet-native-test", "--parallel", jobs()]);
}

/** CMake refuses a build folder that was configured elsewhere, as after moving the checkout. */
function forgetMovedBuild(folder) {
  const cache = path.join(folder, "CMakeCache.txt");
  if (!existsSync(cache)) return;
  const home = /^CMAKE_CACHEFILE_DIR:INTERNAL=(.*)$/m.exec(readFileSync(cache, "utf8"))?.[1];
  if (home === undefined || path.resolve(home) !== folder) rmSync(folder, { recursive: true, force: true });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await script("build-native", async () => {
    await step("native addon", buildAddon);
    if (process.argv.includes("--tests")) await step("native tests", buildNativeTests);
  });
}

// Builds the native parts: the addon by cmake-js into dist/octet.node, with `--tests` the test program by plain CMake into
// build/native, and with OCTET_CUDA=1 the CUDA runtime by nvcc into dist/liboctet_cuda.so. Incremental. OCTET_JOBS sets the number
// of parallel jobs.
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { cudaLibrary } from "./lib/cudaLibrary.mjs";
import { headersFolder, librariesFolder } from "./lib/llama.mjs";
import { must, optionsOf, root, run, script, step } from "./lib/run.mjs";

const addonBuild = path.join(root, "build/addon");
const testBuild = path.join(root, "build/native");
const cudaBuild = path.join(root, "build/cuda-library");
export const testProgram = path.join(testBuild, "tests", process.platform === "win32" ? "octet-native-test.exe" : "octet-native-test");
/** The kernels under the race detector: built by GCC on Linux alone. */
export const raceTestProgram = path.join(testBuild, "tests/octet-race-test");
/** The kernels as nvcc compiles them, run by the PTX machine: built where there is nvcc, by GCC on Linux. */
export const ptxTestProgram = path.join(testBuild, "tests/octet-ptx-test");

const jobs = () => String(process.env.OCTET_JOBS || Math.min(availableParallelism(), 8));

export async function buildAddon() {
  const options = { OCTET_TESTS: "OFF", OCTET_LLAMA_LIBRARIES: librariesFolder(), OCTET_LLAMA_HEADERS: headersFolder };
  const common = ["node_modules/cmake-js/bin/cmake-js", "-d", "native", "-O", addonBuild, "-B", "Release"];
  const cmakeJs = (command, ...rest) => must("the native addon does not build", process.execPath, [...common, ...rest, command]);
  forgetMovedBuild(addonBuild);
  await cmakeJs("configure", ...Object.entries(options).map(([name, value]) => `--CD${name}=${value}`));
  await cmakeJs("build", "-p", jobs());
  putInPlace(path.join(addonBuild, "Release/octet.node"), path.join(root, "dist/octet.node"));
  if (process.env.OCTET_CUDA === "1") await buildCudaLibrary();
}

/** The CUDA runtime, beside the addon: only where it is asked for, since it wants nvcc and minutes. */
async function buildCudaLibrary() {
  const cannot = "the CUDA runtime does not build (OCTET_CUDA=1 wants nvcc 12 or later)";
  forgetMovedBuild(cudaBuild);
  await must(cannot, "cmake", ["-S", "native", "-B", cudaBuild, "-DOCTET_CUDA=ON", "-DOCTET_TESTS=OFF", "-DCMAKE_BUILD_TYPE=Release"]);
  await must(cannot, "cmake", ["--build", cudaBuild, "--target", "octet_cuda_library", "--config", "Release", "--parallel", jobs()]);
  const name = path.basename(cudaLibrary);
  const built = [name, `Release/${name}`].map((file) => path.join(cudaBuild, file)).find((file) => existsSync(file));
  putInPlace(built, cudaLibrary);
}

/** A worker that runs keeps the file it has loaded. */
function putInPlace(built, target) {
  mkdirSync(path.dirname(target), { recursive: true });
  copyFileSync(built, `${target}.new`);
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
  await must(cannot, "cmake", ["--build", testBuild, "--target", "octet-tests", "--parallel", jobs()]);
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
    const { tests } = optionsOf({ tests: { type: "boolean" } });
    await step("native addon", buildAddon);
    if (tests) await step("native tests", buildNativeTests);
  });
}

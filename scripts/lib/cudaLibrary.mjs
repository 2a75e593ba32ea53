// The CUDA runtime's shared library in a package: never of another build than the addon, and with the notice of what is linked into it.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { Failure, root } from "./run.mjs";

/** Where it has been built (`OCTET_CUDA=1`). */
export const cudaLibrary = path.join(root, "dist", process.platform === "win32" ? "octet_cuda.dll" : "liboctet_cuda.so");

const mark = "octet-cuda-build:";

/** The build that a library or addon carries (native/cmake/cuda_build.cmake): a hash of the sources that both must agree on. */
export function buildOf(file) {
  const bytes = readFileSync(file);
  const at = bytes.indexOf(mark);
  const build = at < 0 ? "" : bytes.toString("latin1", at + mark.length, at + mark.length + 64);
  if (!/^[0-9a-f]{64}$/.test(build)) throw new Failure(`${path.relative(root, file)} does not say what it was built from`);
  return build;
}

/** A library that an earlier build has left is an error: the addon would not use it. */
export function checkCudaLibrary(library = cudaLibrary, addon = path.join(root, "dist/octet.node")) {
  if (!existsSync(library) || buildOf(library) === buildOf(addon)) return;
  const name = path.relative(root, library);
  throw new Failure(`${name} was built from other sources than the addon: build it again (OCTET_CUDA=1 npm run setup) or delete it`);
}

/** @returns {import("./notices.mjs").Notice} */
export const cudaRuntimeNotice = {
  name: "NVIDIA CUDA Runtime",
  version: "of the CUDA Toolkit",
  licence: "NVIDIA CUDA Toolkit End User License Agreement",
  text: `Copyright NVIDIA Corporation. All rights reserved.

${path.basename(cudaLibrary)} has the CUDA runtime linked into it (libcudart_static; cudart_static.lib on Windows), unmodified. It is
redistributed as object code under the CUDA Toolkit's End User License Agreement, whose Attachment A lists it among the distributable
portions: https://docs.nvidia.com/cuda/eula/. That agreement, not Octet's licence, covers it: among other things it is for use in systems
with NVIDIA GPUs, by this application only, may not be reverse engineered, decompiled or disassembled, and comes without warranty of any
kind.`,
};

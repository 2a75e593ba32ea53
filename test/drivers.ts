// Folders of llama.cpp's libraries whose Vulkan library is one of a test's making: what a driver does wrong, it does.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";

/** crashes: ends the process as it is loaded. hangs: is never loaded to its end. unlinked: needs a library that is not there. silent: finds no driver. */
export type Fault = "crashes" | "hangs" | "unlinked" | "silent";

const root = path.resolve(__dirname, "..");
export const MISSING_LIBRARY = "libvulkan.so.999";

const sources: Record<Fault, string> = {
  crashes: "#include <stdlib.h>\n__attribute__((constructor)) static void load(void) { abort(); }\n",
  hangs: "#include <unistd.h>\n__attribute__((constructor)) static void load(void) { for (;;) pause(); }\n",
  unlinked: "",
  silent: "void* ggml_backend_init(void) { return 0; }\n",
};

/** In `parent`; for OCTET_LLAMA_LIBRARIES. */
export function librariesWith(fault: Fault, parent: string): string {
  const folder = mkdtempSync(path.join(parent, `${fault}-`));
  const name = `linux-${process.arch}`;
  const plain = path.join(root, "node_modules", "@node-llama-cpp", name, "bins", name);
  for (const file of readdirSync(plain)) symlinkSync(path.join(plain, file), path.join(folder, file));
  const compile = (output: string, source: string, ...options: string[]): void => {
    const file = path.join(parent, `${path.basename(folder)}-${output}.c`);
    writeFileSync(file, source);
    execFileSync("cc", ["-shared", "-fPIC", "-Wl,--no-as-needed", "-o", path.join(folder, output), file, ...options]);
  };
  if (fault === "unlinked") {
    const away = mkdtempSync(path.join(parent, "away-"));
    const missing = path.join(away, "missing.so");
    execFileSync("cc", ["-shared", "-fPIC", `-Wl,-soname,${MISSING_LIBRARY}`, "-x", "c", "-o", missing, "/dev/null"]);
    compile("libggml-vulkan.so", sources[fault], missing);
  } else compile("libggml-vulkan.so", sources[fault]);
  return folder;
}

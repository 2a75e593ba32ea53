// Puts llama.cpp's public headers and its licence into .cache/llama.cpp: from node-llama-cpp's npm package, which carries the source of the
// release as a git bundle. Installing that package would bring hundreds of megabytes of GPU binaries; packing it does not.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { headersFolder, sourcePackage } from "./lib/llama.mjs";
import { Failure, must, optionsOf, root, script } from "./lib/run.mjs";

const { name, version, integrity, bundle } = sourcePackage;
const stamp = path.join(headersFolder, "version");
const current = `${name}@${version}`;
const licence = path.join(headersFolder, "LICENSE");

export function headersAreThere() {
  return existsSync(licence) && existsSync(stamp) && readFileSync(stamp, "utf8").trim() === current;
}

export async function fetchHeaders() {
  if (headersAreThere()) return;
  const cache = path.join(root, ".cache");
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(path.join(cache, "headers-"));
  try {
    await must(`cannot download ${current} from the npm registry`, "npm", ["pack", current, "--silent", "--ignore-scripts"], { cwd: work });
    const archive = `${name}-${version}.tgz`;
    verify(path.join(work, archive));
    const cannot = `cannot unpack ${current}`;
    await must(cannot, "tar", ["-xzf", archive, bundle], { cwd: work });
    await must(cannot, "git", ["clone", "--quiet", "--bare", bundle, "source.git"], { cwd: work });
    await must(cannot, "git", ["-C", "source.git", "archive", "--output=../headers.tar", "HEAD", "LICENSE", "include", "ggml/include"], { cwd: work });
    mkdirSync(path.join(work, "headers"));
    await must(cannot, "tar", ["-xf", "headers.tar", "-C", "headers"], { cwd: work });
    writeFileSync(path.join(work, "headers/version"), `${current}\n`);
    if (existsSync(headersFolder)) renameSync(headersFolder, path.join(work, "former"));
    renameSync(path.join(work, "headers"), headersFolder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function verify(archive) {
  const digest = createHash("sha512").update(readFileSync(archive)).digest("base64");
  if (`sha512-${digest}` !== integrity) throw new Failure(`${current} as downloaded is not the package that was pinned: its checksum differs`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await script("fetch-llama-headers", async () => {
    optionsOf({});
    await fetchHeaders();
  });
}

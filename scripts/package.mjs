// `npm run package`: the extension for this machine's platform as build/octet-<target>.vsix, with llama.cpp's libraries in it.
// `-- --target <target>` names the platform; it must be this machine's, since the native addon is.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { Failure, must, optionsOf, root, script, step } from "./lib/run.mjs";
import { checkCudaLibrary } from "./lib/cudaLibrary.mjs";
import { noticesText } from "./lib/notices.mjs";
import { chosenTarget, contents, ignoreFile, noticesFile, vsixFile } from "./lib/vsix.mjs";
import { setup } from "./setup.mjs";

const tools = path.join(root, "scripts/packaging");
const stage = path.join(root, "build/package");

/** Packages what has been built. @returns the VSIX's path */
export async function makeVsix(target = chosenTarget()) {
  const vsce = path.join(tools, "node_modules/@vscode/vsce/vsce");
  if (!existsSync(vsce)) {
    await step("packager", () => must("cannot install the packager", "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: tools }));
  }
  const file = vsixFile(target);
  await step("package", async () => {
    fillStage();
    const args = [vsce, "package", "--target", target, "--no-dependencies", "--allow-missing-repository", "--no-rewrite-relative-links", "--out", file];
    await must("the extension cannot be packaged", process.execPath, args, { cwd: stage });
  });
  return file;
}

/** A folder that holds the extension's files and no others; what .vscodeignore leaves out of it would be missed by the tests. */
function fillStage() {
  checkCudaLibrary();
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(path.dirname(noticesFile), { recursive: true });
  writeFileSync(noticesFile, noticesText());
  for (const [name, source] of contents()) {
    const copy = path.join(stage, name);
    if (!existsSync(source)) throw new Failure(`${path.relative(root, source)} is missing`);
    mkdirSync(path.dirname(copy), { recursive: true });
    copyFileSync(source, copy);
  }
  copyFileSync(path.join(root, ignoreFile), path.join(stage, ignoreFile));
  const { scripts: _, devDependencies: __, ...manifest } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  writeFileSync(path.join(stage, "package.json"), JSON.stringify(manifest, null, 2));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await script("package", async () => {
    const target = chosenTarget(optionsOf({ target: { type: "string" } }).target);
    await setup();
    console.log(path.relative(root, await makeVsix(target)));
  });
}

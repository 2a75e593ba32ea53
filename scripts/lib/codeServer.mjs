// A real VS Code for the end-to-end tests: code-server and the Node.js that it runs on, from npm, kept in .cache. About 800 MB.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Failure, must, root } from "./run.mjs";

const pinned = { codeServer: "4.139.1", node: "24.21.0" };
const nodePackage = `node-${process.platform}-${process.arch}`;
const cache = path.join(root, ".cache");
const prefix = "code-server-";
const folder = path.join(cache, `${prefix}${pinned.codeServer}-node-${pinned.node}`);

/** VS Code's server, and the Node.js to run it with. */
export const codeServer = {
  node: path.join(folder, "node_modules", nodePackage, "bin/node"),
  main: path.join(folder, "node_modules/code-server/lib/vscode/out/server-main.js"),
};

/** Installs it where it is not there: the folder gets its name only when all is in it. */
export async function ensureCodeServer() {
  if (existsSync(folder)) return;
  if (process.platform === "win32") throw new Failure("the end-to-end tests run on Linux and macOS");
  mkdirSync(cache, { recursive: true });
  for (const name of readdirSync(cache)) {
    if (name.startsWith(prefix)) rmSync(path.join(cache, name), { recursive: true, force: true });
  }
  const unfinished = mkdtempSync(path.join(cache, `${prefix}unfinished-`));
  try {
    await fill(unfinished);
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];

async function fill(into) {
  const dependencies = { "code-server": pinned.codeServer, [nodePackage]: pinned.node };
  writeFileSync(path.join(into, "package.json"), JSON.stringify({ private: true, dependencies }));
  await must("cannot install code-server", "npm", ["install", "--ignore-scripts", "--no-package-lock", "--engine-strict=false", ...quiet], { cwd: into });

  const node = path.join(into, "node_modules", nodePackage);
  const env = { PATH: `${path.join(node, "bin")}${path.delimiter}${process.env.PATH}`, npm_config_nodedir: node };
  const vscode = { cwd: path.join(into, "node_modules/code-server/lib/vscode"), env };
  await must("cannot install VS Code's server", "npm", ["install", "--ignore-scripts", "--omit=dev", ...quiet], vscode);
  const extensions = { cwd: path.join(vscode.cwd, "extensions"), env };
  await must("cannot install VS Code's own extensions", "npm", ["install", "--ignore-scripts", "--omit=dev", ...quiet], extensions);
  // The one native part without which something of ours is not seen: it writes the logs that output channels show.
  await must("cannot build VS Code's log writer", "npm", ["rebuild", "--foreground-scripts", ...quiet, "@vscode/spdlog"], vscode);
}

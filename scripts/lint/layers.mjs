// Lint rule `octet/layers`: holds the direction of imports between the folders of the repository.
import { isBuiltin } from "node:module";
import path from "node:path";

/**
 * What the files below `folder` may import besides each other: `local` lists folders and files of the repository,
 * `packages` the packages ("node" stands for Node's own modules, "*" for any but vscode), `vscode` the files that may
 * import vscode. The first entry that holds a file counts.
 * @typedef {{ folder: string, local?: string[], packages?: string[], vscode?: boolean | string[] }} Layer
 */

const partsOfExtension = ["config.ts", "worker", "models", "completion", "views", "solutions", "latency"].map((part) => `extension/${part}`);

/** @type {Layer[]} */
export const layers = [
  { folder: "protocol" },
  { folder: "webview", local: ["protocol"], packages: ["*"] },
  { folder: "native/addon", local: ["protocol"] },
  { folder: "native/worker", local: ["protocol", "native/addon/octet.d.ts"], packages: ["node", "vscode-jsonrpc"] },
  { folder: "extension/worker", local: ["protocol"], packages: ["node", "vscode-jsonrpc"] },
  { folder: "extension/models", local: ["protocol"], packages: ["*"] },
  {
    folder: "extension/completion",
    local: ["protocol", "extension/worker", "extension/config.ts"],
    packages: ["*"],
    vscode: ["extension/completion/inlineProvider.ts"],
  },
  {
    folder: "extension/views",
    local: ["protocol", "extension/worker"],
    packages: ["*"],
    vscode: ["extension/views/webview.ts"],
  },
  {
    folder: "extension/solutions",
    local: ["protocol", "extension/worker", "extension/completion", "extension/views", "extension/config.ts"],
    packages: ["*"],
    vscode: ["command", "diff", "editorDocument", "editorFile", "panel", "solutions"].map((name) => `extension/solutions/${name}.ts`),
  },
  {
    folder: "extension/latency",
    local: ["protocol", "extension/worker", "extension/completion", "extension/views", "extension/config.ts"],
    packages: ["*"],
    vscode: ["extension/latency/view.ts", "extension/latency/latency.ts"],
  },
  {
    folder: "extension/cli",
    local: ["protocol", "extension/worker", "extension/models", "extension/completion", "package.json"],
    packages: ["*"],
  },
  { folder: "extension", local: ["protocol", ...partsOfExtension], packages: ["*"], vscode: true },
  { folder: "test/host", local: [""], packages: ["*"], vscode: true },
  { folder: "test", local: [""], packages: ["*"] },
];

const holds = (folder, file) => folder === "" || file === folder || file.startsWith(`${folder}/`);
const layerOf = (file) => layers.find(({ folder }) => holds(folder, file));
const withoutExtension = (file) => file.replace(/(\.d)?\.ts$/, "");
const packageName = (specifier) => specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");

/** @returns {string | undefined} why `file` may not import `specifier`. Paths are relative to the repository, with `/`. */
export function violation(file, specifier) {
  const layer = layerOf(file);
  if (!layer) return undefined;
  const { folder, local = [], packages = [], vscode = false } = layer;

  if (specifier.startsWith(".")) {
    const target = path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, "");
    if (/^extension\/extension(\.ts)?$/.test(target)) return "Nothing imports extension.ts.";
    const own = layerOf(target) === layer;
    const allowed = local.some((name) => holds(withoutExtension(name), withoutExtension(target)));
    return own || allowed ? undefined : `${folder} may import only ${local.join(", ") || "its own files"}.`;
  }
  if (specifier === "vscode") {
    const free = Array.isArray(vscode) ? vscode.includes(file) : vscode;
    return free ? undefined : `${folder} must not know vscode.`;
  }
  const name = isBuiltin(specifier) ? "node" : packageName(specifier);
  if (packages.includes("*") || packages.includes(name)) return undefined;
  return `${folder} may use no package but ${packages.join(", ") || "none"}.`;
}

export const layersRule = {
  meta: { type: "problem", schema: [], docs: { description: "Imports follow the direction of the design." } },
  create(context) {
    const file = path.relative(context.cwd, context.filename).split(path.sep).join("/");
    const check = (node) => {
      if (node?.type !== "Literal" || typeof node.value !== "string") return;
      const message = violation(file, node.value);
      if (message) context.report({ node, message });
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      TSImportType: (node) => check(node.source ?? node.argument?.literal),
      TSExternalModuleReference: (node) => check(node.expression),
      "CallExpression[callee.name='require']": (node) => check(node.arguments[0]),
    };
  },
};

// The arguments of `npm run demo`. Their names are judged before anything is installed: in a bare clone there is no `octet` to
// ask. Their values are judged by octet's own parsers, once the packages are there, before the native build.
import { existsSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { Failure, root } from "./run.mjs";

const example = "examples/csv_columns.py";
const shown = ["-n", "8", "--temperature", "0.6", "--max-tokens", "48"];

const text = { type: "string" };
const flag = { type: "boolean" };
/** What `octet generate` takes; test/unit/scripts/demo.test.ts compares. */
export const generateOptions = {
  "suffix-file": text, at: text, lanes: { ...text, short: "n" }, "max-tokens": text, "budget-ms": text, stop: text, "no-heal": flag,
  temperature: text, "top-p": text, "top-k": text, "min-p": text, seed: text, "draft-length": text,
  target: text, draft: text, "no-draft": flag, device: text, threads: text, context: text, kv: text, json: flag,
};
/** What every command of `octet` takes. */
const common = { "no-color": flag, verbose: flag, version: { ...flag, short: "V" }, help: { ...flag, short: "h" } };

/**
 * `octet`'s arguments for those given to the demo. A file among them, or `-`, replaces the example.
 * @param {string[]} given @returns {string[]} A Failure: an option that `octet generate` does not have or that lacks its value, a file that is not there, a second file.
 */
export function demoArguments(given) {
  const options = { ...generateOptions, ...common };
  const known = Object.keys(options).map((name) => `--${name}`);
  const { tokens, positionals } = parseArgs({ args: given, options, strict: false, allowPositionals: true, tokens: true });
  for (const { kind, name, rawName, value } of tokens) {
    if (kind !== "option") continue;
    if (!Object.hasOwn(options, name)) throw new Failure(`Unknown option '${rawName}'; options: ${known.join(", ")}`);
    const { type } = options[name];
    if (type === "string" && value === undefined) throw new Failure(`${rawName} wants a value`);
    if (type === "boolean" && value !== undefined) throw new Failure(`${rawName} takes no value`);
  }
  const [file, second] = positionals;
  if (second !== undefined) throw new Failure(`one file at a time, not ${file} and ${second}`);
  if (file !== undefined && file !== "-" && !existsSync(file)) throw new Failure(`there is no file ${file}`);
  return ["generate", ...(file === undefined ? [example] : []), ...shown, ...given];
}

/**
 * @param {string[]} args of octet @returns {Promise<boolean>} False where they ask for help or the version, which is then printed.
 * A Failure: a value that octet refuses before it runs.
 */
export async function judgeValues(args) {
  const { build } = await import("esbuild");
  const outfile = path.join(root, ".cache/demo/program.cjs");
  await build({ absWorkingDir: root, entryPoints: ["extension/cli/program.ts"], outfile, bundle: true, platform: "node", mainFields: ["module", "main"], format: "cjs", logLevel: "error" });
  const { judgeArguments } = await import(pathToFileURL(outfile).href);
  try {
    return await judgeArguments(args);
  } catch (error) {
    throw new Failure(error.message);
  }
}

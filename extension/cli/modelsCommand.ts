// octet models: which pairs there are and what fits; octet models download and remove.
import { statSync } from "node:fs";
import type { Command } from "commander";
import { bytesOf, catalogue, filesOf, licenceLine, pageOf, type CataloguePair } from "../models/catalogue";
import { endpointOf } from "../models/endpoint";
import { machineWith } from "../models/fit";
import { findModels, locate } from "../models/found";
import { currentUser, usualFolder } from "../models/home";
import { installPair, progressLine } from "../models/install";
import { absolutePath } from "../models/pair";
import { removePair } from "../models/store";
import { withWorker, type CliContext } from "./context";
import { badInput, ExitCode, failure, isCancelled } from "./errors";
import { formatBytes } from "./format";
import { readingError } from "./input";
import { makeModelsReport, modelsLines } from "./modelsReport";
import { quote } from "./numbers";
import { deviceOption } from "./options";
import { proxyFetch } from "./proxyFetch";
import { oneLine } from "./sanitize";
import { statusLine } from "./statusLine";
import { writeAll, writeJson, writeLines } from "./write";

interface ModelsOptions {
  folder?: string;
  /** Of the list alone. */
  device?: string;
  json?: boolean;
}

export function addModels(program: Command, run: (command: (context: CliContext) => Promise<number>) => Promise<void>): void {
  const models = program.command("models")
    .description("list good pairs of models: what fits this machine, what is there, and what other tools have");
  withOptions(models).option(...deviceOption).action((options: ModelsOptions) => run((context) => list(options, context)));
  withOptions(models.command("download"))
    .description("download a pair; a cut download goes on where it stopped")
    .argument("<name>", "a name that octet models lists")
    .addHelpText("after", "\nHF_ENDPOINT names a mirror; HTTPS_PROXY and NO_PROXY a proxy.")
    .action((name: string, _own: unknown, command: Command) => run((context) => downloadOne(name, command.optsWithGlobals(), context)));
  withOptions(models.command("remove"))
    .description("delete a downloaded pair, but not a draft that another one needs")
    .argument("<name>", "a name that octet models lists")
    .action((name: string, _own: unknown, command: Command) => run((context) => removeOne(name, command.optsWithGlobals(), context)));
}

/** Options after the name of a subcommand count for `models` too, where both have them: optsWithGlobals gives those of both. */
const withOptions = (command: Command): Command => command
  .option("--folder <DIR>", "folder of downloaded models (default: the system's place for programs' data)")
  .option("--json", "one JSON document on standard output");


/** It need not be there yet. */
function folderOf({ folder }: ModelsOptions): string {
  if (folder === undefined) return usualFolder(currentUser());
  if (folder === "") throw badInput("--folder takes a path, not an empty text");
  const place = absolutePath(folder, process.cwd());
  try {
    if (!statSync(place).isDirectory()) throw badInput(`--folder: ${oneLine(place)} is a file, not a folder`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw readingError(`--folder: ${oneLine(place)}`, error);
  }
  return place;
}

function pairNamed(name: string): CataloguePair {
  const pair = catalogue.find((candidate) => candidate.name === name);
  if (!pair) throw badInput(`There is no pair ${quote(name)}`, `There are: ${catalogue.map((candidate) => candidate.name).join(", ")}.`);
  return pair;
}

async function list(options: ModelsOptions, context: CliContext): Promise<number> {
  const folder = folderOf(options);
  const { device = "auto" } = options;
  const report = await withWorker(context, device, ({ hello, driverCrash }) => {
    const machine = machineWith(device, hello);
    if (!machine) throw badInput(`There is no device ${quote(device)}`, `There is: ${hello.devices.map(({ name }) => oneLine(name)).join(", ")}.`);
    return makeModelsReport(machine, driverCrash, folder, currentUser());
  });
  const { theme } = context.terminal;
  if (options.json) await writeJson(context.stdout, report);
  else await writeLines(context.stdout, modelsLines(report, theme, context.terminal.width()), theme);
  return ExitCode.done;
}

async function downloadOne(name: string, options: ModelsOptions, context: CliContext): Promise<number> {
  const { stdout, stderr, signal, terminal } = context;
  const pair = pairNamed(name);
  const folder = folderOf(options);
  const endpoint = configuredEndpoint();
  const located = await locate(pair, folder, await findModels(currentUser(), folder));
  if (located.missingBytes > 0) await writeLines(stderr, announcement(pair, located.missingBytes, endpoint), terminal.theme);
  const status = statusLine(context);
  try {
    const paths = await installPair(located, {
      folder, endpoint, fetch: proxyFetch(), signal, onProgress: (progress, { file }) => status.show(`${file}: ${oneLine(progressLine(progress))}`),
    });
    status.clear();
    if (options.json) await writeJson(stdout, paths);
    else await writeAll(stdout, `target  ${oneLine(paths.target)}\ndraft   ${oneLine(paths.draft)}\nuse it  octet generate FILE --target ${shell(paths.target)} --draft ${shell(paths.draft)}\n`);
    return ExitCode.done;
  } catch (error) {
    status.clear();
    if (isCancelled(error)) await writeAll(stderr, "octet: the download was stopped; the same command goes on from there\n");
    throw error;
  }
}

function configuredEndpoint(): string {
  try {
    return endpointOf(process.env);
  } catch (error) {
    throw badInput((error as Error).message, "Write it as https://HOST.");
  }
}

function announcement(pair: CataloguePair, missingBytes: number, endpoint: string): string[] {
  return [
    `octet: downloading ${pair.title}, ${formatBytes(missingBytes)} of ${formatBytes(bytesOf(pair))}, from ${filesOf(pair).map((file) => pageOf(file, endpoint)).join(" and ")}`,
    `octet: licence: ${licenceLine(pair)}`,
  ];
}

async function removeOne(name: string, options: ModelsOptions, { stdout }: CliContext): Promise<number> {
  const pair = pairNamed(name);
  const folder = folderOf(options);
  const freedBytes = await removePair(pair, catalogue, folder).catch((error: Error) => {
    throw failure(`${pair.name} could not be deleted: ${error.message}`, `Close what uses it, then try again; the files are in ${folder}.`);
  });
  if (freedBytes === 0) throw badInput(`${pair.name} is not in ${folder}`, "octet models says where models are.");
  if (options.json) await writeJson(stdout, { freedBytes });
  else await writeAll(stdout, `${pair.name} was deleted: ${formatBytes(freedBytes)} are free again\n`);
  return ExitCode.done;
}

/** A path that a shell takes as one word. */
const shell = (file: string): string => (/^[\w@%+=:,./~-]+$/.test(file) ? file : `'${oneLine(file).replace(/'/g, "'\\''")}'`);

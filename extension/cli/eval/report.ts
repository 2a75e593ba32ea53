// What octet eval prints in the end: tables, or one JSON document with every problem's candidates.
import { accessSync, constants, statSync } from "node:fs";
import { readlink, realpath, rename, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { LoadResult } from "../../../protocol/worker";
import { deviceWords } from "../../worker/deviceWords";
import type { CliContext } from "../context";
import { badInput } from "../errors";
import { plural } from "../format";
import { modelLabel } from "../modelLabel";
import { inertJson, oneLine } from "../sanitize";
import { hangingLines, markdownTable, textTable, type Column } from "../table";
import { displayWidth } from "../width";
import { writeJson, writeLines } from "../write";

export interface Table {
  columns: readonly Column[];
  rows: readonly (readonly string[])[];
  /** Columns of each part, where the terminal is too narrow for the whole. */
  parts?: readonly (readonly number[])[];
}

export interface Report {
  loaded: LoadResult;
  /** What was done, in a sentence or two. */
  work: string;
  /** How to read the tables. */
  legend: string;
  tables: readonly Table[];
  /** Further results, a line each. */
  lines: readonly string[];
  notices: readonly string[];
  /** Results for programs; models, device and machine are added. */
  json: Record<string, unknown>;
}

export interface OutputOptions {
  /** true: standard output. */
  json?: boolean | string;
  markdown?: boolean;
}

/** Before the work: an output that cannot be written is refused while nothing is lost. */
export function checkOutput({ json, markdown }: OutputOptions): void {
  if (json === true && markdown) throw badInput("--json and --markdown exclude each other", "Give --json a file's name.");
  if (typeof json !== "string") return;
  if (json === "") throw badInput("--json takes a path, not an empty text");
  const folder = path.dirname(json);
  try {
    accessSync(`${folder}${path.sep}.`, constants.W_OK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw badInput(`--json: ${oneLine(json)} cannot be written: ${code === "ENOENT" ? `there is no folder ${oneLine(folder)}` : message}`);
  }
  const there = statSync(json, { throwIfNoEntry: false });
  if (there?.isDirectory()) throw badInput(`--json: ${oneLine(json)} is a folder, not a file`);
  if (there?.isFile() === false) throw badInput(`--json: ${oneLine(json)} is not a regular file`, "--json alone prints on standard output.");
}

/** A JSON file is whole or not there; the tables are printed beside it. */
export async function print(report: Report, options: OutputOptions, context: CliContext): Promise<void> {
  const document = { ...report.json, ...circumstances(report.loaded), notices: report.notices };
  if (options.json === true) return writeJson(context.stdout, document);
  if (options.json) await writeFileWhole(options.json, `${inertJson(document)}\n`);
  const { theme } = context.terminal;
  const lines = options.markdown ? markdownLines(report) : textLines(report, context);
  await writeLines(context.stdout, lines, theme);
}

function circumstances(loaded: LoadResult): Record<string, unknown> {
  const [processor] = os.cpus();
  return {
    models: { target: loaded.target, draft: loaded.draft },
    device: loaded.device,
    runtime: loaded.runtime,
    threads: loaded.threads,
    machine: { processor: processor?.model ?? "", logicalCores: os.cpus().length, memoryBytes: os.totalmem() },
  };
}

/** A link stays one: what it leads to is written, there or not. */
export async function writeFileWhole(file: string, text: string): Promise<void> {
  const place = await realpath(file).catch(() => readlink(file).then((to) => path.resolve(path.dirname(file), to), () => file));
  const beside = path.join(path.dirname(place), `.${path.basename(place)}.${process.pid}.tmp`);
  try {
    await writeFile(beside, text);
    await rename(beside, place);
  } catch (error) {
    await rm(beside, { force: true });
    throw badInput(`${oneLine(file)} cannot be written: ${(error as Error).message}`);
  }
}

const models = ({ target, draft }: LoadResult): string => `${modelLabel(target)}${draft ? ` with ${modelLabel(draft)}` : ", no draft model"}`;
const machine = (loaded: LoadResult): string => `${oneLine(deviceWords(loaded))}, ${plural(loaded.threads, "thread")}`;

function markdownLines({ loaded, work, legend, tables, lines, notices }: Report): string[] {
  return [
    ...tables.flatMap(({ columns, rows }) => [...markdownTable(columns, rows), ""]),
    `${models(loaded)}. ${machine(loaded)}. ${work} ${legend}`,
    ...lines.map((line) => `\n${line}.`), ...notices.map((notice) => `\n${oneLine(notice)}`),
  ];
}

function textLines({ loaded, work, legend, tables, lines, notices }: Report, { terminal }: CliContext): string[] {
  const { theme } = terminal;
  const width = terminal.width();
  const dim = (text: string): string[] => hangingLines("", text, width).map((line) => theme.dim(line));
  const draw = ({ columns, rows, parts }: Table): string[] => {
    const whole = textTable(columns, rows);
    const pick = <T>(from: readonly T[], part: readonly number[]): T[] => part.flatMap((index) => from.slice(index, index + 1));
    const tables = !parts || Math.max(...whole.map(displayWidth)) <= width
      ? [whole]
      : parts.map((part) => textTable(pick(columns, part), rows.map((row) => pick(row, part))));
    return tables.flatMap(([header = "", ...body]) => [theme.dim(header), ...body, ""]);
  };
  return [
    theme.strong(models(loaded)), ...dim(machine(loaded)), ...dim(work), "",
    ...tables.flatMap(draw), ...lines.flatMap((line) => hangingLines("", line, width)), ...(lines.length > 0 ? [""] : []),
    ...dim(legend), ...notices.map((notice) => theme.warn(`note: ${oneLine(notice)}`)),
  ];
}

// Options that several commands share, parsed strictly.
import { statSync } from "node:fs";
import { Option, type Command } from "commander";
import type { DraftLength, LoadParams } from "../../protocol/worker";
import { badInput } from "./errors";
import { readingError } from "./input";
import { parseChoice, parseDraftLength, parseInteger, parseReal } from "./numbers";
import { oneLine } from "./sanitize";

export interface ModelOptions {
  target?: string;
  draft?: string | false;
  device: string;
  threads: number;
  context: number;
  kv: LoadParams["kvType"];
}

export interface SamplingOptions {
  temperature: number;
  topP: number;
  topK: number;
  minP: number;
  seed?: number;
}

export const kvTypes = ["f16", "f32", "q8_0"] as const;
const maxThreads = 256;
const maxTopK = 2 ** 30;
const maxContext = 2 ** 24;

/** A parser for commander of whole numbers in a range. */
export const integer = (option: string, min: number, max: number) => (text: string): number =>
  parseInteger(option, text, { min, max });
export const real = (option: string, min: number, max: number, aboveMin = false) => (text: string): number =>
  parseReal(option, text, { min, max, aboveMin });

/** An option that takes a list, whose default the help shows as one would type it. */
export const list = <T>(flags: string, description: string, parse: (text: string) => T[], usual: T[]): Option =>
  new Option(flags, description).argParser(parse).default(usual, usual.join(","));

/** A parser for commander of paths of files that must be there. Throws bad input that names the option. */
export const existingFile = (option: string) => (file: string): string => {
  const name = `${option}: ${oneLine(file) || '""'}`;
  try {
    if (!statSync(file).isDirectory()) return file;
  } catch (error) {
    throw readingError(name, error);
  }
  throw badInput(`${name}: a folder, not a file`);
};

export const deviceOption = ["--device <NAME>", "auto, cpu, gpu, or a name that octet doctor lists", "auto"] as const;

/** `anyFile`: what is wrong with a model's file is for the command to say. */
export function addModelOptions(command: Command, { anyFile = false } = {}): Command {
  const modelFile = (option: string): ((file: string) => string) => (anyFile ? (file) => file : existingFile(option));
  excludeBoth(command, "draft", "no-draft");
  return command
    .option("--target <GGUF>", "target model (default: the starter model)", modelFile("--target"))
    .option("--draft <GGUF>", "draft model with the target's vocabulary (default: the starter draft with the starter model)",
      modelFile("--draft"))
    .option("--no-draft", "no draft model: drafts are looked up in the text")
    .option(...deviceOption)
    .option("--threads <N>", "compute threads; 0 leaves the machine usable", integer("--threads", 0, maxThreads), 0)
    .option("--context <N>", "tokens of prompt and completion a lane can hold; 0: the model's own, at most 8192",
      integer("--context", 0, maxContext), 0)
    .option("--kv <TYPE>", "precision of the KV cache: f16, f32 or q8_0", (text) => parseChoice("--kv", text, kvTypes), "f16");
}

/** To commander the two are one option, of which the last counts. */
function excludeBoth(command: Command, ...names: [string, string]): void {
  const given = new Set<string>();
  for (const name of names) command.on(`option:${name}`, () => given.add(name));
  command.hook("preAction", () => {
    if (names.every((name) => given.has(name))) throw badInput(`--${names[0]} and --${names[1]} exclude each other`);
  });
}

export function addSamplingOptions(command: Command): Command {
  return command
    .option("--temperature <T>", "0 is greedy", real("--temperature", 0, 100), 0.8)
    .option("--top-p <P>", "nucleus sampling; 1: off", real("--top-p", 0, 1, true), 0.95)
    .option("--top-k <K>", "sample among the K likeliest tokens; 0: off", integer("--top-k", 0, maxTopK), 0)
    .option("--min-p <M>", "drop tokens less likely than M times the likeliest; 0: off", real("--min-p", 0, 1), 0)
    .option("--seed <S>", "whole number; the same seed gives the same lanes (default: random)",
      integer("--seed", 0, Number.MAX_SAFE_INTEGER));
}

/** The default is only told: where the user did not say, the option is undefined. */
export function addDraftLengthOption(command: Command, usual: DraftLength = "auto"): Command {
  return command.option("--draft-length <K>", `tokens drafted in a step: none, fixed:K, bass or auto (default: ${usual})`,
    (text): DraftLength => parseDraftLength("--draft-length", text));
}

/** A seed that one can read out and type again. */
export const randomSeed = (): number => Math.floor(Math.random() * 2 ** 32);

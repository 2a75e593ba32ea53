// What octet models prints: the catalogue with what fits and what is there, and models that other tools have.
import { bytesOf, catalogue, licenceLine } from "../models/catalogue";
import { fitSentence, rank, type Fit, type Machine } from "../models/fit";
import { findModels, isSame, locate, type FoundFile, type LocatedPair } from "../models/found";
import type { Home } from "../models/home";
import { storedFile, usedBytes } from "../models/store";
import { crashNotice } from "../worker/driverCrashes";
import type { OctetError } from "../worker/errors";
import { formatBytes } from "./format";
import { oneLine } from "./sanitize";
import { hangingLines } from "./table";
import type { Theme } from "./terminal";

/** As octet inspect reckons: eight lanes of a usual context. */
const WANTED = { lanes: 8, contextTokens: 4096 };

export interface PairReport {
  name: string;
  title: string;
  about: string;
  licence: string;
  quantization: string;
  /** Of both files. */
  bytes: number;
  /** there: both files can be used now. partial: a download was cut. */
  state: "there" | "partial" | "available";
  missingBytes: number;
  target: LocatedPair["target"];
  draft: LocatedPair["draft"];
  fit: Fit;
  recommended: boolean;
}

export interface ModelsReport {
  folder: string;
  usedBytes: number;
  /** Why GPUs are not reckoned with, though there may be some; null: they are. */
  gpuNotice: string | null;
  /** Best for this machine first. */
  pairs: PairReport[];
  /** Models of other tools that are in no pair of the catalogue. */
  found: FoundFile[];
}

export async function makeModelsReport(machine: Machine, driverCrash: OctetError | null, folder: string, user: Home): Promise<ModelsReport> {
  const found = await findModels(user, folder);
  const pairs = await Promise.all(rank(catalogue, machine, WANTED).map(async ({ pair, fit, recommended }): Promise<PairReport> => {
    const { target, draft, missingBytes } = await locate(pair, folder, found);
    const partial = (await storedFile(pair.target, folder)).state === "partial" || (target !== null && draft === null);
    return {
      name: pair.name, title: pair.title, about: pair.about, licence: licenceLine(pair), quantization: pair.target.quantization, bytes: bytesOf(pair),
      state: missingBytes === 0 ? "there" : partial ? "partial" : "available", missingBytes, target, draft, fit, recommended,
    };
  }));
  const files = catalogue.flatMap(({ target, draft }) => [target, draft]);
  const gpuNotice = driverCrash && crashNotice(driverCrash);
  return { folder, usedBytes: await usedBytes(catalogue, folder), gpuNotice, pairs, found: found.filter((file) => !files.some((known) => isSame(file, known))) };
}

export function modelsLines({ folder, usedBytes: used, gpuNotice, pairs, found }: ModelsReport, theme: Theme, width: number): string[] {
  return [
    ...hangingLines("folder  ", `${oneLine(folder)}, ${formatBytes(used)} used`, width),
    ...(gpuNotice === null ? [] : hangingLines(`${theme.warn(theme.marks.caution)} `, oneLine(gpuNotice), width)),
    "",
    ...pairs.flatMap((pair) => pairLines(pair, theme, width)),
    "",
    ...hangingLines("", "octet models download NAME fetches a pair; the starter pair comes with Octet.", width),
    ...(found.length === 0 ? [] : ["", "Also on this machine, for --target and --draft:"]),
    ...found.flatMap(({ source, bytes, name, path }) => hangingLines("  ", `${oneLine(name)}, ${formatBytes(bytes)}, ${source}: ${oneLine(path)}`, width)),
  ];
}

function pairLines(pair: PairReport, theme: Theme, width: number): string[] {
  const { name, bytes, state, missingBytes, target, draft, fit, recommended } = pair;
  const { marks } = theme;
  const mark = fit.where === "gpu" ? theme.good(marks.yes) : fit.where !== "nowhere" ? theme.warn(marks.caution) : theme.bad(marks.no);
  const sources = [...new Set([target, draft].flatMap((located) => located?.source ?? []))];
  const states = {
    there: sources.length === 0 ? "downloaded" : `there, from ${sources.join(" and ")}`,
    partial: `${formatBytes(missingBytes)} to come`,
    available: "",
  };
  const facts = [formatBytes(bytes), states[state], recommended ? "recommended" : ""].filter(Boolean).join(", ");
  return [
    ...hangingLines(`${mark} ${theme.strong(name.padEnd(28))}`, facts, width),
    ...hangingLines("    ", `${pair.quantization}, ${pair.licence}`, width),
    ...hangingLines("    ", fitSentence(fit), width),
  ];
}

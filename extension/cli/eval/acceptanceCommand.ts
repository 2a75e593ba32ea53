// octet eval acceptance: held-out files continued from chosen places, and how much of what is drafted is kept.
import type { Command } from "commander";
import { MAX_LANES, MAX_NEW_TOKENS, type DraftLength, type LoadResult, type StepEvent } from "../../../protocol/worker";
import { fitPrompt } from "../../completion/prompt";
import type { CliContext } from "../context";
import { badInput } from "../errors";
import { formatFigure, plural } from "../format";
import { choosePair } from "../models";
import { parseIntegerList, parseReal } from "../numbers";
import { addDraftLengthOption, integer, list, real, type ModelOptions } from "../options";
import { statusLine } from "../statusLine";
import type { WorkerApi } from "../workerApi";
import { acceptanceRows, tallySteps, type AcceptanceRow, type AcceptanceSample } from "./acceptance";
import { remaining, runMeasurement } from "./measurement";
import { addCommonOptions } from "./options";
import { seededRandom, shuffled } from "./random";
import { checkOutput, print, type OutputOptions } from "./report";
import { SLACK_TOKENS } from "./runEval";
import { readSourceFiles, type SourceFile } from "./sourceFiles";
import { shareText } from "./table";
import { textBefore } from "./window";

interface AcceptanceOptions extends ModelOptions, OutputOptions {
  files: string;
  places: number;
  temperatures: number[];
  batch: number[];
  newTokens: number;
  topP: number;
  draftLength?: DraftLength;
  seed: number;
  limit?: number;
}

const CONTEXT_TOKENS = 2048;
const MAX_PLACES = 1000;
const DEFAULT_DRAFT_LENGTH: DraftLength = "fixed:4";
/** Lines before a place, so that there is something to go by. */
const LEAST_BEFORE = 5;

export function addAcceptance(parent: Command, run: (command: (context: CliContext) => Promise<number>) => Promise<void>): void {
  const command = parent.command("acceptance")
    .description("how many of the drafted tokens the target keeps, on held-out files")
    .requiredOption("--files <DIR>", "folder with source files the models were not trained on")
    .option("--places <P>", "places of each file to continue from", integer("--places", 1, MAX_PLACES), 2)
    .addOption(list("--temperatures <LIST>", "0 is greedy", parseTemperatures, [0, 0.2, 0.8]))
    .addOption(list("--batch <LIST>", "lanes", (text) => parseIntegerList("--batch", text, { min: 1, max: MAX_LANES }), [1, 8]))
    .option("--new-tokens <N>", "most tokens a lane writes", integer("--new-tokens", 1, MAX_NEW_TOKENS), 64)
    .option("--top-p <P>", "nucleus sampling; 1: off", real("--top-p", 0, 1, true), 0.95);
  addDraftLengthOption(command, DEFAULT_DRAFT_LENGTH);
  addCommonOptions(command).action((options: AcceptanceOptions) => run((context) => acceptance(options, context)));
}

const parseTemperatures = (text: string): number[] =>
  [...new Set(text.split(",").map((part) => parseReal("--temperatures", part.trim(), { min: 0, max: 100 })))];

interface Place {
  id: string;
  language: string;
  prefix: string;
}

async function acceptance(options: AcceptanceOptions, context: CliContext): Promise<number> {
  checkOutput(options);
  const { draftLength = DEFAULT_DRAFT_LENGTH } = options;
  if (draftLength === "none") throw badInput("Without drafts there is nothing to accept", "Use --draft-length fixed:K, bass or auto.");
  const pair = choosePair({ ...options, draftLength }, context.root);
  const files = await readSourceFiles(options.files, context.signal);
  const all = files.flatMap((file) => choosePlaces(file, options.places, options.seed));
  if (all.length === 0) throw badInput(`The ${files.length} source files of ${options.files} are too short to be continued`);
  const places = shuffled(all, seededRandom(options.seed, "places")).slice(0, options.limit);
  const samples: AcceptanceSample[] = [];
  const { device, threads, kv: kvType } = options;
  return runMeasurement({
    load: { ...pair, device, threads, lanes: Math.max(...options.batch), contextTokens: options.context || CONTEXT_TOKENS, kvType },
    measure: (worker, loaded) => measure(worker, loaded, places, { ...options, draftLength }, samples, context),
    hasResults: () => samples.length > 0,
    report: (loaded) => report(loaded, places.length, { ...options, draftLength }, samples, context),
  }, context);
}

/** Starts of lines with text, in the order of the file. */
function choosePlaces({ name, language, text }: SourceFile, count: number, seed: number): Place[] {
  const lines = text.split("\n");
  const edges = [...lines.keys()].filter((line) => (lines[line] ?? "").trim() !== "").slice(LEAST_BEFORE);
  return shuffled(edges, seededRandom(seed, `places ${name}`)).slice(0, count).sort((a, b) => a - b).map((line) => ({
    id: `${name}:${line + 1}`,
    language,
    prefix: lines.slice(0, line).map((before) => `${before}\n`).join(""),
  }));
}

async function measure(
  worker: WorkerApi, loaded: LoadResult, places: readonly Place[], options: AcceptanceOptions & { draftLength: DraftLength },
  samples: AcceptanceSample[], context: CliContext,
): Promise<void> {
  const room = loaded.contextTokens - options.newTokens - SLACK_TOKENS;
  if (room < 1) throw badInput(`A context of ${loaded.contextTokens} tokens has no room beside ${options.newTokens} new ones`);
  const count = async (text: string): Promise<number> => (await worker.tokenize(text)).tokens.length;
  const status = statusLine(context);
  const start = performance.now();
  try {
    for (const [index, { id, language, prefix }] of places.entries()) {
      status.show(`place ${index + 1} of ${places.length}${remaining(start, index, places.length)}`);
      const prompt = await fitPrompt({ kind: "text", text: textBefore(prefix, room) }, room, count);
      const made: AcceptanceSample[] = [];
      for (const temperature of options.temperatures) {
        for (const batch of options.batch.filter((lanes) => lanes <= loaded.lanes)) {
          const steps: StepEvent[] = [];
          const sampling = { temperature, topP: options.topP, topK: 0, minP: 0, seed: options.seed + index };
          await worker.generate(
            {
              id: "eval", prompt, lanes: batch, maxTokens: options.newTokens, sampling, stop: [], stopTokens: [], budgetMs: null,
              draftLength: options.draftLength,
              ...(loaded.draft ? {} : { freshPrompt: true }),  // what is looked up is not to be found in the same place's other completions
            },
            { signal: context.signal, onProgress: (progress) => void steps.push(...progress.steps) });
          context.signal.throwIfAborted();
          made.push({ place: id, language, temperature, batch, tally: tallySteps(steps) });
        }
      }
      samples.push(...made);
    }
  } finally {
    status.clear();
  }
}

async function report(
  loaded: LoadResult, wanted: number, options: AcceptanceOptions, samples: readonly AcceptanceSample[], context: CliContext,
): Promise<void> {
  const rows = acceptanceRows(samples);
  const done = new Set(samples.map(({ place }) => place)).size;
  const notices = [...loaded.notices];
  if (done < wanted) notices.push(`Stopped after ${done} of ${plural(wanted, "place")}.`);
  if (options.batch.some((lanes) => lanes > loaded.lanes)) {
    notices.push(`Batches above ${loaded.lanes} were left out: memory holds no more lanes.`);
  }
  const { draftLength, newTokens, topP, temperatures, batch, seed, places } = options;
  await print({
    loaded,
    work: `acceptance, ${plural(done, "place")}, at most ${plural(newTokens, "token")} a lane, top-p ${topP}, ` +
      `draft length ${draftLength}, seed ${seed}.`,
    legend: "accepted: drafted tokens that were kept, of all drafted; it falls with the draft length. per token: of those that were " +
      "looked at, which those behind a rejected one are not. tok/step: tokens a lane gains in a step. In brackets: 95 % intervals " +
      "over places.",
    tables: [{
      columns: [
        { header: "language", align: "left" }, { header: "places", align: "right" }, { header: "temperature", align: "right" },
        { header: "batch", align: "right" }, { header: "accepted", align: "right" }, { header: "per token", align: "right" },
        { header: "tok/step", align: "right" },
      ],
      rows: rows.map(cells),
    }],
    lines: [],
    notices,
    json: {
      suite: "acceptance",
      parameters: {
        draftLength, newTokens, topP, temperatures, batch, seed, places, contextTokens: loaded.contextTokens, kvType: options.kv,
      },
      complete: done === wanted,
      summary: rows,
      samples,
    },
  }, options, context);
}

const cells = (row: AcceptanceRow): string[] => [
  row.language, String(row.places), String(row.temperature), String(row.batch), shareText(row.acceptanceRate), shareText(row.perToken),
  formatFigure(row.tokensPerStep),
];

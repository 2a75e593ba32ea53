// octet eval cursor: held-out files asked for a completion wherever a cursor may stand, with and without token healing.
import type { Command } from "commander";
import { MAX_LANES, type DraftLength, type GenerateParams, type LoadResult, type Prompt } from "../../../protocol/worker";
import { AskBuilder } from "../../completion/askBuilder";
import type { CountTokens } from "../../completion/cut";
import { TextDocument } from "../../completion/document";
import { fillsInWell } from "../../completion/prompt";
import { RecentPlaces } from "../../completion/recentPlaces";
import { rotated } from "../benchTable";
import type { CliContext } from "../context";
import { badInput, failure } from "../errors";
import { plural } from "../format";
import { choosePair } from "../models";
import { addDraftLengthOption, integer, real, type ModelOptions } from "../options";
import { oneLine } from "../sanitize";
import { statusLine } from "../statusLine";
import type { WorkerApi } from "../workerApi";
import { cursorGains, cursorRows, healings, isRight, type CursorLane, type CursorSample, type Healing } from "./cursor";
import { choosePlaces, placeKinds, type CursorPlace } from "./cursorPlaces";
import { cursorTable } from "./cursorTable";
import { remaining, runMeasurement } from "./measurement";
import { addCommonOptions } from "./options";
import { seededRandom, shuffled } from "./random";
import { checkOutput, print, type OutputOptions } from "./report";
import { readSourceFiles } from "./sourceFiles";

interface CursorOptions extends ModelOptions, OutputOptions {
  files: string;
  places: number;
  lanes: number;
  temperature: number;
  topP: number;
  draftLength?: DraftLength;
  seed: number;
  limit?: number;
}

const CONTEXT_TOKENS = 2048;
const MAX_PLACES = 1000;
/** Enough for a word, and to see that it ends. */
const NEW_TOKENS = 16;
/** Of the editor's settings: the longest completion, which its prompts leave room for, and the shortest context. */
const EDITOR_MAX_TOKENS = 256;
const EDITOR_LEAST_CONTEXT = 256;
/** A seed gives the same lanes again, but for rounding; under "auto" times would decide. */
const DEFAULT_DRAFT_LENGTH: DraftLength = "fixed:4";

export function addCursor(parent: Command, run: (command: (context: CliContext) => Promise<number>) => Promise<void>): void {
  const command = parent.command("cursor")
    .description("the next word from wherever a cursor may stand in held-out files, with and without token healing")
    .requiredOption("--files <DIR>", "folder with source files the models were not trained on")
    .option("--places <P>", `places of each kind in a file: ${placeKinds.join(", ")}`, integer("--places", 1, MAX_PLACES), 4)
    .option("-n, --lanes <N>", `completions of a place, 1 to ${MAX_LANES}`, integer("-n", 1, MAX_LANES), 8)
    .option("--temperature <T>", "0 is greedy", real("--temperature", 0, 100), 0.6)
    .option("--top-p <P>", "nucleus sampling; 1: off", real("--top-p", 0, 1, true), 0.95);
  addDraftLengthOption(command, DEFAULT_DRAFT_LENGTH);
  addCommonOptions(command).action((options: CursorOptions) => run((context) => cursor(options, context)));
}

async function cursor(options: CursorOptions, context: CliContext): Promise<number> {
  checkOutput(options);
  const pair = choosePair(options, context.root);
  const files = await readSourceFiles(options.files, context.signal);
  const all = files.flatMap((file) => choosePlaces(file, options.places, options.seed));
  if (all.length === 0) {
    throw badInput(`${oneLine(options.files)} holds no place to complete at`, "Code is needed that has five lines with text before it.");
  }
  const places = shuffled(all, seededRandom(options.seed, "places")).slice(0, options.limit);
  const samples: CursorSample[] = [];
  const { device, threads, lanes, kv: kvType } = options;
  return runMeasurement({
    load: { ...pair, device, threads, lanes, contextTokens: options.context || CONTEXT_TOKENS, kvType },
    measure: (worker, loaded) => measure(worker, loaded, places, options, samples, context),
    hasResults: () => samples.length > 0,
    report: (loaded) => report(loaded, places.length, options, samples, context),
  }, context);
}

const draftLengthOf = ({ draftLength = DEFAULT_DRAFT_LENGTH }: CursorOptions, { draft }: LoadResult): DraftLength => (draft ? draftLength : "none");

async function measure(
  worker: WorkerApi, loaded: LoadResult, places: readonly CursorPlace[], options: CursorOptions, samples: CursorSample[], context: CliContext,
): Promise<void> {
  if (loaded.lanes < options.lanes) {
    throw badInput(`Memory holds ${plural(loaded.lanes, "lane")}, not ${options.lanes}`, "Use -n with fewer, or a shorter --context.");
  }
  if (loaded.contextTokens < EDITOR_LEAST_CONTEXT) {
    const tokens = plural(loaded.contextTokens, "token");
    throw badInput(`A context of ${tokens} is shorter than any in the editor`, `Use --context ${EDITOR_LEAST_CONTEXT} or more.`);
  }
  const count: CountTokens = async (text) => (await worker.tokenize(text)).tokens.length;
  const status = statusLine(context);
  const start = performance.now();
  try {
    for (const [index, place] of places.entries()) {
      status.show(`place ${index + 1} of ${places.length}${remaining(start, index, places.length)}`);
      const prompt = await editorPrompt(place, loaded, options, count);
      const lanes: Record<Healing, CursorLane[]> = { off: [], on: [] };
      for (const healing of rotated(healings, index)) {
        const { sequences } = await worker.generate(requestOf(prompt, healing, index, loaded, options), { signal: context.signal });
        context.signal.throwIfAborted();
        lanes[healing] = sequences.map((sequence) => {
          const { text, finishReason, rank } = sequence;
          return { text, finishReason, rank, right: isRight(place.next, sequence) };
        });
      }
      samples.push({ place: place.id, kind: place.kind, language: place.language, next: place.next, lanes });
    }
  } finally {
    status.clear();
  }
}

/** What the editor would ask this model, its file ending where the cursor stands and going on behind the word that was there. */
async function editorPrompt(
  { before, after, language }: CursorPlace, loaded: LoadResult, options: CursorOptions, count: CountTokens,
): Promise<Prompt> {
  const document = new TextDocument(before + after, { languageId: language });
  const ask = await new AskBuilder(new RecentPlaces(), count).build({
    document, cursor: document.positionAt(before.length), selected: undefined, kind: "explicit", shapedAs: "explicit", loaded,
    settings: {
      candidates: options.lanes, maxTokens: EDITOR_MAX_TOKENS, temperature: options.temperature, topP: options.topP, seed: options.seed,
      draftLength: draftLengthOf(options, loaded), contextTokens: loaded.contextTokens, debounce: undefined, preparePrompts: false,
    },
  });
  if (!ask) throw failure("There is nothing to continue");
  return ask.prompt;
}

/** Prompts are computed anew: neither way finds what the other has computed. */
function requestOf(prompt: Prompt, healing: Healing, index: number, loaded: LoadResult, options: CursorOptions): GenerateParams {
  const { lanes, temperature, topP, seed } = options;
  return {
    id: "eval", prompt, lanes, maxTokens: NEW_TOKENS, stop: ["\n"], stopTokens: [], budgetMs: null, heal: healing === "on", freshPrompt: true,
    draftLength: draftLengthOf(options, loaded), sampling: { temperature, topP, topK: 0, minP: 0, seed: seed + index * MAX_LANES },
  };
}

async function report(
  loaded: LoadResult, wanted: number, options: CursorOptions, samples: readonly CursorSample[], context: CliContext,
): Promise<void> {
  const rows = cursorRows(samples);
  const gains = cursorGains(samples);
  const notices = [...loaded.notices];
  if (samples.length < wanted) notices.push(`Stopped after ${samples.length} of ${plural(wanted, "place")}.`);
  const { lanes, temperature, topP, seed, places, kv: kvType } = options;
  const draftLength = draftLengthOf(options, loaded);
  const fillsIn = fillsInWell({ fim: loaded.fim, parameters: loaded.target.parameters });
  await print({
    loaded,
    work: `cursor, ${plural(samples.length, "place")}, ${plural(lanes, "lane")} of at most ${plural(NEW_TOKENS, "token")} and a line, ` +
      `temperature ${temperature}, top-p ${topP}, draft length ${draftLength}, seed ${seed}. ` +
      `Prompts are the editor's: ${fillsIn ? "the text before the cursor, and the text behind the word to come" : "the text before the cursor"}.`,
    legend: "Right is a lane whose first word, or run of punctuation, is the very one that was there. best-ranked: places whose lane of rank 1 " +
      "is right; any lane: places with a right one; all lanes: share of lanes that are right. gain: healing on less off, in percentage " +
      "points. In brackets: 95 % intervals.",
    tables: [cursorTable(rows, gains)],
    lines: [],
    notices,
    json: {
      suite: "cursor",
      parameters: {
        lanes, newTokens: NEW_TOKENS, temperature, topP, draftLength, seed, places, prompt: fillsIn ? "fim" : "text",
        contextTokens: loaded.contextTokens, kvType,
      },
      complete: samples.length === wanted,
      summary: rows,
      gains,
      places: samples,
    },
  }, options, context);
}

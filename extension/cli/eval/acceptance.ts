// How often the target keeps what is drafted, counted step by step.
import type { StepEvent } from "../../../protocol/worker";
import { ratio } from "../statistics";
import { bootstrap } from "./intervals";
import type { Estimate } from "./metrics";

export interface Tally {
  drafted: number;
  accepted: number;
  /** Drafted tokens that were looked at: those behind a rejected one never are. */
  tested: number;
  tokens: number;
  /** Steps, summed over lanes. */
  laneSteps: number;
}

export function tallySteps(steps: readonly StepEvent[]): Tally {
  const tally: Tally = { drafted: 0, accepted: 0, tested: 0, tokens: 0, laneSteps: 0 };
  for (const { drafted, accepted, tokens } of steps.flatMap((step) => step.lanes)) {
    if (tokens.length === 0) continue;
    tally.drafted += drafted;
    tally.accepted += accepted;
    tally.tested += Math.min(drafted, accepted + 1);
    tally.tokens += tokens.length;
    tally.laneSteps += 1;
  }
  return tally;
}

/** One place continued by one setting. */
export interface AcceptanceSample {
  place: string;
  language: string;
  temperature: number;
  batch: number;
  tally: Tally;
}

export interface AcceptanceRow {
  language: string;
  temperature: number;
  batch: number;
  places: number;
  /** accepted / drafted, as everywhere in Octet: it falls with the draft length. */
  acceptanceRate: Estimate | null;
  /** accepted / tested: how likely one drafted token is kept, whatever the draft length (Leviathan et al.'s alpha). */
  perToken: Estimate | null;
  tokensPerStep: number | null;
}

export const ALL_LANGUAGES = "all";

/** By language, those with most places first, then all together where there are several. */
export function acceptanceRows(samples: readonly AcceptanceSample[]): AcceptanceRow[] {
  const count = (language: string): number => samples.filter((sample) => sample.language === language).length;
  const languages = [...new Set(samples.map(({ language }) => language))].sort((a, b) => count(b) - count(a) || (a < b ? -1 : 1));
  return [...languages, ...(languages.length > 1 ? [ALL_LANGUAGES] : [])].flatMap((language) => {
    const own = samples.filter((sample) => language === ALL_LANGUAGES || sample.language === language);
    const settings = new Map(own.map(({ temperature, batch }) => [`${temperature} ${batch}`, { temperature, batch }]));
    return [...settings.values()].map(({ temperature, batch }) =>
      row(language, temperature, batch, own.filter((sample) => sample.temperature === temperature && sample.batch === batch)));
  });
}

function row(language: string, temperature: number, batch: number, samples: readonly AcceptanceSample[]): AcceptanceRow {
  const over = (part: keyof Tally, whole: keyof Tally) => (chosen: readonly AcceptanceSample[]): number | null =>
    ratio(sum(chosen, part), sum(chosen, whole));
  const estimate = (figure: (chosen: readonly AcceptanceSample[]) => number | null): Estimate | null => {
    const value = figure(samples);
    return value === null ? null : { value, interval: bootstrap(samples, figure) };
  };
  return {
    language, temperature, batch, places: samples.length,
    acceptanceRate: estimate(over("accepted", "drafted")),
    perToken: estimate(over("accepted", "tested")),
    tokensPerStep: over("tokens", "laneSteps")(samples),
  };
}

const sum = (samples: readonly AcceptanceSample[], part: keyof Tally): number => samples.reduce((total, { tally }) => total + tally[part], 0);

// Bits per byte of held-out files, by language.
import { ratio } from "../statistics";
import { ALL_LANGUAGES } from "./acceptance";

export interface LossSample {
  file: string;
  language: string;
  bytes: number;
  tokens: number;
  /** Bits under each model, all tokens together; null without a draft model. */
  target: number;
  draft: number | null;
}

export interface LossRow {
  language: string;
  files: number;
  bytes: number;
  bytesPerToken: number | null;
  /** Bits per byte: over all bytes of the language's files, so that long files weigh more. */
  target: number | null;
  draft: number | null;
}

/** By language, those with most bytes first, then all together where there are several. */
export function lossRows(samples: readonly LossSample[]): LossRow[] {
  const languages = [...new Set(samples.map(({ language }) => language))];
  const rows = languages.map((language) => row(language, samples.filter((sample) => sample.language === language)));
  return [...rows.sort((a, b) => b.bytes - a.bytes), ...(rows.length > 1 ? [row(ALL_LANGUAGES, samples)] : [])];
}

function row(language: string, samples: readonly LossSample[]): LossRow {
  const sum = (value: (sample: LossSample) => number): number => samples.reduce((total, sample) => total + value(sample), 0);
  const bytes = sum((sample) => sample.bytes);
  const hasDraft = samples.length > 0 && samples.every(({ draft }) => draft !== null);
  return {
    language, files: samples.length, bytes,
    bytesPerToken: ratio(bytes, sum((sample) => sample.tokens)),
    target: ratio(sum((sample) => sample.target), bytes),
    draft: hasDraft ? ratio(sum((sample) => sample.draft ?? 0), bytes) : null,
  };
}

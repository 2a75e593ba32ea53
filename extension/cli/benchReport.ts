// The result of octet bench with everything needed to read it: table, models, machine, parameters.
import os from "node:os";
import { deviceWords } from "../worker/deviceWords";
import type { BenchOptions, Setting } from "./bench";
import { cells, columns, halves, type Row } from "./benchTable";
import { plural } from "./format";
import { modelLabel } from "./modelLabel";
import { oneLine } from "./sanitize";
import { hangingLines, markdownTable, textTable } from "./table";
import type { Theme } from "./terminal";
import { displayWidth } from "./width";

export interface BenchReport extends Setting {
  options: BenchOptions;
  rows: Row[];
}

const legend = "ms per token of the first lane to finish, the last, and the mean over all; ratio: tokens per second over regular " +
  "decoding in the same repeat; medians.";

export function benchLines({ rows, options, loaded, workload, notices }: BenchReport, theme: Theme, width: number): string[] {
  const models = `${modelLabel(loaded.target)}${loaded.draft ? ` with ${modelLabel(loaded.draft)}` : ", no draft model"}`;
  const machine = `${oneLine(deviceWords(loaded))}, ${plural(loaded.threads, "thread")}, ${options.kv} cache`;
  const work = `${plural(workload.prompt.length, "prompt token")}, ${plural(workload.newTokens, "new token")}, temperature ${workload.temperature}, ` +
    `top-p ${workload.topP}, draft length ${workload.draftLength}, ${plural(options.repeat, "repeat")}`;
  if (options.markdown) {
    return [...markdownTable(columns, rows.map(cells)), "", `${models}. ${machine}. ${work}. ${legend}`, ...notices.map((notice) => `\n${oneLine(notice)}`)];
  }
  const dim = (text: string): string[] => hangingLines("", text, width).map((line) => theme.dim(line));
  const whole = table(rows, columns.map((_, index) => index), theme);
  const tables = Math.max(...whole.map(displayWidth)) <= width ? whole : halves.flatMap((half) => ["", ...table(rows, half, theme)]).slice(1);
  return [
    theme.strong(models), ...[machine, work].flatMap(dim), "", ...tables, "", ...dim(legend),
    ...notices.map((notice) => theme.warn(`note: ${oneLine(notice)}`)),
  ];
}

/** Some of the columns, with a blank line between batch sizes. */
function table(rows: readonly Row[], chosen: readonly number[], theme: Theme): string[] {
  const pick = <T>(from: readonly T[]): T[] => chosen.flatMap((index) => from.slice(index, index + 1));
  const [header = "", ...lines] = textTable(pick(columns), rows.map((row) => pick(cells(row))));
  const body = lines.flatMap((line, index) => (index > 0 && rows[index]?.batch !== rows[index - 1]?.batch ? ["", line] : [line]));
  return [theme.dim(header), ...body];
}

export function benchJson({ rows, options, loaded, workload, notices, batches }: BenchReport): unknown {
  const [processor] = os.cpus();
  return {
    rows,
    models: { target: loaded.target, draft: loaded.draft },
    device: loaded.device,
    machine: { processor: processor?.model ?? "", logicalCores: os.cpus().length, memoryBytes: os.totalmem() },
    parameters: {
      batches,
      promptTokens: workload.prompt.length,
      newTokens: workload.newTokens,
      repeat: options.repeat,
      temperature: workload.temperature,
      topP: workload.topP,
      seed: options.seed,
      draftLength: workload.draftLength,
      runtime: loaded.runtime,
      threads: loaded.threads,
      contextTokens: loaded.contextTokens,
      kvType: options.kv,
    },
    notices,
  };
}

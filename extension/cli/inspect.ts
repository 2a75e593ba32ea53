// octet inspect: what a GGUF file is, whether Octet can run it, and with which draft.
import path from "node:path";
import type { Command } from "commander";
import type { InspectResult } from "../../protocol/worker";
import { FEWEST_PARAMETERS, fillsInWell } from "../completion/prompt";
import { withWorker, type CliContext } from "./context";
import { findDrafts, type DraftCandidate } from "./draftSearch";
import { ExitCode } from "./errors";
import { formatBytes, formatCount, formatParameters, plural } from "./format";
import { modelsFolder } from "./models";
import { oneLine } from "./sanitize";
import { hangingLines } from "./table";
import type { Theme } from "./terminal";
import { writeJson, writeLines } from "./write";

const LANES = 8;
/** A lane of a model trained for more is reckoned with this many tokens: few prompts fill a long context eight times. */
const TYPICAL_CONTEXT = 4096;

interface InspectOptions {
  draft?: string;
  json?: boolean;
}

export interface InspectReport extends InspectResult {
  drafts: DraftCandidate[];
  /** Whether the editor shows the model the text after the cursor too, where there is text before it. */
  editorFillsIn: boolean;
  /** Bytes for eight lanes, each of its own `contextTokens`; a shared prompt is stored once, so it is usually less. */
  memory: { lanes: number; contextTokens: number; weights: number; kvCache: number; total: number };
}

export function addInspect(program: Command, run: (command: (context: CliContext) => Promise<number>) => Promise<void>): void {
  program.command("inspect")
    .description("say what a GGUF file is, whether Octet can run it, and with which draft")
    .argument("<file>", "a GGUF file")
    .option("--draft <GGUF>", "try this file as its draft (default: look for one in the same folder and among Octet's models)")
    .option("--json", "one JSON document on standard output")
    .addHelpText("after", "\nExample:\n  octet inspect ~/models/qwen2.5-coder-7b-q4_k_m.gguf")
    .action((file: string, options: InspectOptions) => run((context) => inspect(file, options, context)));
}

/** No device is used, so no GPU's driver is loaded. */
async function inspect(file: string, options: InspectOptions, context: CliContext): Promise<number> {
  const report = await withWorker(context, "cpu", async (worker): Promise<InspectReport> => {
    const result = await worker.inspect({ path: file, draft: options.draft });
    const drafts = options.draft === undefined ? await findDrafts(worker, result, [path.dirname(file), modelsFolder(context.root)]) : [];
    return { ...result, drafts, editorFillsIn: fillsInWell(result.model), memory: estimate(result) };
  });
  const { theme } = context.terminal;
  if (options.json) await writeJson(context.stdout, report);
  else await writeLines(context.stdout, inspectLines(report, theme, context.terminal.width()), theme);
  return report.draft?.compatible === false ? ExitCode.failure : ExitCode.done;
}

function estimate({ model, kvBytesPerToken }: InspectResult): InspectReport["memory"] {
  const contextTokens = model.trainedContext > 0 ? Math.min(model.trainedContext, TYPICAL_CONTEXT) : TYPICAL_CONTEXT;
  const kvCache = LANES * contextTokens * kvBytesPerToken;
  return { lanes: LANES, contextTokens, weights: model.fileBytes, kvCache, total: model.fileBytes + kvCache };
}

export function inspectLines(report: InspectReport, theme: Theme, width: number): string[] {
  const { model, memory } = report;
  const tensors = report.tensorTypes.map(({ type, count, bytes }) => `${formatCount(count)} ${oneLine(type)} (${formatBytes(bytes)})`);
  const rows: [string, string][] = [
    ["name", theme.strong(oneLine(model.name))],
    ["architecture", `${oneLine(model.architecture)}, ${plural(model.layers, "layer")}`],
    ["parameters", `${formatParameters(model.parameters)}, ${oneLine(model.quantization)}`],
    ["file", `${formatBytes(model.fileBytes)}, ${oneLine(model.path)}`],
    ["vocabulary", `${formatCount(model.vocabularySize)} tokens`],
    ["context", `${formatCount(model.trainedContext)} tokens`],
    ["tensors", tensors.join(", ")],
    ["fill-in", fillIn(report)],
    ["memory", `${formatBytes(memory.total)} for ${memory.lanes} lanes of ${formatCount(memory.contextTokens)} tokens: ` +
      `${formatBytes(memory.weights)} weights, ${formatBytes(memory.kvCache)} f16 cache`],
    ["runs", verdict(report.runnable, report.reasons, theme)],
    ["draft", draftLine(report, theme)],
  ];
  return rows.flatMap(([label, value]) => hangingLines(theme.dim(label.padEnd(14)), value, width));
}

/** What the model can, and what the editor asks of it. */
function fillIn({ model, editorFillsIn }: InspectReport): string {
  if (!model.fim) return "no: it only continues a text";
  if (editorFillsIn) return "yes: it takes a prefix and a suffix";
  return `yes, by --at and --suffix-file; in the editor it is shown the text before the cursor alone, where there is any: below ` +
    `${FEWEST_PARAMETERS / 1e6} million parameters models continue better than they fill in`;
}

function verdict(good: boolean, reasons: readonly string[], theme: Theme): string {
  const word = good ? theme.good(`${theme.marks.yes} yes`) : theme.bad(`${theme.marks.no} no`);
  return [word, ...reasons.map(oneLine)].join(good || reasons.length === 0 ? " · " : ": ");
}

function draftLine({ draft, drafts, model }: InspectReport, theme: Theme): string {
  if (draft) return verdict(draft.compatible, [[oneLine(draft.model.path), draft.reason].filter(Boolean).join(": ")], theme);
  const [best, ...others] = drafts;
  if (!best) return "none found nearby with this vocabulary and a third of the size or less; --draft tries one";
  const share = model.fileBytes / best.model.fileBytes;
  const more = others.length > 0 ? ` (or ${others.map((other) => oneLine(path.basename(other.path))).join(", ")})` : "";
  return `${theme.good(theme.marks.yes)} ${oneLine(best.path)}, ${share.toFixed(1)} times smaller${more}`;
}

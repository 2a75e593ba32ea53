// The result of a generation for people: candidates best first, then what it took.
import type { GenerateResult, LoadResult, SequenceResult, TextSpan, Totals } from "../../protocol/worker";
import { formatCount, formatDevice, formatDuration, formatFigure, formatLogprob, formatMs, formatPercent, plural } from "./format";
import { modelLabel } from "./modelLabel";
import { finishWords, groupIdentical, isFinished, type Candidate } from "./ranking";
import { oneLine, sanitize } from "./sanitize";
import { hangingLines } from "./table";
import type { Theme } from "./terminal";
import { displayWidth } from "./width";

export interface Report {
  result: GenerateResult;
  loaded: LoadResult;
  notices: readonly string[];
  seed: number;
  /** Text as it was written, lane by lane, with what was drafted told apart; empty where nobody watched. */
  spans: ReadonlyMap<number, readonly TextSpan[]>;
}

export function reportLines(report: Report, theme: Theme, columns: number): string[] {
  const lines: string[] = [];
  for (const candidate of groupIdentical(report.result.sequences)) {
    lines.push(candidateHeader(candidate, theme, columns), candidateText(candidate.best, report, theme), "");
  }
  lines.push(...totalsLines(report, theme, columns));
  if (theme.colored && report.spans.size > 0 && report.result.totals.accepted > 0) {
    lines.push(`${theme.dim("tinted".padEnd(10))}${theme.draft("drafted, and kept by the target")}`);
  }
  for (const notice of report.notices) lines.push(theme.warn(`note: ${oneLine(notice)}`));
  return lines;
}

function candidateHeader({ best, lanes }: Candidate, theme: Theme, columns: number): string {
  const state = isFinished(best.finishReason) ? theme.good : theme.warn;
  const facts = [
    state(finishWords[best.finishReason]),
    `log p ${formatLogprob(best.meanLogprob)}`,
    plural(best.tokens.length, "token"),
    ...(best.msPerToken === null ? [] : [`${formatMs(best.msPerToken)} ms/token`]),
    ...(lanes.length > 1 ? [`${lanes.length} lanes wrote this`] : []),
  ];
  const dash = theme.unicode ? "─" : "-";
  const text = `${theme.accent.bold(String(best.rank).padStart(2))}  ${facts.join(theme.dim(theme.unicode ? " · " : " | "))} `;
  return text + theme.dim(dash.repeat(Math.max(0, columns - displayWidth(text))));
}

/** Tinted where the spans add up to the text; they are the same text seen twice. */
function candidateText(best: SequenceResult, report: Report, theme: Theme): string {
  const spans = report.spans.get(best.lane) ?? [];
  const whole = spans.map((span) => span.text).join("");
  const text = whole === best.text && whole !== ""
    ? spans.map((span) => (span.accepted ? tint(sanitize(span.text), theme) : sanitize(span.text))).join("")
    : sanitize(best.text);
  return text === "" ? theme.dim("(no text)") : text.replace(/\n+$/, "");
}

/** Line by line: a colour that runs over a newline would run over a pager's margin too. */
const tint = (text: string, theme: Theme): string =>
  text.split("\n").map((line) => (line === "" ? "" : theme.draft(line))).join("\n");

function totalsLines({ result, loaded, seed }: Report, theme: Theme, columns: number): string[] {
  const { totals } = result;
  const dash = theme.unicode ? "─" : "-";
  const rows: [string, string][] = [
    ["per token", perToken(result)],
    ["together", `${formatCount(totals.tokensPerSecond ?? 0)} tok/s, ${plural(totals.tokens, "token")} in ${formatDuration(totals.decodeMs)}`],
    ...(totals.drafted > 0 ? [["draft", draftFacts(totals)] as [string, string]] : []),
    ["prompt", `${plural(totals.promptTokens, "token")}${totals.reusedTokens > 0 ? ` (${formatCount(totals.reusedTokens)} reused)` : ""} in ${formatDuration(totals.prefillMs)}`],
    ["models", `${modelLabel(loaded.target)}${loaded.draft ? ` with ${modelLabel(loaded.draft)}` : ", no draft model"}`],
    ["device", `${formatDevice(loaded)}, seed ${seed}`],
  ];
  return [theme.dim(dash.repeat(columns)), ...rows.flatMap(([label, value]) => hangingLines(theme.dim(label.padEnd(10)), value, columns))];
}

/** Stopped lanes count only where there is no other: the totals leave them out. */
function perToken({ totals, sequences }: GenerateResult): string {
  const { first, last, all } = totals.msPerToken;
  const stopped = sequences.filter(({ finishReason }) => finishReason === "cancelled").length;
  if (all === null) return "nothing was written";
  if (first === null) return `${formatMs(all)} ms on average; no lane finished`;
  const left = stopped > 0 ? `; ${plural(stopped, "stopped lane")} left out` : "";
  return `${formatMs(all)} ms on average; ${formatMs(first)} ms the first lane to finish, ${formatMs(last)} ms the last${left}`;
}

function draftFacts(totals: Totals): string {
  return `${formatPercent(totals.acceptanceRate)} accepted (${formatCount(totals.accepted)} of ${formatCount(totals.drafted)}), ` +
    `${formatFigure(totals.tokensPerStep)} tokens per lane and step, ${plural(totals.steps, "step")}`;
}

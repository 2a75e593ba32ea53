// What the status bar says, from the state of the parts: one thing at a time, the one the user most needs to know.
import type { LoadProgressParams } from "../protocol/worker";
import { deviceWords } from "./worker/deviceWords";
import type { SupervisorState } from "./worker/supervised";

export interface StatusInput {
  enabled: boolean;
  manual: boolean;
  /** Of the active editor; null without one. */
  languageId: string | null;
  languageEnabled: boolean;
  /** null: not snoozed. */
  snoozeLeftMs: number | null;
  worker: SupervisorState;
  loadProgress: LoadProgressParams | null;
  /** Requests under way. */
  generating: number;
  /** Why the models could not be loaded; null once they were, or something else is tried. */
  error: { message: string; advice?: string } | null;
  /** Of the last request, all lanes together. */
  tokensPerSecond: number | null;
}

export type StatusKind = "off" | "error" | "restarting" | "starting" | "loading" | "snoozed" | "languageOff" | "generating" | "ready" | "asleep";

export interface StatusView {
  kind: StatusKind;
  text: string;
  /** Plain sentences, most important first. */
  details: string[];
  /** For screen readers. */
  label: string;
}

const icons: Record<StatusKind, string> = {
  off: "circle-slash",
  error: "error",
  restarting: "warning",
  starting: "loading~spin",
  loading: "loading~spin",
  snoozed: "bell-slash",
  languageOff: "circle-slash",
  generating: "pulse",
  ready: "layers",
  asleep: "layers",
};

export function statusOf(input: StatusInput): StatusView {
  const [kind, short, sentence] = headline(input);
  const details = [sentence, ...modelLines(input)];
  if (input.tokensPerSecond !== null) details.push(`Last request: ${Math.round(input.tokensPerSecond)} tokens per second.`);
  if (input.manual && input.enabled) details.push("Completions come only when asked for.");
  const text = `$(${icons[kind]}) Octet${short === "" ? "" : ` ${short}`}`;
  return { kind, text, details, label: `Octet: ${sentence}` };
}

function headline(input: StatusInput): [StatusKind, string, string] {
  const { worker, error, snoozeLeftMs, languageId } = input;
  const because = worker.reason ? `: ${worker.reason}` : "";
  if (!input.enabled) return ["off", "", "Completions are off."];
  if (worker.state === "failed") return ["error", "", `The worker was given up${because}`];
  if (worker.state === "restarting") return ["restarting", "", `The worker is starting again${because}`];
  if (worker.state === "starting") return ["starting", "", "The worker is starting."];
  if (worker.state === "loading") return ["loading", percent(input.loadProgress), `Loading the models${phase(input.loadProgress)}.`];
  if (error) return ["error", "", [error.message, error.advice].filter(Boolean).join(". ")];
  if (snoozeLeftMs !== null) return ["snoozed", minutes(snoozeLeftMs), `Snoozed${Number.isFinite(snoozeLeftMs) ? ` for ${minutes(snoozeLeftMs)}` : " until it is ended"}.`];
  if (languageId !== null && !input.languageEnabled) return ["languageOff", "", `Completions are off for ${languageId}.`];
  if (input.generating > 0) return ["generating", speed(input), "Writing completions."];
  if (worker.loaded) return ["ready", speed(input), "Ready."];
  return ["asleep", "", worker.reason ?? "Ready; the first request loads the models."];
}

function modelLines({ worker: { loaded } }: StatusInput): string[] {
  if (!loaded) return [];
  const draft = loaded.draft ? `, draft ${loaded.draft.name}` : ", no draft model";
  return [`${loaded.target.name} ${loaded.target.quantization}${draft} on ${deviceWords(loaded)}, ${loaded.lanes} ${loaded.lanes === 1 ? "lane" : "lanes"}.`, ...loaded.notices];
}

const PHASES: readonly LoadProgressParams["phase"][] = ["checking", "target", "draft", "warmup"];

const percent = (progress: LoadProgressParams | null): string => (progress ? `${Math.floor(progress.fraction * 100)} %` : "");

const phase = (progress: LoadProgressParams | null): string =>
  progress ? ` (${progress.phase}, step ${PHASES.indexOf(progress.phase) + 1} of ${PHASES.length})` : "";

const speed = ({ tokensPerSecond }: StatusInput): string => (tokensPerSecond === null ? "" : `${Math.round(tokensPerSecond)} tok/s`);

function minutes(ms: number): string {
  return Number.isFinite(ms) ? `${Math.max(1, Math.ceil(ms / 60_000))} min` : "";
}

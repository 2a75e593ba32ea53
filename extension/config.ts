// The settings of Octet, typed: the only place that reads vscode's configuration.
import * as vscode from "vscode";
import { MAX_DRAFT_LENGTH, MAX_LANES, type DraftLength } from "../protocol/worker";

export interface OctetConfig {
  enable: boolean;
  /** By language id; "*" stands for every other. */
  languages: Record<string, boolean>;
  trigger: "automatic" | "manual";
  /** Milliseconds; undefined: adapts to the user's typing. */
  debounce: number | undefined;
  maxTokens: number;
  /** Lanes of an inline request. */
  candidates: number;
  temperature: number;
  topP: number;
  /** undefined: another for every request. */
  seed: number | undefined;
  draftLength: DraftLength;
  /** GGUF path; undefined: the starter model. */
  target: string | undefined;
  /** GGUF path; undefined: what goes with the target; "none": no draft model. */
  draft: string | undefined;
  /** Folder of downloaded models; undefined: the extension's own storage. */
  modelsFolder: string | undefined;
  /** "auto", "cpu" or a device name. */
  device: string;
  /** undefined: the worker chooses. */
  threads: number | undefined;
  contextTokens: number;
  /** 0: never. */
  idleUnloadMinutes: number;
  /** Whether windows share one worker. */
  shareModels: boolean;
  multiFileContext: boolean;
  /** Whether prompts are computed while the user pauses, for requests to come. */
  preparePrompts: boolean;
  solutions: {
    count: number;
    maxTokens: number;
    /** null: no limit. */
    budgetMs: number | null;
    stopAtBlockEnd: boolean;
  };
}

const section = "octet";

export function readConfig(scope?: vscode.ConfigurationScope): OctetConfig {
  const settings = vscode.workspace.getConfiguration(section, scope);
  const budgetMs = integer(settings.get("solutions.budgetMs"), 0, 600_000) ?? 20_000;
  return {
    enable: settings.get("enable") !== false,
    languages: switches(settings.get("languages")),
    trigger: settings.get("trigger") === "manual" ? "manual" : "automatic",
    debounce: integer(settings.get("debounce"), 1, 5_000),
    maxTokens: integer(settings.get("maxTokens"), 1, 4_096) ?? 256,
    candidates: integer(settings.get("candidates"), 1, MAX_LANES) ?? 8,
    temperature: number(settings.get("temperature"), 0, 2) ?? 0.6,
    topP: number(settings.get("topP"), 0.01, 1) ?? 0.95,
    seed: integer(settings.get("seed"), 1, Number.MAX_SAFE_INTEGER),
    draftLength: draftLength(settings.get("draftLength")) ?? "auto",
    target: text(settings.get("target")),
    draft: text(settings.get("draft")),
    modelsFolder: text(settings.get("modelsFolder")),
    device: text(settings.get("device")) ?? "auto",
    threads: integer(settings.get("threads"), 1, 256),
    contextTokens: integer(settings.get("contextTokens"), 256, 131_072) ?? 4_096,
    idleUnloadMinutes: integer(settings.get("idleUnloadMinutes"), 0, 10_080) ?? 30,
    shareModels: settings.get("shareModels") !== false,
    multiFileContext: settings.get("multiFileContext") !== false,
    preparePrompts: settings.get("preparePrompts") !== false,
    solutions: {
      count: integer(settings.get("solutions.count"), 1, MAX_LANES) ?? 8,
      maxTokens: integer(settings.get("solutions.maxTokens"), 1, 8_192) ?? 256,
      budgetMs: budgetMs === 0 ? null : budgetMs,
      stopAtBlockEnd: settings.get("solutions.stopAtBlockEnd") !== false,
    },
  };
}

/** Whether the editor asks for completions as the user types. */
export const asksInline = (scope: vscode.ConfigurationScope): boolean =>
  vscode.workspace.getConfiguration("editor", scope).get("inlineSuggest.enabled") !== false;

/** Characters of a line that the editor draws: ghost text after them is not seen, unless the user has it draw more. */
export function drawnCharacters(scope: vscode.ConfigurationScope): number {
  const limit = vscode.workspace.getConfiguration("editor", scope).get("stopRenderingLineAfter"); // of which VS Code tells no default
  return limit === -1 ? Infinity : (integer(limit, 0, Number.MAX_SAFE_INTEGER) ?? 10_000);
}

/** Calls `listener` with the new settings whenever one of them changes. */
export function onConfigChange(listener: (config: OctetConfig) => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(section)) listener(readConfig());
  });
}

/** Writes a setting where it is set now, or else for the user. undefined removes it wherever it is set. */
export async function writeSetting(name: string, value: unknown): Promise<void> {
  const settings = vscode.workspace.getConfiguration(section);
  const set = settings.inspect(name);
  const { Global, Workspace, WorkspaceFolder } = vscode.ConfigurationTarget;
  const places = [
    ...(set?.workspaceFolderValue === undefined ? [] : [WorkspaceFolder]),
    ...(set?.workspaceValue === undefined ? [] : [Workspace]),
    ...(set?.globalValue === undefined ? [] : [Global]),
  ];
  if (value === undefined) for (const place of places) await settings.update(name, undefined, place);
  else await settings.update(name, value, places[0] ?? Global);
}

function text(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const trimmed = value.trim();
  return trimmed === "" ? undefined : trimmed;
}

function number(value: unknown, least: number, most: number): number | undefined {
  return typeof value === "number" && value >= least && value <= most ? value : undefined;
}

function integer(value: unknown, least: number, most: number): number | undefined {
  return Number.isInteger(value) ? number(value, least, most) : undefined;
}

function draftLength(value: unknown): DraftLength | undefined {
  if (value === "none" || value === "bass" || value === "auto") return value;
  const fixed = typeof value === "string" ? /^fixed:([1-9]\d?)$/.exec(value)?.[1] : undefined;
  return fixed !== undefined && Number(fixed) <= MAX_DRAFT_LENGTH ? `fixed:${Number(fixed)}` : undefined;
}

function switches(value: unknown): Record<string, boolean> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, boolean] => typeof entry[1] === "boolean"));
}

// Choosing models: the starter pair, a pair of the catalogue, a file that another tool has, or any GGUF files. Each file is
// inspected before it is taken, and refused with the reason where it cannot work.
import path from "node:path";
import * as vscode from "vscode";
import type { InspectResult } from "../protocol/worker";
import { writeSetting, type OctetConfig } from "./config";
import { downloadPair } from "./downloadModels";
import type { ModelLibrary } from "./modelLibrary";
import { catalogue } from "./models/catalogue";
import { draftCandidates, otherFiles, pairChoices, type PairChoice } from "./models/choices";
import type { FoundFile } from "./models/found";
import { NO_DRAFT, type Pair } from "./models/pair";
import { shippedPair } from "./models/shipped";
import { storedPairs } from "./models/store";
import { formatBytes } from "./models/words";
import { toOctetError } from "./worker/errors";
import { wantsGpus } from "./worker/gpus/wanted";
import { notLookedFor } from "./worker/gpus/why";
import type { WorkerSupervisor } from "./worker/supervisor";

export interface ModelParts {
  supervisor: WorkerSupervisor;
  library: ModelLibrary;
  config: () => OctetConfig;
  pair: () => Pair;
}

interface Choice extends vscode.QuickPickItem {
  take?: () => Promise<void>;
}

const separator = (label: string): Choice => ({ label, kind: vscode.QuickPickItemKind.Separator });

export async function chooseModel(parts: ModelParts): Promise<void> {
  const options = { title: "Octet: Models", placeHolder: `Which models to write with?${gpuNote(parts)}`, matchOnDescription: true, matchOnDetail: true };
  await (await vscode.window.showQuickPick(choices(parts), options))?.take?.();
}

async function choices(parts: ModelParts): Promise<Choice[]> {
  const found = await parts.library.found();
  const others = otherFiles(found);
  const starter = parts.config().target === undefined ? "in use · comes with Octet" : "comes with Octet";
  return [
    { label: "$(package) Starter pair", description: starter, detail: shippedPair().about, take: useStarterModel },
    { label: "$(folder-opened) Choose GGUF files…", detail: "Any target, and a draft for it.", take: () => chooseFiles(parts, found) },
    separator(""), // a word would take room from the first pair
    ...(await listPairs(parts, found)).map((choice) => ({ ...choice, take: () => usePair(parts, choice) })),
    ...(others.length === 0 ? [] : [separator("Found here")]),
    ...others.map((file): Choice => ({
      label: `$(file) ${file.name}`, description: `${formatBytes(file.bytes)} · ${file.source}`, detail: file.path, take: () => useFile(parts, file.path, found),
    })),
  ];
}

/** Where the list reckons without GPUs, why. */
export function gpuNote({ supervisor, config }: ModelParts): string {
  if (!wantsGpus(config().device)) return ` ${notLookedFor("octet.device")}.`;
  return supervisor.driverCrash ? " GPUs are left alone, since a driver failed." : "";
}

export async function listPairs({ supervisor, library, config, pair }: ModelParts, found: readonly FoundFile[]): Promise<PairChoice[]> {
  const machine = await supervisor.hello().catch(() => null); // without a worker the list has no word on memory
  const { candidates, solutions, contextTokens, device } = config();
  return pairChoices(machine, { lanes: Math.max(candidates, solutions.count), contextTokens }, library.folder, found, pair(), device);
}

export async function useStarterModel(): Promise<void> {
  await writeSetting("draft", undefined);
  await writeSetting("target", undefined);
}

/** Downloads what is missing, checks both files, and writes the settings. */
export async function usePair(parts: ModelParts, choice: PairChoice): Promise<void> {
  const files = await downloadPair(parts.library, choice);
  if (!files) return;
  const found = await inspect(parts.supervisor, files.target, files.draft);
  if (!found) return;
  if (!found.runnable) return refuse(`${files.target} cannot be run. ${found.reasons.join(" ")}`);
  if (!found.draft?.compatible) return refuse(`${files.draft} is no draft for ${files.target}. ${found.draft?.reason ?? ""}`);
  await use(files.target, files.draft, found);
}

async function chooseFiles(parts: ModelParts, found: readonly FoundFile[]): Promise<void> {
  const target = await pickFile("Target model");
  if (target !== undefined) await useFile(parts, target, found);
}

async function useFile(parts: ModelParts, target: string, others: readonly FoundFile[]): Promise<void> {
  const found = await inspect(parts.supervisor, target);
  if (!found) return;
  if (!found.runnable) return refuse(`${found.model.name || target} cannot be run. ${found.reasons.join(" ")}`);
  const draft = await chooseDraft(parts, target, found, others);
  if (draft !== undefined) await use(target, draft, found);
}

async function use(target: string, draft: string, { model }: InspectResult): Promise<void> {
  await writeSetting("draft", draft);
  await writeSetting("target", target);
  const fim = model.fim ? "" : " It has no fill-in-the-middle tokens, so it sees only the text before the cursor.";
  void vscode.window.showInformationMessage(`Octet now uses ${model.name}.${fim}`);
}

/** undefined: the user left. */
async function chooseDraft(parts: ModelParts, target: string, { model }: InspectResult, found: readonly FoundFile[]): Promise<string | undefined> {
  const choices = async (): Promise<(vscode.QuickPickItem & { take: "pick" | "none" | { file: string } })[]> => [
    ...(await fittingDrafts(parts, target, model.fileBytes, found)).map((file) => ({
      take: { file: file.path }, label: `$(file) ${file.name}`, description: `${formatBytes(file.bytes)} · ${file.source}`, detail: file.path,
    })),
    { take: "pick", label: "$(folder-opened) Choose a draft…", detail: "Much smaller, with the same vocabulary: faster, and writes the same." },
    { take: "none", label: "$(dash) No draft model", detail: "Drafts are looked up in the text and in earlier completions." },
  ];
  for (;;) {
    const choice = await vscode.window.showQuickPick(choices(), { title: "Octet: Draft", placeHolder: "Which draft model goes with it?" });
    if (!choice) return undefined;
    if (choice.take === "none") return NO_DRAFT;
    const file = choice.take === "pick" ? await pickFile("Draft model") : choice.take.file;
    if (file === undefined) continue;
    const checked = await inspect(parts.supervisor, target, file);
    if (checked?.draft?.compatible) return file;
    if (checked?.draft) await refuse(`${checked.draft.model.name || file} is no draft for ${model.name}. ${checked.draft.reason}`);
  }
}

/** Of the files on this machine, those that are small and share the target's vocabulary. */
async function fittingDrafts({ supervisor, library }: ModelParts, target: string, bytes: number, found: readonly FoundFile[]) {
  const own = (await storedPairs(catalogue, library.folder)).flatMap(({ draft }) => (draft.state === "present"
    ? [{ path: draft.path, name: path.basename(draft.path), source: "downloaded", bytes: draft.bytes }] : []));
  const unique = new Map([...own, ...found].map((file) => [file.path, file]));
  const fitting = [];
  for (const file of draftCandidates({ path: target, bytes }, [...unique.values()])) {
    const checked = await supervisor.inspect({ path: target, draft: file.path }).catch(() => null);
    if (checked?.draft?.compatible) fitting.push(file);
  }
  return fitting;
}

async function pickFile(title: string): Promise<string | undefined> {
  const [file] = (await vscode.window.showOpenDialog({ title, filters: { "GGUF models": ["gguf"], "All files": ["*"] } })) ?? [];
  return file?.fsPath;
}

async function inspect(supervisor: WorkerSupervisor, path: string, draft?: string): Promise<InspectResult | null> {
  try {
    const options = { location: vscode.ProgressLocation.Notification, title: "Octet: looking at the file", cancellable: false };
    return await vscode.window.withProgress(options, () => supervisor.inspect(draft === undefined ? { path } : { path, draft }));
  } catch (thrown) {
    const { message, advice } = toOctetError(thrown);
    await refuse([message, advice].filter(Boolean).join(". "));
    return null;
  }
}

async function refuse(detail: string): Promise<void> {
  await vscode.window.showErrorMessage("Octet cannot use this file", { modal: true, detail });
}

// Choosing model files: each file is inspected before it is taken, and refused with the reason where it cannot work.
import * as vscode from "vscode";
import type { InspectResult } from "../protocol/worker";
import { writeSetting } from "./config";
import { NO_DRAFT } from "./models/pair";
import { toOctetError } from "./worker/errors";
import type { WorkerSupervisor } from "./worker/supervisor";

interface Choice extends vscode.QuickPickItem {
  take: "starter" | "target" | "draft" | "none";
}

export async function chooseModel(supervisor: WorkerSupervisor): Promise<void> {
  const choices: Choice[] = [
    { take: "starter", label: "$(package) Starter model", description: "comes with Octet", detail: "Tiny and fast: to see how it works." },
    { take: "target", label: "$(folder-opened) Choose a GGUF file…", detail: "The target model, which decides what is written." },
  ];
  const choice = await vscode.window.showQuickPick(choices, { title: "Octet: Model (1 of 2)", placeHolder: "Which model is to write completions?" });
  if (choice?.take === "starter") return useStarterModel();
  if (!choice) return;
  const target = await pickFile("Target model");
  if (target === undefined) return;
  const found = await inspect(supervisor, target);
  if (!found) return;
  if (!found.runnable) return refuse(`${found.model.name || target} cannot be run. ${found.reasons.join(" ")}`);
  const draft = await chooseDraft(supervisor, target, found);
  if (draft === undefined) return;
  await writeSetting("draft", draft);
  await writeSetting("target", target);
  const fim = found.model.fim ? "" : " It has no fill-in-the-middle tokens, so it sees only the text before the cursor.";
  void vscode.window.showInformationMessage(`Octet now uses ${found.model.name}.${fim}`);
}

export async function useStarterModel(): Promise<void> {
  await writeSetting("draft", undefined);
  await writeSetting("target", undefined);
}

/** undefined: the user left. */
async function chooseDraft(supervisor: WorkerSupervisor, target: string, { model }: InspectResult): Promise<string | undefined> {
  const choices: Choice[] = [
    { take: "draft", label: "$(folder-opened) Choose a draft…", detail: `A much smaller GGUF file with the vocabulary of ${model.name}: makes it faster, changes nothing else.` },
    { take: "none", label: "$(dash) No draft", detail: "Decode token by token." },
  ];
  for (;;) {
    const choice = await vscode.window.showQuickPick(choices, { title: "Octet: Draft (2 of 2)", placeHolder: "Which draft model goes with it?" });
    if (!choice) return undefined;
    if (choice.take === "none") return NO_DRAFT;
    const file = await pickFile("Draft model");
    if (file === undefined) continue;
    const found = await inspect(supervisor, target, file);
    if (found?.draft?.compatible) return file;
    if (found?.draft) await refuse(`${found.draft.model.name || file} is no draft for ${model.name}. ${found.draft.reason}`);
  }
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

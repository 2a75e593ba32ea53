// The commands Download Models and Remove Downloaded Models.
import * as vscode from "vscode";
import { gpuNote, listPairs, usePair, useStarterModel, type ModelParts } from "./chooseModel";
import { catalogue } from "./models/catalogue";
import { sameFile } from "./models/pair";
import { removePair, storedPairs, usedBytes, type StoredPair } from "./models/store";
import { formatBytes } from "./models/words";

export async function downloadModels(parts: ModelParts): Promise<void> {
  const list = parts.library.found().then((found) => listPairs(parts, found));
  const options = { title: "Octet: Download Models", placeHolder: `Which pair of models is to be downloaded and used?${gpuNote(parts)}`, matchOnDescription: true, matchOnDetail: true };
  const choice = await vscode.window.showQuickPick(list, options);
  if (choice) await usePair(parts, choice);
}

export async function removeModels(parts: ModelParts): Promise<void> {
  const { folder } = parts.library;
  const stored = await storedPairs(catalogue, folder);
  if (stored.length === 0) return void vscode.window.showInformationMessage(`Octet: no models have been downloaded to ${folder}.`);
  const chosen = await vscode.window.showQuickPick(stored.map((pair) => ({ label: pair.pair.title, description: describe(pair), pair })), {
    title: `Octet: Downloaded Models, ${formatBytes(await usedBytes(catalogue, folder))} in ${folder}`, placeHolder: "Which are to be deleted?", canPickMany: true,
  });
  if (!chosen || chosen.length === 0) return;
  const names = chosen.map(({ label }) => label).join(", ");
  const detail = "A draft that another pair needs stays. Models in use make way for the starter pair.";
  if (await vscode.window.showWarningMessage(`Delete ${names}?`, { modal: true, detail }, "Delete") !== "Delete") return;
  await leave(parts, chosen.map(({ pair }) => pair));
  let freed = 0;
  for (const { pair } of chosen) freed += await removePair(pair.pair, catalogue, folder);
  void vscode.window.showInformationMessage(`Octet: ${names} deleted; ${formatBytes(freed)} are free again.`);
}

function describe({ target, draft }: StoredPair): string {
  const bytes = formatBytes(target.bytes + draft.bytes);
  return target.state === "present" && draft.state !== "partial" ? bytes : `${bytes}, of a download that was stopped`;
}

/** Some systems delete no file that is in memory. */
async function leave({ supervisor, pair }: ModelParts, stored: readonly StoredPair[]): Promise<void> {
  const { target, draft } = pair();
  const used = stored.some((one) => sameFile(one.target.path, target) || (draft !== null && sameFile(one.draft.path, draft)));
  if (!used) return;
  await useStarterModel();
  await supervisor.unload();
}

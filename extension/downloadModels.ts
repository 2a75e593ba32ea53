// Downloading a pair of the catalogue: the terms first, then the progress; a failure says what to do.
import * as vscode from "vscode";
import type { ModelLibrary } from "./modelLibrary";
import { pageOf } from "./models/catalogue";
import { downloadTerms, type PairChoice } from "./models/choices";
import { DownloadError } from "./models/downloadError";
import { locate } from "./models/found";
import { openSettings } from "./views/webview";

/** Paths of both files, wherever they are; undefined: the user left, or it failed and was told. */
export async function downloadPair(library: ModelLibrary, choice: PairChoice): Promise<{ target: string; draft: string } | undefined> {
  try {
    if (choice.located.missingBytes > 0 && !(await agreed(library, choice))) return undefined;
    return await install(library, choice);
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    const again = await tell(error);
    return again ? downloadPair(library, { ...choice, located: await locate(choice.located.pair, library.folder, await library.found()) }) : undefined;
  }
}

async function agreed({ folder, endpoint }: ModelLibrary, { located, fit }: PairChoice): Promise<boolean> {
  const detail = downloadTerms(located, fit, folder, endpoint);
  for (;;) {
    const answer = await vscode.window.showInformationMessage(`Download ${located.pair.title}?`, { modal: true, detail }, "Download", "Show Model Page");
    if (answer !== "Show Model Page") return answer === "Download";
    await vscode.env.openExternal(vscode.Uri.parse(pageOf(located.pair.target, endpoint)));
  }
}

async function install(library: ModelLibrary, { located }: PairChoice): Promise<{ target: string; draft: string } | undefined> {
  const files = await library.install(located);
  if (!files) vscode.window.setStatusBarMessage("Octet: the download was stopped; the next one goes on from there.", 6_000);
  return files;
}

/** Whether to try again. */
async function tell({ code, message, advice }: DownloadError): Promise<boolean> {
  const ofFolder = code === "noSpace" || code === "folder";
  const answer = await vscode.window.showErrorMessage(`Octet: ${message}.${advice ? ` ${advice}` : ""}`, "Try Again", ...(ofFolder ? ["Choose Folder"] : []));
  if (answer === "Choose Folder") await openSettings("octet.modelsFolder");
  return answer === "Try Again";
}

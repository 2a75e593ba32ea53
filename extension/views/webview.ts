// A webview of ours: its rights, its page, and the buttons all views share.
import * as vscode from "vscode";
import { viewPage } from "./html";

export type ViewName = "solutions" | "latency";

const folder = (extension: vscode.Uri): vscode.Uri => vscode.Uri.joinPath(extension, "dist", "webview");

export const webviewOptions = (extension: vscode.Uri): vscode.WebviewOptions => ({ enableScripts: true, localResourceRoots: [folder(extension)] });

/** Sets rights and page; the page says "ready" when its script runs. */
export function openPage(webview: vscode.Webview, extension: vscode.Uri, name: ViewName, title: string): void {
  const asset = (file: string): string => webview.asWebviewUri(vscode.Uri.joinPath(folder(extension), file)).toString();
  webview.options = webviewOptions(extension);
  webview.html = viewPage({ cspSource: webview.cspSource, script: asset(`${name}.js`), style: asset(`${name}.css`), title });
}

/** What the buttons of an error do, "retry" apart. */
export async function errorAction(action: "showLog" | "chooseModel" | "openSettings"): Promise<void> {
  if (action === "openSettings") await vscode.commands.executeCommand("workbench.action.openSettings", "octet.");
  else await vscode.commands.executeCommand(action === "showLog" ? "octet.showLog" : "octet.chooseModel");
}

// A webview of ours: its rights, its page, and the buttons all views share; the settings that they and others lead to.
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
  if (action === "openSettings") await openSettings("octet.");
  else await vscode.commands.executeCommand(action === "showLog" ? "octet.showLog" : "octet.chooseModel");
}

/**
 * Shows these settings in VS Code's editor of settings. In a remote window they are the remote machine's, where Octet runs: under
 * "User" there are none.
 */
export async function openSettings(query: string): Promise<void> {
  const command = vscode.env.remoteName === undefined ? "openSettings" : "openRemoteSettings";
  await vscode.commands.executeCommand(`workbench.action.${command}`, { query });
}

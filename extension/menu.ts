// The status bar's menu.
import * as vscode from "vscode";
import { isLanguageEnabled } from "./completion/trigger";
import type { Parts } from "./commands";
import { openSettings } from "./views/webview";

interface Entry extends vscode.QuickPickItem {
  command?: string;
  args?: unknown[];
  run?: () => Promise<void>;
}

const separator = (label: string): Entry => ({ label, kind: vscode.QuickPickItemKind.Separator });

export async function showMenu({ config, snooze, session }: Parts): Promise<void> {
  const { enable, languages } = config();
  const languageId = vscode.window.activeTextEditor?.document.languageId;
  const { loaded } = session.supervisor.state;
  const entries: Entry[] = [
    { label: "$(sparkle) Trigger inline completions", command: "octet.trigger" },
    { label: "$(layers) Generate solutions", command: "octet.generateSolutions" },
    { label: "$(graph-line) Show latency", command: "octet.showLatency" },
    separator("When"),
    snooze.active
      ? { label: "$(bell) End snooze", command: "octet.unsnooze" }
      : { label: "$(bell-slash) Snooze for 5 minutes", command: "octet.snooze", args: [5] },
    ...(snooze.active ? [] : [{ label: "$(bell-slash) Snooze for longer…", command: "octet.snooze" }]),
    ...(languageId === undefined ? [] : [{
      label: isLanguageEnabled(languages, languageId) ? `$(circle-slash) Turn off for ${languageId}` : `$(check) Turn on for ${languageId}`,
      command: "octet.toggleLanguage",
    }]),
    { label: enable ? "$(circle-slash) Turn completions off" : "$(check) Turn completions on", command: "octet.toggle" },
    separator("Models"),
    { label: "$(folder-opened) Choose models…", description: loaded?.target.name, command: "octet.chooseModel" },
    ...(loaded ? [{ label: "$(archive) Unload models from memory", command: "octet.unload" }] : []),
    { label: "$(debug-restart) Restart worker", command: "octet.restartWorker" },
    separator("More"),
    { label: "$(output) Show log", command: "octet.showLog" },
    { label: "$(info) Show report", command: "octet.report" },
    { label: "$(gear) Settings", run: () => openSettings("@ext:octet.octet") },
  ];
  const known = new Set(await vscode.commands.getCommands(true));
  const offered = entries.filter(({ command }) => command === undefined || known.has(command));
  const chosen = await vscode.window.showQuickPick(offered, { title: "Octet", placeHolder: "What do you want to do?" });
  await chosen?.run?.();
  if (chosen?.command) await vscode.commands.executeCommand(chosen.command, ...(chosen.args ?? []));
}

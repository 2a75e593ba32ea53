// The commands. None vanishes: one that cannot run says why.
import * as vscode from "vscode";
import { chooseModel, useStarterModel, type ModelParts } from "./chooseModel";
import { explain, tell } from "./completion/explain";
import { UNSEEN_MS, type InlineProvider } from "./completion/inlineProvider";
import { isLanguageEnabled } from "./completion/trigger";
import { writeSetting, type OctetConfig } from "./config";
import { showMenu } from "./menu";
import { downloadModels, removeModels } from "./modelCommands";
import type { ModelLibrary } from "./modelLibrary";
import type { Pair } from "./models/pair";
import type { Problems } from "./problems";
import { showReport } from "./report";
import type { Snooze } from "./snooze";
import type { Session } from "./worker/session";

export interface Parts {
  session: Session;
  inline: InlineProvider;
  snooze: Snooze;
  problems: Problems;
  config: () => OctetConfig;
  pair: () => Pair;
  library: ModelLibrary;
  log: vscode.LogOutputChannel;
  version: string;
}

const MINUTE_MS = 60_000;

export function registerCommands(parts: Parts): vscode.Disposable {
  const { session, inline, snooze, problems, config, log } = parts;
  const { supervisor } = session;
  const models: ModelParts = { ...parts, supervisor };

  async function trigger(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor) return say("Octet: open a file and put the cursor where code is missing.");
    if (!config().enable) {
      if (await vscode.window.showInformationMessage("Octet: completions are off.", "Turn On")) await writeSetting("enable", true);
      return;
    }
    const refusal = inline.refusalAt(editor);
    if (refusal) return say(explain(refusal));
    inline.commanded();
    await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
    const outcome = inline.unasked(editor);
    if (outcome === "notAsked") say(tell(outcome));
    else if (outcome) vscode.window.setStatusBarMessage(tell(outcome), UNSEEN_MS);
  }

  async function toggleLanguage(): Promise<void> {
    const languageId = vscode.window.activeTextEditor?.document.languageId;
    if (languageId === undefined) return say("Octet: open a file of the language first.");
    const { languages } = config();
    const enabled = !isLanguageEnabled(languages, languageId);
    await writeSetting("languages", { ...languages, [languageId]: enabled });
    vscode.window.setStatusBarMessage(`Octet: completions are ${enabled ? "on" : "off"} for ${languageId}.`, 4_000);
  }

  async function startSnooze(minutes: unknown): Promise<void> {
    const chosen = typeof minutes === "number" ? minutes : await pickMinutes();
    if (chosen === undefined) return;
    snooze.start(chosen * MINUTE_MS);
    inline.cancel();
  }

  async function restartWorker(): Promise<void> {
    problems.clear({ tellAgain: true });
    await supervisor.stop();
    supervisor.reset();
    try {
      await session.ready();
    } catch (error) {
      problems.report(error, true);
    }
  }

  async function unload(): Promise<void> {
    if (!supervisor.state.loaded) return say("Octet: no models are in memory.");
    const inUse = await supervisor.unload();
    const where = inUse === 0 ? "out of memory" : `still used by ${inUse === 1 ? "another window" : `${inUse} other windows`}, and out of memory once unloaded there too`;
    vscode.window.setStatusBarMessage(`Octet: the models are ${where}; the next request here loads them again.`, 4_000);
  }

  const commands: Record<string, (...args: unknown[]) => unknown> = {
    "octet.trigger": trigger,
    "octet.toggle": () => writeSetting("enable", !config().enable),
    "octet.toggleLanguage": toggleLanguage,
    "octet.snooze": startSnooze,
    "octet.unsnooze": () => (snooze.active ? snooze.stop() : say("Octet is not snoozed.")),
    "octet.chooseModel": () => chooseModel(models),
    "octet.downloadModels": () => downloadModels(models),
    "octet.removeModels": () => removeModels(models),
    "octet.useStarterModel": useStarterModel,
    "octet.unload": unload,
    "octet.restartWorker": restartWorker,
    "octet.showLog": () => log.show(),
    "octet.report": () => showReport(session, parts.pair(), parts.version),
    "octet.menu": () => showMenu(parts),
  };
  return vscode.Disposable.from(
    ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, async (...args: unknown[]) => {
      try {
        await run(...args);
      } catch (error) {
        problems.report(error, true);
      }
    })),
  );
}

async function pickMinutes(): Promise<number | undefined> {
  const choices = [
    { label: "5 minutes", minutes: 5 },
    { label: "15 minutes", minutes: 15 },
    { label: "1 hour", minutes: 60 },
    { label: "Until I end it, or the window closes", minutes: Infinity },
  ];
  return (await vscode.window.showQuickPick(choices, { title: "Octet: Snooze Completions" }))?.minutes;
}

function say(message: string): void {
  void vscode.window.showInformationMessage(message);
}

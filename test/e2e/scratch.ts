// The folders that one end-to-end run writes to: a home, VS Code's data and extensions, and a workspace. All are removed in the end.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

export interface Scratch {
  root: string;
  home: string;
  extensions: string;
  data: string;
  workspace: string;
}

/**
 * Keeps VS Code from asking, greeting, updating and reporting, and Octet from chance: the same place gives the same
 * completions. Everything else is as a user finds it.
 */
export const quietSettings: Record<string, unknown> = {
  "telemetry.telemetryLevel": "off",
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.enableExperiments": false,
  "workbench.settings.enableNaturalLanguageSearch": false,
  "chat.disableAIFeatures": true,
  "git.enabled": false,
  "files.autoSave": "afterDelay",
  "files.autoSaveDelay": 100,
  "editor.minimap.enabled": false,
  "typescript.disableAutomaticTypeAcquisition": true,
  "json.schemaDownload.enable": false,
  "octet.seed": 1,
  "octet.draftLength": "fixed:2",
};

export function makeScratch(): Scratch {
  const root = mkdtempSync(path.join(tmpdir(), "octet-e2e-"));
  const folder = (name: string) => {
    mkdirSync(path.join(root, name));
    return path.join(root, name);
  };
  return { root, home: folder("home"), extensions: folder("extensions"), data: folder("data"), workspace: folder("workspace") };
}

export const removeScratch = (scratch: Scratch): void => rmSync(scratch.root, { recursive: true, force: true, maxRetries: 5 });

export function writeWorkspaceFile(scratch: Scratch, name: string, text: string): string {
  const file = path.join(scratch.workspace, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

export const readWorkspaceFile = (scratch: Scratch, name: string): string => readFileSync(path.join(scratch.workspace, name), "utf8");

/** Where VS Code's server keeps what the user sets for himself rather than for the workspace. */
export const userSettings = (scratch: Scratch): string => path.join(scratch.data, "data/Machine/settings.json");

export function resetSettings(scratch: Scratch): void {
  rmSync(userSettings(scratch), { force: true });
  writeSettings(scratch);
}

export function writeSettings(scratch: Scratch, settings: Record<string, unknown> = {}): void {
  writeWorkspaceFile(scratch, ".vscode/settings.json", JSON.stringify({ ...quietSettings, ...settings }, null, 2));
}

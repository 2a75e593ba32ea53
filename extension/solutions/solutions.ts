// Generate N Solutions, wired: its commands, its panels, and their return after a reload of the window.
import * as vscode from "vscode";
import type { SolutionsState, SolutionsViewMemory } from "../../protocol/solutionsView";
import type { LoadResult } from "../../protocol/worker";
import type { PromptSpeed } from "../completion/promptSpeed";
import type { OctetConfig } from "../config";
import { webviewOptions } from "../views/webview";
import type { Session } from "../worker/session";
import { askCount, countOf, refusal, requestAt, symbolAt } from "./command";
import { SolutionDiffs } from "./diff";
import { SolutionsPanel, type PanelServices } from "./panel";

const VIEW_TYPE = "octet.solutions";
/** The symbols of a longer file keep the window busy for seconds, while solutions are to be shown. */
const MOST_LINES_FOR_SYMBOL = 20_000;

export interface SolutionsOptions {
  session: Session;
  extension: vscode.Uri;
  config: (scope?: vscode.ConfigurationScope) => OctetConfig;
  speed: PromptSpeed;
  /** From the last benchmark of this pair; null where there was none. */
  ratioToPlain?: (loaded: LoadResult) => number | null;
  places: PanelServices["places"];
}

export class Solutions implements vscode.Disposable {
  private readonly panels = new Map<string, { panel: vscode.WebviewPanel; solutions: SolutionsPanel }>();
  private readonly services: PanelServices;
  private readonly disposables: vscode.Disposable[];

  constructor({ session, extension, config, speed, ratioToPlain, places }: SolutionsOptions) {
    const diffs = new SolutionDiffs();
    const settings: PanelServices["settings"] = (uri) => {
      const { solutions, temperature, topP, seed, draftLength } = config(uri);
      return { ...solutions, temperature, topP, seed, draftLength };
    };
    this.services = { session, extension, diffs, settings, speed, ratioToPlain, places };
    this.disposables = [
      diffs,
      vscode.commands.registerCommand("octet.generateSolutions", (argument: unknown) => this.generate(argument)),
      vscode.commands.registerCommand("octet.generateSolutionsCount", () => this.generate("ask")),
      vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, {
        deserializeWebviewPanel: async (panel: vscode.WebviewPanel, memory: unknown): Promise<void> => this.restore(panel, memory),
      }),
    ];
  }

  dispose(): void {
    for (const { panel } of this.panels.values()) panel.dispose();
    for (const disposable of this.disposables) disposable.dispose();
  }

  private async generate(argument: unknown): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const refused = refusal(editor);
    if (refused !== null || !editor) return void vscode.window.showInformationMessage(refused ?? "");
    const { uri } = editor.document;
    const usual = this.services.settings(uri).count;
    const count = countOf(argument) ?? (argument === "ask" ? await askCount(usual) : usual);
    if (count === undefined) return;
    const request = requestAt(editor, count);
    const existing = this.panels.get(uri.toString());
    if (existing) existing.solutions.restart(request);
    else {
      const panel = vscode.window.createWebviewPanel(VIEW_TYPE, titleOf(request.origin.file), this.columnBeside(editor), webviewOptions(this.services.extension));
      this.keep(panel, uri.toString(), SolutionsPanel.start(panel, this.services, request));
    }
    if (editor.document.lineCount > MOST_LINES_FOR_SYMBOL) return;
    const symbol = await symbolAt(uri, editor.selection.active);
    if (symbol !== null) this.panels.get(uri.toString())?.solutions.setSymbol(uri.toString(), symbol);
  }

  /** Where other panels are already, so that columns do not pile up; the manifest locks that column, and files open outside it. */
  private columnBeside({ viewColumn }: vscode.TextEditor): vscode.ViewColumn {
    const columns = [...this.panels.values()].map(({ panel }) => panel.viewColumn);
    return columns.find((column) => column !== undefined && column !== viewColumn) ?? vscode.ViewColumn.Beside;
  }

  private restore(panel: vscode.WebviewPanel, memory: unknown): void {
    const state = stateOf(memory);
    if (!state || this.panels.has(state.origin.uri)) return void panel.dispose();
    this.keep(panel, state.origin.uri, SolutionsPanel.restore(panel, this.services, state));
  }

  private keep(panel: vscode.WebviewPanel, uri: string, solutions: SolutionsPanel): void {
    panel.iconPath = iconPath(this.services.extension);
    this.panels.set(uri, { panel, solutions });
    panel.onDidDispose(() => {
      solutions.dispose();
      this.panels.delete(uri);
    });
  }
}

const iconPath = (extension: vscode.Uri): vscode.WebviewPanel["iconPath"] => {
  const file = (theme: string): vscode.Uri => vscode.Uri.joinPath(extension, "media", `solutions-${theme}.svg`);
  return { light: file("light"), dark: file("dark") };
};

const titleOf = (file: string): string => `Solutions: ${file}`;

/** What the view kept, where it is of this version. */
function stateOf(memory: unknown): SolutionsState | null {
  if (typeof memory !== "object" || memory === null) return null;
  const { version, state } = memory as Partial<SolutionsViewMemory>;
  return version === 1 && state && Array.isArray(state.lanes) && typeof state.origin?.uri === "string" ? state : null;
}

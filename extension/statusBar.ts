// The status bar item: state, model and speed; a click opens the menu.
import * as vscode from "vscode";
import type { LoadProgressParams } from "../protocol/worker";
import { isLanguageEnabled } from "./completion/trigger";
import type { OctetConfig } from "./config";
import type { Problems } from "./problems";
import type { Snooze } from "./snooze";
import { statusOf, type StatusView } from "./statusModel";
import type { Session } from "./worker/session";

/** While snoozed, the minutes left are kept up to date. */
const TICK_MS = 30_000;

export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("octet.status", vscode.StatusBarAlignment.Right, 100);
  private readonly disposables: vscode.Disposable[];
  private readonly running = new Set<string>();
  private loadProgress: LoadProgressParams | null = null;
  private tokensPerSecond: number | null = null;
  private shown: StatusView | null = null;

  constructor(
    private readonly session: Session,
    private readonly config: () => OctetConfig,
    private readonly snooze: Snooze,
    private readonly problems: Problems,
  ) {
    this.item.name = "Octet";
    this.item.command = "octet.menu";
    const tick = setInterval(() => this.refresh(), TICK_MS);
    this.disposables = [
      this.item,
      { dispose: () => clearInterval(tick) },
      session.supervisor.onState(({ state }) => {
        if (state !== "loading") this.loadProgress = null;
        this.refresh();
      }),
      session.onLoadProgress((progress) => {
        this.loadProgress = progress;
        this.refresh();
      }),
      session.onRequest((news) => {
        if (news.type === "progress" || news.type === "laneComplete") return;
        if (news.type === "started") this.running.add(news.id);
        else this.running.delete(news.id);
        if (news.type === "ended") this.tokensPerSecond = news.result.totals.tokensPerSecond ?? this.tokensPerSecond;
        this.refresh();
      }),
      snooze.onChange(() => this.refresh()),
      problems.onChange(() => this.refresh()),
      vscode.window.onDidChangeActiveTextEditor(() => this.refresh()),
      vscode.workspace.onDidOpenTextDocument(() => this.refresh()),
    ];
    this.refresh();
    this.item.show();
  }

  get view(): StatusView | null {
    return this.shown;
  }

  refresh(): void {
    const { enable, trigger, languages } = this.config();
    const languageId = vscode.window.activeTextEditor?.document.languageId ?? null;
    const view = statusOf({
      enabled: enable,
      manual: trigger === "manual",
      languageId,
      languageEnabled: languageId === null || isLanguageEnabled(languages, languageId),
      snoozeLeftMs: this.snooze.leftMs,
      worker: this.session.supervisor.state,
      loadProgress: this.loadProgress,
      generating: this.running.size,
      error: this.problems.current,
      tokensPerSecond: this.tokensPerSecond,
    });
    if (view.text === this.shown?.text && view.details.join() === this.shown.details.join()) return;
    this.shown = view;
    this.item.text = view.text;
    const tooltip = new vscode.MarkdownString();
    for (const line of view.details) tooltip.appendText(line).appendMarkdown("\n\n");
    this.item.tooltip = tooltip;
    this.item.accessibilityInformation = { label: view.label, role: "button" };
    const { kind } = view;
    this.item.backgroundColor = kind === "error" ? new vscode.ThemeColor("statusBarItem.errorBackground")
      : kind === "restarting" ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }
}

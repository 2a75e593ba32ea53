// The Solutions panel: one beside each file it was asked for in. Owns the run, the place it is for, and the view's messages.
import * as vscode from "vscode";
import type { FromSolutionsView, NoteMessage, SolutionsChange, SolutionsOrigin, SolutionsState, ToSolutionsView } from "../../protocol/solutionsView";
import type { LoadResult } from "../../protocol/worker";
import type { Position, TextDocument } from "../completion/document";
import type { PromptSpeed } from "../completion/promptSpeed";
import type { RecentPlaces } from "../completion/recentPlaces";
import { ViewChannel } from "../views/channel";
import { errorAction, openPage } from "../views/webview";
import { OctetError } from "../worker/errors";
import type { Session } from "../worker/session";
import type { SolutionDiffs } from "./diff";
import { copyOf, editorPosition, editsOf, viewOf } from "./editorDocument";
import { openDocument, openFile, reveal } from "./editorFile";
import { insertSolution, type Note } from "./insert";
import { InsertionPoint } from "./insertion";
import { withLead, type Place } from "./place";
import { longestPrompt, solutionsPrompt, type SolutionsPrompt } from "./prompt";
import { sameText, textOf } from "./ranking";
import { SolutionsRun } from "./run";
import { SolutionsRunner, type RunnerOptions, type SolutionsSettings } from "./runner";

export interface PanelServices {
  session: Session;
  extension: vscode.Uri;
  diffs: SolutionDiffs;
  settings: (uri: vscode.Uri) => SolutionsSettings & { count: number };
  speed: PromptSpeed;
  ratioToPlain: RunnerOptions["ratioToPlain"];
  /** Pieces of other files that the user visited lately; null where he does not want them shown to the model. */
  places: () => RecentPlaces | null;
}

/** A run that was asked for. */
export interface SolutionsRequest {
  origin: SolutionsOrigin;
  place: Place;
  count: number;
  /** The document with the place's lead in, and where to go on. */
  source: { document: TextDocument; cursor: Position };
  column: vscode.ViewColumn | undefined;
}

export class SolutionsPanel implements vscode.Disposable {
  private run: SolutionsRun;
  private runner: SolutionsRunner | null = null;
  private point: InsertionPoint;
  private source: SolutionsRequest["source"] | null;
  private count: number;
  private column: vscode.ViewColumn | undefined;
  private readonly channel: ViewChannel<SolutionsState, SolutionsChange> | undefined;
  private readonly disposables: vscode.Disposable[] = [];
  private gone = false;
  /** Insertions, one after another: each finds what the one before left. */
  private inserting: Promise<void> = Promise.resolve();

  private constructor(
    private readonly panel: vscode.WebviewPanel, private readonly services: PanelServices,
    makeRun: (onChange: () => void) => SolutionsRun, point: InsertionPoint, request?: SolutionsRequest,
  ) {
    this.run = makeRun(() => this.changed());
    this.point = point;
    this.source = request?.source ?? null;
    this.column = request?.column;
    this.count = request?.count ?? services.settings(this.uri).count;
    this.channel = new ViewChannel({ source: this.run, post: (message) => this.post(message) });
    this.disposables.push(
      panel.webview.onDidReceiveMessage((message: FromSolutionsView) => void this.receive(message)),
      panel.onDidChangeViewState(() => {
        if (!panel.visible) this.channel?.hidden();
      }),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0 && this.isOurs(document)) this.point.documentChanged(editsOf(contentChanges));
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        if (this.isOurs(document)) this.point.documentClosed(viewOf(document));
      }),
    );
    openPage(panel.webview, services.extension, "solutions", "Octet: Solutions");
  }

  /** Shows and starts a run in a new panel. */
  static start(panel: vscode.WebviewPanel, services: PanelServices, request: SolutionsRequest): SolutionsPanel {
    const run = (onChange: () => void): SolutionsRun => new SolutionsRun(request.origin, onChange);
    const made = new SolutionsPanel(panel, services, run, new InsertionPoint(request.place), request);
    made.write(request.count);
    return made;
  }

  /** Shows what a view remembered from before a reload of the window. */
  static restore(panel: vscode.WebviewPanel, services: PanelServices, state: SolutionsState): SolutionsPanel {
    const { leadIn, line, uri } = state.origin;
    const point = new InsertionPoint({ before: leadIn, line: line - 1 });
    const made = new SolutionsPanel(panel, services, (onChange) => SolutionsRun.restored(state, onChange), point);
    const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri);
    if (open) point.target(viewOf(open));
    return made;
  }

  get uri(): vscode.Uri {
    return vscode.Uri.parse(this.run.origin.uri);
  }

  /** Another run in this panel; the one that is there is cancelled. */
  restart(request: SolutionsRequest): void {
    this.runner?.stopAll();
    this.run = this.run.renewed(request.origin);
    this.point = new InsertionPoint(request.place);
    [this.source, this.count, this.column] = [request.source, request.count, request.column ?? this.column];
    this.channel?.attach(this.run);
    this.panel.reveal(undefined, false);
    this.write(request.count);
  }

  setSymbol(uri: string, symbol: string): void {
    if (this.run.origin.uri === uri && this.run.origin.symbol === null) this.run.setOrigin({ symbol });
  }

  dispose(): void {
    this.gone = true;
    this.runner?.stopAll();
    this.channel?.dispose();
    for (const disposable of this.disposables) disposable.dispose();
  }

  private write(count: number): void {
    const { run, services, source, point } = this;
    const { session } = services;
    const runner = new SolutionsRunner(run, { session, settings: () => services.settings(this.uri), ratioToPlain: services.ratioToPlain });
    this.runner = runner;
    const { file, line } = run.origin;
    const prompt = (loaded: LoadResult, maxTokens: number): Promise<SolutionsPrompt | null> => this.prompt(source, point, loaded, maxTokens);
    void runner.write({ label: `${file}:${line}`, prompt }, count).finally(() => {
      if (this.runner === runner) this.runner = null;
    });
  }

  private async prompt(source: SolutionsRequest["source"] | null, point: InsertionPoint, loaded: LoadResult, maxTokens: number): Promise<SolutionsPrompt | null> {
    const { document, cursor } = source ?? (await this.sourceNow(point));
    const count = async (text: string): Promise<number> => (await this.services.session.supervisor.tokenize(text)).tokens.length;
    const { speed, settings, places } = this.services;
    const { budgetMs } = settings(this.uri);
    return solutionsPrompt({ document, cursor, loaded, maxTokens, places: places(), count, longest: longestPrompt(speed, loaded, budgetMs) });
  }

  /** After a reload: the file as it is now. */
  private async sourceNow(point: InsertionPoint): Promise<SolutionsRequest["source"]> {
    const document = await openDocument(this.uri);
    if (!document) throw new OctetError("emptyPrompt", "the file cannot be opened any more", "Generate solutions in another file.");
    point.target(viewOf(document));
    const { position, lead } = point;
    if (!position) throw new OctetError("emptyPrompt", "the text around the insertion point was changed", "Generate solutions at the cursor anew.");
    const text = document.getText();
    return withLead(copyOf(document, text), text, { position, lead });
  }

  private async receive(message: FromSolutionsView): Promise<void> {
    switch (message.type) {
      case "ready":
        return this.channel?.ready();
      case "insert":
      case "diff":
      case "copy":
        return this.trying(message.lane, this.use(message.type, message.lane));
      case "stopLane":
        return this.runner?.stopLane(message.lane);
      case "stopAll":
        return this.runner?.stopAll();
      case "more":
        if (!this.run.running) this.write(this.count);
        return;
      case "reveal":
        return this.trying(null, this.reveal());
      case "errorAction":
        return message.action === "retry" ? this.retry() : errorAction(message.action);
    }
  }

  /** Says so where VS Code cannot do it. */
  private async trying(lane: number | null, action: Promise<void>): Promise<void> {
    try {
      await action;
    } catch (thrown) {
      this.note(lane, { kind: "error", text: `VS Code could not do that: ${thrown instanceof Error ? thrown.message : String(thrown)}` });
    }
  }

  private async use(action: "insert" | "diff" | "copy", id: number): Promise<void> {
    const lane = this.run.lane(id);
    if (!lane) return this.note(id, { kind: "error", text: "This solution is gone: others were asked for." });
    const text = textOf(lane);
    if (sameText(text) === "") return this.note(id, { kind: "error", text: "This solution is empty." });
    if (action === "copy") {
      await vscode.env.clipboard.writeText(sameText(text));
      return this.note(id, { kind: "info", text: "Copied." });
    }
    if (action === "insert") return this.insert(id, text);
    const document = await openDocument(this.uri);
    const name = lane.rank === null ? "Solution" : `Solution ${lane.rank}`;
    const note: Note | null = document
      ? await this.services.diffs.show(document, this.point, text, name, this.column)
      : { kind: "error", text: "The file cannot be opened any more." };
    if (note) this.note(id, note);
  }

  private insert(lane: number, text: string): Promise<void> {
    const { uri, column, point } = this;
    const insert = async (): Promise<void> => this.note(lane, await insertSolution({
      open: () => openFile(uri, column), point, text, current: () => !this.gone && this.point === point, onWait: (note) => this.note(lane, note),
    }));
    return (this.inserting = this.inserting.then(insert));
  }

  private async reveal(): Promise<void> {
    const document = await openDocument(this.uri);
    if (document) this.point.target(viewOf(document));
    const { position } = this.point;
    if (document && position) await reveal(document, editorPosition(position), this.column);
    else this.note(null, { kind: "error", text: "The insertion point is gone." });
  }

  private retry(): void {
    if (this.run.running) return;
    const { supervisor } = this.services.session;
    if (supervisor.state.state === "failed") supervisor.reset();
    this.write(this.run.removeFailed() || this.count);
  }

  private changed(): void {
    if (!this.gone) this.channel?.changed();
  }

  private isOurs = (document: vscode.TextDocument): boolean => document.uri.toString() === this.run.origin.uri;

  private note(lane: number | null, note: Note): void {
    if (note.kind === "error" && (this.gone || !this.panel.visible)) void vscode.window.showWarningMessage(note.text); // nobody sees it in the panel
    else this.post({ type: "note", lane, ...note } satisfies NoteMessage);
  }

  private post(message: ToSolutionsView): void {
    if (!this.gone) void this.panel.webview.postMessage(message);
  }
}

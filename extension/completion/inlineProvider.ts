// Ghost text: VS Code's questions for inline completions, answered from the completer. Knows the editor; what to ask and what
// to offer is decided by the pure modules beside it.
import * as vscode from "vscode";
import { drawnCharacters, type OctetConfig } from "../config";
import { toOctetError, type OctetError } from "../worker/errors";
import type { Session } from "../worker/session";
import { AskBuilder } from "./askBuilder";
import type { Hit } from "./cache";
import { Changes } from "./changes";
import { Completer, type Ask } from "./completer";
import type { DocumentView, TextEdit } from "./document";
import { tell, type Outcome } from "./explain";
import { LoadGate } from "./loadGate";
import type { PromptSpeed } from "./promptSpeed";
import { RecentPlaces } from "./recentPlaces";
import { inlineEdit } from "./replaceRange";
import { SessionGenerator } from "./sessionGenerator";
import { isLanguageEnabled, refusal, type Refusal, type TriggerKind } from "./trigger";

export const ACCEPTED_COMMAND = "octet.inlineAccepted";

export interface InlineOptions {
  session: Session;
  config: () => OctetConfig;
  snoozed: () => boolean;
  speed: PromptSpeed;
  log: vscode.LogOutputChannel;
  /** Not called for cancellations. */
  onError: (error: OctetError, kind: TriggerKind) => void;
}

/** What editors of these show is no file that the user writes. */
const IGNORED_SCHEMES = new Set(["output", "git", "debug", "search-editor", "walkThrough", "comment", "vscode-scm-history-item"]);
/** A generation that goes on into the cache ends this long after the cursor has left its place unasked. */
const LEFT_MS = 120;
/** A command to trigger is answered by the editor within this time. */
const COMMANDED_MS = 1_000;
/** So long the status bar says why nothing is seen. */
export const UNSEEN_MS = 6_000;

interface Place {
  document: vscode.TextDocument;
  version: number;
  position: vscode.Position;
}

interface Offer extends Place {
  ask: Ask;
  hit: Hit;
  shapedAs: TriggerKind;
}

export class InlineProvider implements vscode.InlineCompletionItemProvider, vscode.Disposable {
  readonly completer: Completer;
  /** Completions accepted since activation. */
  accepted = 0;

  private readonly asks: AskBuilder;
  private readonly changes = new Changes();
  private readonly gate = new LoadGate();
  readonly recent = new RecentPlaces({ pathOf: (uri) => vscode.workspace.asRelativePath(vscode.Uri.parse(uri)) });
  private readonly disposables: vscode.Disposable[] = [];
  private label = "";
  private offer: Offer | null = null;
  /** Of the latest question, where it was the user's. */
  private failure: (Place & { error: OctetError }) | null = null;
  /** Where the user asked last. */
  private questioned: Place | null = null;
  private answering = 0;
  private commandedAt = -Infinity;
  /** Whether the editor has asked since. */
  private asked = false;
  private left: NodeJS.Timeout | undefined;

  constructor(private readonly options: InlineOptions) {
    const { session, speed } = options;
    this.asks = new AskBuilder(this.recent, async (text) => (await session.supervisor.tokenize(text)).tokens.length, speed);
    this.completer = new Completer(new SessionGenerator(session, () => this.label), { onReport: (report) => this.asks.learn(report) });
    const loads = session.supervisor.onState(({ loaded }) => {
      if (loaded) this.gate.reset();
    });
    this.disposables.push(
      loads,
      vscode.languages.registerInlineCompletionItemProvider({ pattern: "**" }, this),
      vscode.commands.registerCommand(ACCEPTED_COMMAND, (at: unknown) => this.onAccepted(at)),
      vscode.workspace.onDidChangeTextDocument((event) => this.onChange(event)),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.asks.contexts.forget(uri.toString())),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => this.onMove(textEditor)),
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        if (editor) this.visit(editor.document, editor.selection.active.line);
        this.endUnlessAsked();
      }),
    );
  }

  async provideInlineCompletionItems(
    document: vscode.TextDocument, position: vscode.Position, context: vscode.InlineCompletionContext, token: vscode.CancellationToken,
  ): Promise<vscode.InlineCompletionList | undefined> {
    const kind: TriggerKind = context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke ? "explicit" : "automatic";
    const abort = new AbortController();
    const listening = token.onCancellationRequested(() => abort.abort());
    if (token.isCancellationRequested) abort.abort();
    this.answering++;
    this.asked ||= kind === "explicit";
    this.failure = null;
    const { version } = document;
    if (kind === "explicit") this.questioned = { document, version, position };
    clearTimeout(this.left);
    try {
      return await this.answer(document, position, context, kind, abort.signal);
    } catch (thrown) {
      const error = toOctetError(thrown);
      if (error.code === "cancelled" || abort.signal.aborted) return undefined;
      if (kind === "explicit") this.failure = { error, document, version, position };
      this.options.onError(error, kind);
      return undefined;
    } finally {
      this.answering--;
      listening.dispose();
    }
  }

  /** The next question is the user's, who wants more than what is shown. */
  commanded(): void {
    this.commandedAt = performance.now();
    this.asked = false;
  }

  /** Says what a command to ask came to where the editor did not ask: it has the answer already, or may not. null: nothing to say. */
  unasked({ document, selection }: vscode.TextEditor): Outcome | null {
    if (this.asked) return null;
    const isHere = (place: Place | null): boolean => place !== null && isAt(place, document, selection.active);
    if (isHere(this.failure)) this.options.onError(this.failure!.error, "explicit");
    else if (!isHere(this.offer)) return isHere(this.questioned) ? "nothing" : "notAsked";
    else if (this.offer!.hit.candidates.length === 0) return "nothing";
    return null;
  }

  /** Why an explicit request at this editor's cursor would not be answered. */
  refusalAt(editor: vscode.TextEditor): Refusal | null {
    const { document, selection } = editor;
    return IGNORED_SCHEMES.has(document.uri.scheme) ? "noFile" : this.refuse(document, selection.active, "explicit");
  }

  /** Ends what runs: after snoozing, switching off, or before the models change. */
  cancel(): void {
    this.completer.cancel();
  }

  /** The settings changed, so that what failed may work now. */
  reset(): void {
    this.gate.reset();
    if (this.options.config().multiFileContext) return;
    this.recent.clear();
    for (const { uri } of vscode.workspace.textDocuments) this.asks.contexts.forget(uri.toString());
  }

  dispose(): void {
    clearTimeout(this.left);
    this.completer.cancel();
    for (const disposable of this.disposables) disposable.dispose();
  }

  private async answer(
    document: vscode.TextDocument, position: vscode.Position, context: vscode.InlineCompletionContext, kind: TriggerKind, signal: AbortSignal,
  ): Promise<vscode.InlineCompletionList | undefined> {
    const config = this.options.config();
    if (!config.enable || IGNORED_SCHEMES.has(document.uri.scheme)) return undefined;
    const refused = this.refuse(document, position, kind);
    if (refused) {
      this.completer.cancel();
      this.options.log.trace(`no completion: ${refused}`);
      return undefined;
    }
    if (!this.gate.allows(kind)) return undefined;
    const commanded = kind === "explicit" && performance.now() - this.commandedAt < COMMANDED_MS;
    if (kind === "explicit") this.commandedAt = -Infinity;
    const loaded = await this.load(signal);
    if (signal.aborted) return undefined;

    const selected = context.selectedCompletionInfo && plainSelected(context.selectedCompletionInfo);
    const shapedAs = kind === "explicit" && !commanded && this.isShown(document, position) ? this.offer!.shapedAs : kind;
    const ask = await this.asks.build({ document: viewOf(document), cursor: plain(position), selected, kind, shapedAs, loaded, settings: config });
    if (!ask && commanded && !signal.aborted) vscode.window.setStatusBarMessage(tell("nothing"), UNSEEN_MS);
    if (!ask || signal.aborted) return undefined;
    this.label = `${vscode.workspace.asRelativePath(document.uri)}:${position.line + 1}`;
    const { version } = document;
    const hit = config.trigger === "manual" && kind === "automatic" ? this.known(ask) : await this.completer.offer(ask, signal);
    if (!hit || signal.aborted) return undefined;
    if (commanded && hit.candidates.length === 0) vscode.window.setStatusBarMessage(tell("nothing"), UNSEEN_MS);
    else if (commanded && position.character >= drawnCharacters(document)) vscode.window.setStatusBarMessage(tell("notDrawn"), UNSEEN_MS);

    this.offer = { ask, hit, document, version, position, shapedAs };
    const line = document.lineAt(position.line).text;
    const place = {
      cursor: plain(position),
      linePrefix: line.slice(0, position.character),
      lineSuffix: line.slice(position.character),
      eol: document.eol === vscode.EndOfLine.CRLF ? "\r\n" as const : "\n" as const,
      selected,
    };
    const items = hit.candidates.flatMap((candidate, at) => {
      const edit = inlineEdit(candidate, place);
      if (!edit) return [];
      const { start, end } = edit.range;
      const range = new vscode.Range(start.line, start.character, end.line, end.character);
      return new vscode.InlineCompletionItem(edit.insertText, range, { command: ACCEPTED_COMMAND, title: "Completion accepted", arguments: [at] });
    });
    this.changes.offer(document.uri.toString(), items.flatMap(({ insertText }) => (typeof insertText === "string" ? insertText : [])));
    return new vscode.InlineCompletionList(items);
  }

  private async load(signal: AbortSignal) {
    try {
      return await this.options.session.ready({ signal });
    } catch (thrown) {
      if (toOctetError(thrown).code !== "cancelled") this.gate.failed();
      throw thrown;
    }
  }

  /** In manual mode keys are answered with what was asked for before. */
  private known(ask: Ask): Hit | null {
    this.completer.at(ask.key);
    return this.completer.cache.lookup(ask.key);
  }

  private isShown(document: vscode.TextDocument, position: vscode.Position): boolean {
    const { offer } = this;
    return offer !== null && offer.hit.candidates.length > 0 && isAt(offer, document, position);
  }

  private refuse(document: vscode.TextDocument, position: vscode.Position, kind: TriggerKind): Refusal | null {
    const line = document.lineAt(position.line).text;
    const selections = editorOf(document)?.selections ?? [];
    const { languages } = this.options.config();
    return refusal({
      kind,
      linePrefix: line.slice(0, position.character),
      lineSuffix: line.slice(position.character),
      lastChange: this.changes.of(document.uri.toString(), document.version),
      selections: Math.max(1, selections.length),
      selectionEmpty: selections[0]?.isEmpty ?? true,
      languageEnabled: isLanguageEnabled(languages, document.languageId),
      snoozed: this.options.snoozed(),
    });
  }

  private onChange({ document, contentChanges, reason }: vscode.TextDocumentChangeEvent): void {
    if (contentChanges.length === 0 || IGNORED_SCHEMES.has(document.uri.scheme)) return;
    const uri = document.uri.toString();
    const edits = contentChanges.map(({ range, text }): TextEdit => ({ range: { start: plain(range.start), end: plain(range.end) }, text }));
    const { Undo, Redo } = vscode.TextDocumentChangeReason;
    const change = this.changes.note(uri, document.version, edits, reason === Undo ? "undo" : reason === Redo ? "redo" : null);
    if (change === "typed") this.asks.typed();
    this.asks.contexts.documentChanged(uri, edits);
    if (this.offer?.document === document) this.endUnlessAsked();
    this.visit(document, contentChanges[0]?.range.start.line ?? 0);
  }

  private onMove({ document, selection }: vscode.TextEditor): void {
    const { offer } = this;
    const moved = offer?.document === document && offer.version === document.version && !offer.position.isEqual(selection.active);
    if (moved) this.endUnlessAsked();
    this.visit(document, selection.active.line);
  }

  private visit(document: vscode.TextDocument, line: number): void {
    const { multiFileContext, enable, languages } = this.options.config();
    if (!enable || !multiFileContext || IGNORED_SCHEMES.has(document.uri.scheme)) return;
    if (isLanguageEnabled(languages, document.languageId)) this.recent.visit(viewOf(document), line);
  }

  private endUnlessAsked(): void {
    clearTimeout(this.left);
    this.left = setTimeout(() => {
      if (this.answering === 0) this.completer.cancel();
    }, LEFT_MS);
  }

  private onAccepted(at: unknown): void {
    const { offer } = this;
    const candidate = typeof at === "number" ? offer?.hit.candidates[at] : undefined;
    if (!offer || !candidate) return;
    this.accepted++;
    const { hit, ask } = offer;
    const others = hit.candidates.filter((other) => other !== candidate);
    this.completer.cache.put(ask.key, { candidates: [candidate, ...others], complete: hit.complete, multiline: hit.multiline });
    this.options.log.debug(`accepted completion ${Number(at) + 1} of ${hit.candidates.length}, ${candidate.text.length} characters`);
  }
}

const isAt = (place: Place, document: vscode.TextDocument, position: vscode.Position): boolean =>
  place.document === document && place.version === document.version && place.position.isEqual(position);

const plain = ({ line, character }: vscode.Position) => ({ line, character });

const plainSelected = ({ range, text }: vscode.SelectedCompletionInfo) => ({ range: { start: plain(range.start), end: plain(range.end) }, text });

const editorOf = (document: vscode.TextDocument): vscode.TextEditor | undefined =>
  [vscode.window.activeTextEditor, ...vscode.window.visibleTextEditors].find((editor) => editor?.document === document);

const viewOf = (document: vscode.TextDocument): DocumentView => ({
  uri: document.uri.toString(),
  languageId: document.languageId,
  version: document.version,
  eol: document.eol === vscode.EndOfLine.CRLF ? "\r\n" : "\n",
  lineCount: document.lineCount,
  lineAt: (line) => document.lineAt(line).text,
});

// Ghost text: VS Code's questions for inline completions, answered from the completer. Knows the editor; what to ask and what
// to offer is decided by the pure modules beside it.
import * as vscode from "vscode";
import { asksInline, drawnCharacters, type OctetConfig } from "../config";
import { toOctetError, type OctetError } from "../worker/errors";
import type { Session } from "../worker/session";
import { AskBuilder } from "./askBuilder";
import type { Hit } from "./cache";
import { Changes } from "./changes";
import { Completer, type Ask } from "./completer";
import { editsOf, eolOf, plain, plainRange, viewOf } from "./editorView";
import { tell, type Outcome } from "./explain";
import { LoadGate } from "./loadGate";
import { Preparation, type Ahead } from "./preparation";
import type { PromptSpeed } from "./promptSpeed";
import { isSame, Questions, type Place } from "./questions";
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
/** So long the status bar says why nothing is seen. */
export const UNSEEN_MS = 6_000;

interface Offer extends Place {
  position: vscode.Position;
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
  private readonly questions = new Questions();
  private readonly gate = new LoadGate();
  private readonly preparation: Preparation;
  readonly recent = new RecentPlaces({ pathOf: (uri) => vscode.workspace.asRelativePath(vscode.Uri.parse(uri)) });
  private readonly disposables: vscode.Disposable[] = [];
  private label = "";
  private offer: Offer | null = null;
  private answering = 0;
  private left: NodeJS.Timeout | undefined;

  constructor(private readonly options: InlineOptions) {
    const { session, speed } = options;
    this.asks = new AskBuilder(this.recent, async (text) => (await session.supervisor.tokenize(text)).tokens.length, speed);
    this.completer = new Completer(new SessionGenerator(session, () => this.label), { onReport: (report) => this.asks.learn(report) });
    this.preparation = new Preparation({
      prepare: (ahead, prepareOptions) => session.prepare(ahead, prepareOptions),
      onComputed: (prompt, share, result) => {
        this.asks.noteComputed(prompt, share);
        if (result) speed.prepared(result);
        options.log.trace(`prompt prepared: ${Math.floor(share * 100)} %`);
      },
    });
    const loads = session.supervisor.onState(({ loaded }) => {
      if (loaded) this.gate.reset();
    });
    this.disposables.push(
      loads,
      vscode.languages.registerInlineCompletionItemProvider({ pattern: "**" }, this),
      vscode.commands.registerCommand(ACCEPTED_COMMAND, (at: unknown) => this.onAccepted(at)),
      vscode.workspace.onDidChangeTextDocument((event) => this.onChange(event)),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.onClose(uri.toString())),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => this.onMove(textEditor)),
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        if (editor) this.visit(editor.document, editor.selection.active.line);
        this.endUnlessAsked();
        this.prepareAt(editor);
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
    const place = { document, version: document.version, position };
    this.questions.begin(kind, place);
    clearTimeout(this.left);
    this.preparation.stop();
    try {
      return await this.answer(document, position, context, kind, abort.signal);
    } catch (thrown) {
      const error = toOctetError(thrown);
      if (error.code === "cancelled" || abort.signal.aborted) return undefined;
      this.questions.failed(kind, place, error);
      this.options.onError(error, kind);
      return undefined;
    } finally {
      this.answering--;
      listening.dispose();
      if (this.answering === 0) this.prepareAt(editorOf(document));
    }
  }

  /** The next question is the user's, who wants more than what is shown. */
  commanded(): void {
    this.questions.commanded();
  }

  /** Says what a command to ask came to where the editor did not ask: it has the answer already, or may not. null: nothing to say. */
  unasked({ document, selection }: vscode.TextEditor): Outcome | null {
    const { offer } = this;
    const here = { document, version: document.version, position: selection.active };
    const outcome = this.questions.unasked(here, offer && { place: offer, candidates: offer.hit.candidates.length });
    if (outcome === null || typeof outcome === "string") return outcome;
    this.options.onError(outcome, "explicit");
    return null;
  }

  /** Why an explicit request at this editor's cursor would not be answered. */
  refusalAt(editor: vscode.TextEditor): Refusal | null {
    const { document, selection } = editor;
    return IGNORED_SCHEMES.has(document.uri.scheme) ? "noFile" : this.refuse(document, selection.active, "explicit");
  }

  /** Ends what runs: after snoozing, switching off, or before the models change. */
  cancel(): void {
    this.preparation.stop();
    this.completer.cancel();
  }

  /** The settings changed, so that what failed may work now. */
  reset(): void {
    this.gate.reset();
    this.preparation.stop();
    if (this.options.config().multiFileContext) return;
    this.recent.clear();
    for (const { uri } of vscode.workspace.textDocuments) this.asks.forget(uri.toString());
  }

  dispose(): void {
    clearTimeout(this.left);
    this.cancel();
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
    const commanded = this.questions.isCommanded(kind);
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
      eol: eolOf(document),
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
    return offer !== null && offer.hit.candidates.length > 0 && isSame(offer, { document, version: document.version, position });
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
    const edits = editsOf(contentChanges);
    const { Undo, Redo } = vscode.TextDocumentChangeReason;
    const change = this.changes.note(uri, document.version, edits, reason === Undo ? "undo" : reason === Redo ? "redo" : null);
    if (change === "typed") this.asks.typed();
    this.asks.documentChanged(uri, edits);
    if (this.offer?.document === document) this.endUnlessAsked();
    this.visit(document, contentChanges[0]?.range.start.line ?? 0);
  }

  private onClose(uri: string): void {
    this.asks.forget(uri);
    this.changes.forget(uri);
  }

  private onMove(textEditor: vscode.TextEditor): void {
    const { document, selection } = textEditor;
    const { offer } = this;
    const moved = offer?.document === document && offer.version === document.version && !offer.position.isEqual(selection.active);
    if (moved) this.endUnlessAsked();
    this.visit(document, selection.active.line);
    if (this.answering === 0 && textEditor === vscode.window.activeTextEditor) this.prepareAt(textEditor);
  }

  private visit(document: vscode.TextDocument, line: number): void {
    const { multiFileContext, enable, languages } = this.options.config();
    if (!enable || !multiFileContext || IGNORED_SCHEMES.has(document.uri.scheme)) return;
    if (isLanguageEnabled(languages, document.languageId)) this.recent.visit(viewOf(document), line);
  }

  /** The next request will be made here, as a rule: what it needs is computed while the user pauses. */
  private prepareAt(editor: vscode.TextEditor | undefined): void {
    this.preparation.rest(async () => (editor ? this.ahead(editor) : null));
  }

  /** What to compute of the prompt at this editor's cursor; null where nothing is, or nothing that the user wants done unasked. */
  private async ahead(editor: vscode.TextEditor): Promise<Ahead | null> {
    await this.completer.idle();
    const { document, selection } = editor;
    const settings = this.options.config();
    const { loaded } = this.options.session.supervisor.state;
    const wanted = settings.enable && settings.preparePrompts && settings.trigger === "automatic" && asksInline(document) && !this.options.snoozed() &&
      this.changes.isTypedIn(document.uri.toString()) && isLanguageEnabled(settings.languages, document.languageId);
    if (!wanted || !loaded || editor !== vscode.window.activeTextEditor || document.isClosed) return null;
    const here = { document: viewOf(document), cursor: plain(selection.active), selected: undefined };
    await this.asks.build({ ...here, kind: "automatic", shapedAs: "automatic", loaded, settings, preparing: true });
    return this.asks.ahead();
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

const plainSelected = ({ range, text }: vscode.SelectedCompletionInfo) => ({ range: plainRange(range), text });

const editorOf = (document: vscode.TextDocument): vscode.TextEditor | undefined =>
  [vscode.window.activeTextEditor, ...vscode.window.visibleTextEditors].find((editor) => editor?.document === document);

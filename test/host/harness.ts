// A small test runner for inside the extension host, and what every case needs: the extension's parts, documents, waiting.
import assert from "node:assert/strict";
import * as vscode from "vscode";
import type { OctetApi } from "../../extension/api";

export interface HostResult {
  name: string;
  ms: number;
  /** undefined: passed. */
  error?: string;
  /** What it measured. */
  notes?: string[];
}

const cases: { name: string; body: () => Promise<void> }[] = [];
const CASE_MS = 120_000;
let notes: string[] = [];

/** A figure for the reader of the results. */
export const note = (text: string): void => void notes.push(text);

export function test(name: string, body: () => Promise<void>): void {
  cases.push({ name, body });
}

export async function runCases(report: (line: string) => void): Promise<HostResult[]> {
  const results: HostResult[] = [];
  for (const { name, body } of cases) {
    const start = performance.now();
    let error: string | undefined;
    notes = [];
    try {
      await within(CASE_MS, name, body());
    } catch (thrown) {
      error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    }
    await tidy().catch(() => undefined);
    const ms = Math.round(performance.now() - start);
    results.push({ name, ms, ...(error === undefined ? {} : { error }), ...(notes.length > 0 ? { notes } : {}) });
    report([`${error === undefined ? "ok  " : "FAIL"} ${name} (${ms} ms)`, ...notes, ...(error === undefined ? [] : [error])].join("\n"));
  }
  return results;
}

/** For what must be so within a fraction of a second: a machine that is busy elsewhere may fail it once, a fault fails it always. */
export async function thrice(body: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await body();
    } catch (error) {
      if (attempt === 3) throw error;
      note(`once more after: ${String(error)}`);
      await sleep(2_000);
    }
  }
}

async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export async function octet(): Promise<OctetApi> {
  const extension = vscode.extensions.getExtension<OctetApi>("octet.octet");
  assert(extension, "the extension is installed");
  return extension.activate();
}

/** Opens a new document in an editor, with the cursor at ‸. */
export async function edit(text: string, language = "typescript", eol = vscode.EndOfLine.LF): Promise<vscode.TextEditor> {
  const at = text.indexOf("‸");
  const document = await open(text.replace("‸", ""), language);
  const editor = await vscode.window.showTextDocument(document);
  if (document.eol !== eol) await editor.edit((builder) => builder.setEndOfLine(eol));
  const position = document.positionAt(eol === vscode.EndOfLine.CRLF ? at + text.slice(0, at).split("\n").length - 1 : at);
  editor.selection = new vscode.Selection(position, position);
  return editor;
}

/** An untitled document that is being closed may lend a new one its name, and for a moment its text. */
async function open(content: string, language: string): Promise<vscode.TextDocument> {
  for (const end = performance.now() + 20_000; ; await sleep(100)) {
    const document = await vscode.workspace.openTextDocument({ language, content });
    if (document.getText().replaceAll("\r\n", "\n") === content) return document;
    if (performance.now() > end) throw new Error(`a new document holds another text: ${document.getText().slice(0, 200)}`);
  }
}

export interface Asking {
  trigger?: "automatic" | "explicit";
  token?: vscode.CancellationToken;
  selected?: vscode.SelectedCompletionInfo;
}

/** Asks the provider as the editor does. */
export async function ask(editor: Pick<vscode.TextEditor, "document" | "selection">, { trigger = "explicit", token, selected }: Asking = {}): Promise<vscode.InlineCompletionItem[]> {
  const { inline } = await octet();
  const { Invoke, Automatic } = vscode.InlineCompletionTriggerKind;
  const context = { triggerKind: trigger === "explicit" ? Invoke : Automatic, selectedCompletionInfo: selected };
  const list = await inline.provideInlineCompletionItems(editor.document, editor.selection.active, context, token ?? new vscode.CancellationTokenSource().token);
  return list?.items ?? [];
}

export const textOf = ({ insertText }: vscode.InlineCompletionItem): string => (typeof insertText === "string" ? insertText : insertText.value);

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(what: string, holds: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  for (const end = performance.now() + ms; ; await sleep(20)) {
    if (await holds()) return;
    if (performance.now() > end) throw new Error(`${what}: not within ${ms} ms`);
  }
}

export async function set(name: string, value: unknown): Promise<void> {
  await vscode.workspace.getConfiguration("octet").update(name, value, vscode.ConfigurationTarget.Global);
}

const changed = ["enable", "languages", "trigger", "debounce", "candidates", "contextTokens", "target", "draft", "temperature", "seed", "preparePrompts", "solutions.count"];

/** As a new window would be, but for the loaded models. */
async function tidy(): Promise<void> {
  const { snooze, inline } = await octet();
  snooze.stop();
  inline.cancel();
  const settings = vscode.workspace.getConfiguration("octet");
  for (const name of changed) if (settings.inspect(name)?.globalValue !== undefined) await set(name, undefined);
  await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
}

/** Generations alive now and at most, and how many were started. */
export async function watchRequests() {
  const { session } = await octet();
  const alive = new Set<string>();
  const seen = { started: 0, most: 0, alive: () => alive.size, stop: () => listening.dispose() };
  const listening = session.onRequest((news) => {
    if (news.type === "started") {
      alive.add(news.id);
      seen.started++;
      seen.most = Math.max(seen.most, alive.size);
    } else if (news.type === "ended" || news.type === "failed") alive.delete(news.id);
  });
  return seen;
}

// Shows a solution as a diff: the file as it is against the file with the solution in.
import * as vscode from "vscode";
import { insertionOf, type InsertionPoint } from "./insertion";
import { editorRange, viewOf } from "./editorDocument";
import type { Note } from "./insert";

export const SOLUTION_SCHEME = "octet-solution";

export class SolutionDiffs implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly contents = new Map<string, string>();
  private readonly disposables: vscode.Disposable[];
  private next = 1;

  constructor() {
    this.disposables = [
      vscode.workspace.registerTextDocumentContentProvider(SOLUTION_SCHEME, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.contents.delete(uri.toString())),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.contents.get(uri.toString()) ?? "";
  }

  /** In the file's column, so that the lanes stay in sight. null: shown. */
  async show(
    document: vscode.TextDocument, point: InsertionPoint, solution: string, name: string, column: vscode.ViewColumn | undefined,
  ): Promise<Note | null> {
    const view = viewOf(document);
    const target = point.target(view);
    if ("refusal" in target) return { kind: "error", text: target.refusal.replace("nothing was inserted", "there is no place to compare at") };
    const insertion = insertionOf(solution, point.lead, view, target);
    const range = editorRange(insertion.range);
    const text = document.getText();
    const right = vscode.Uri.from({ scheme: SOLUTION_SCHEME, path: document.uri.path, query: String(this.next++) });
    this.contents.set(right.toString(), text.slice(0, document.offsetAt(range.start)) + insertion.text + text.slice(document.offsetAt(range.end)));
    const file = document.uri.path.split("/").at(-1) ?? "";
    const options: vscode.TextDocumentShowOptions = {
      preview: true, ...(column === undefined ? {} : { viewColumn: column }), selection: new vscode.Range(range.start, range.start),
    };
    await vscode.commands.executeCommand("vscode.diff", document.uri, right, `${file} ↔ ${name}`, options);
    return null;
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }
}

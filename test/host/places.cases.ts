// Places that are special: cells of a notebook, which are documents like others, and the middle of a line.
import assert from "node:assert/strict";
import * as vscode from "vscode";
import { ask, edit, test, textOf } from "./harness";

test("a cell of a notebook is completed", async () => {
  const cell = new vscode.NotebookCellData(vscode.NotebookCellKind.Code, "import math\n\ndef area(radius):\n    return math.", "python");
  const notebook = await vscode.workspace.openNotebookDocument("jupyter-notebook", new vscode.NotebookData([cell]));
  await vscode.window.showNotebookDocument(notebook);
  const { document } = notebook.cellAt(0);
  assert.equal(document.uri.scheme, "vscode-notebook-cell");
  const end = document.lineAt(document.lineCount - 1).range.end;
  const items = await ask({ document, selection: new vscode.Selection(end, end) });
  for (const item of items) assert(textOf(item).startsWith("    return math."), textOf(item));
  assert(items.length > 0);
});

test("the middle of a line keeps what follows it", async () => {
  const editor = await edit("const total = Math.max(‸, limit);\n");
  for (const item of await ask(editor)) {
    assert(!textOf(item).includes("\n"), JSON.stringify(textOf(item)));
    assert.equal(item.range?.end.line, 0);
    assert(item.range.end.character <= "const total = Math.max(, limit);".length);
  }
});

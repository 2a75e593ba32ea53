// Inline completions in a real VS Code: what the provider answers, and what the editor makes of it.
import assert from "node:assert/strict";
import * as vscode from "vscode";
import { ask, edit, octet, set, sleep, test, textOf, until, watchRequests } from "./harness";

const CODE = "interface Point { x: number; y: number }\n\nfunction distance(a: Point, b: Point): number {\n  const dx = a.x - b.x;\n  const dy = ‸\n}\n";

test("activation starts no worker", async () => {
  const { session, statusBar } = await octet();
  assert.equal(session.supervisor.pid, undefined);
  assert.equal(session.supervisor.state.state, "stopped");
  assert.equal(statusBar.view?.kind, "asleep");
});

test("an explicit request gives several distinct items of one batch", async () => {
  await set("temperature", 1);
  const editor = await edit(CODE);
  const requests = await watchRequests();
  const items = await ask(editor);
  assert(items.length >= 2, `${items.length} items`);
  const texts = items.map(textOf);
  assert.equal(new Set(texts).size, texts.length);
  for (const item of items) {
    assert(item.range?.isSingleLine);
    assert(textOf(item).startsWith("  const dy = "), textOf(item));
  }
  const again = await ask(editor);
  assert.deepEqual(again.map(textOf), texts, "cycling shows the same batch");
  assert.equal(requests.started, 1);
  requests.stop();
});

test("typing through a candidate keeps it without a new request", async () => {
  const editor = await edit(CODE);
  const requests = await watchRequests();
  const [first] = await ask(editor);
  assert(first);
  const rest = textOf(first).slice("  const dy = ".length);
  const { document } = editor;
  const offset = document.offsetAt(editor.selection.active);
  await editor.edit((builder) => builder.insert(editor.selection.active, rest.slice(0, 1)));
  const at = document.positionAt(offset + 1);
  editor.selection = new vscode.Selection(at, at);
  const items = await ask(editor, { trigger: "automatic" });
  assert.equal(requests.started, 1);
  const left = items.map((item) => textOf(item).slice(at.character));
  assert(left.includes(rest.slice(1)), `${JSON.stringify(left)} has ${JSON.stringify(rest.slice(1))}`);
  requests.stop();
});

test("ghost text appears while typing and is accepted", async () => {
  const { inline } = await octet();
  const editor = await edit(CODE);
  const before = inline.accepted;
  await vscode.commands.executeCommand("type", { text: "a" });
  const typed = editor.document.getText();
  await until("accepted ghost text", async () => {
    await vscode.commands.executeCommand("editor.action.inlineSuggest.commit");
    await sleep(100);
    return editor.document.getText() !== typed;
  }, 15_000);
  assert(editor.document.lineAt(4).text.startsWith("  const dy = a"), editor.document.lineAt(4).text);
  await until("the accept signal", () => inline.accepted === before + 1);
});

test("line ends and tabs are the document's", async () => {
  const editor = await edit("class Stack {\n\tprivate items: number[] = [];\n\n\tpush(item: number): void {\n\t\t‸\n\t}\n}\n", "typescript", vscode.EndOfLine.CRLF);
  for (const item of await ask(editor)) {
    assert(!/(^|[^\r])\n/.test(textOf(item)), JSON.stringify(textOf(item)));
    assert(textOf(item).startsWith("\t\t"), JSON.stringify(textOf(item)));
  }
});

test("an item selected in the suggest widget is extended over its own range", async () => {
  const editor = await edit("const values = [1, 2, 3];\nconst sum = values.red‸\n");
  const end = editor.selection.active;
  const selected = { range: new vscode.Range(end.translate(0, -3), end), text: "reduce" };
  for (const item of await ask(editor, { trigger: "automatic", selected })) {
    assert(textOf(item).startsWith("reduce"));
    assert(item.range?.isEqual(selected.range));
  }
});

test("several cursors, snoozing and a switched-off language are left alone", async () => {
  const { snooze, statusBar } = await octet();
  const editor = await edit(CODE);
  const requests = await watchRequests();
  snooze.start(60_000);
  assert.deepEqual(await ask(editor, { trigger: "automatic" }), []);
  assert.equal(statusBar.view?.kind, "snoozed");
  snooze.stop();
  await set("languages", { typescript: false });
  assert.deepEqual(await ask(editor, { trigger: "automatic" }), []);
  await set("languages", undefined);
  const { active } = editor.selection;
  editor.selections = [new vscode.Selection(active, active), new vscode.Selection(0, 0, 0, 0)];
  assert.deepEqual(await ask(editor), []);
  assert.equal(requests.started, 0);
  requests.stop();
});

test("manual: keys ask for nothing, the command does", async () => {
  const editor = await edit(`// Asked for by hand.\n${CODE}`);
  await set("trigger", "manual");
  const requests = await watchRequests();
  assert.deepEqual(await ask(editor, { trigger: "automatic" }), []);
  assert.equal(requests.started, 0);
  await vscode.commands.executeCommand("octet.trigger");
  await until("a request", () => requests.started === 1);
  requests.stop();
});

test("a very large file costs no more than a small one", async () => {
  const line = "const value = compute(1, 2, 3); // a line of a large file\n";
  const editor = await edit(`${line.repeat(20_000)}const last = ‸\n${line.repeat(1_000)}`);
  await ask(editor);
  const start = performance.now();
  const at = editor.selection.active.translate(1, 0);
  editor.selection = new vscode.Selection(at, at);
  await ask(editor);
  assert(performance.now() - start < 10_000);
});

// Prompts that are computed while the user pauses: where, when, and when not.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import type { GenerateResult } from "../../protocol/worker";
import { ask, edit, octet, set, sleep, test, thrice, until } from "./harness";

const LINES = Array.from({ length: 120 }, (_, line) => `const value${line} = compute(${line}, ${line + 1});\n`);
/** Longer than the pause that a preparation waits for. */
const PAUSE_MS = 1_500;

interface Prepared {
  text: string;
  finishReasons: string[];
  result: GenerateResult;
}

/** Runs the body on a machine that seems slow, and tells what was prepared. */
async function watched(body: (prepared: Prepared[]) => Promise<void>): Promise<void> {
  const { session, speed } = await octet();
  await session.ready();
  const slow = { promptTokens: 1_000, reusedTokens: 0, prefillMs: 10_000, alone: { prompt: true, steps: true } };
  for (let times = 0; times < 20; times++) speed.prepared({ totals: slow } as GenerateResult);
  const prepared: Prepared[] = [];
  const prepare = session.prepare.bind(session);
  session.prepare = async (params, options) => {
    const result = await prepare(params, options);
    const { prompt } = params;
    const text = prompt.kind === "fim" ? prompt.prefix : prompt.kind === "text" ? prompt.text : "";
    prepared.push({ text, finishReasons: result.sequences.map(({ finishReason }) => finishReason), result });
    return result;
  };
  try {
    await body(prepared);
  } finally {
    delete (session as Partial<typeof session>).prepare; // the class's again
  }
}

const type = async (text: string): Promise<void> => vscode.commands.executeCommand("type", { text });

test("the prompt is computed where the user has typed and pauses, and there for the next request", () => thrice(() => watched(async (prepared) => {
  const { session } = await octet();
  const editor = await edit(`// Attempt ${performance.now()}\n${LINES.join("")}‸\n// end\n`);
  await type("const last = ");
  await until("a prepared prompt", () => prepared.length > 0);
  const [first] = prepared;
  assert(first);
  assert(first.text.endsWith("\nconst last = "), first.text.slice(-40));
  assert(first.text.length > 1_000);
  assert(first.finishReasons.every((reason) => reason === "end"), first.finishReasons.join());
  let reused = 0;
  const listening = session.onRequest((news) => {
    if (news.type === "ended") reused = news.result.totals.reusedTokens;
  });
  await type("n");
  await ask(editor);
  await until("a request", () => reused > 0);
  listening.dispose();
  assert(reused >= first.result.totals.promptTokens - 8, `${reused} of ${first.result.totals.promptTokens} tokens`);
})));

test("nothing is computed where the user just reads, switched it off, asks by hand or sleeps", () => watched(async (prepared) => {
  const { snooze } = await octet();
  // No untitled document: it may be one that was typed in, whose closing nobody was told of.
  const file = path.join(mkdtempSync(path.join(tmpdir(), "octet-read-")), "read.ts");
  writeFileSync(file, LINES.join("// read\n"));
  const editor = await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(file));
  for (const line of [100, 20, 60]) {
    editor.selection = new vscode.Selection(line, 0, line, 0);
    await sleep(PAUSE_MS / 3);
  }
  await sleep(PAUSE_MS);
  assert.deepEqual(prepared.map(({ text }) => text), []);

  for (const [name, value] of [["preparePrompts", false], ["trigger", "manual"], ["seed", 7]] as const) {
    await set(name, value);
    await type("x");
    await sleep(PAUSE_MS);
    assert.deepEqual(prepared.map(({ text }) => text), [], name);
    await set(name, undefined);
  }
  const inEditor = vscode.workspace.getConfiguration("editor");
  await inEditor.update("inlineSuggest.enabled", false, vscode.ConfigurationTarget.Global);
  try {
    await type("w");
    await sleep(PAUSE_MS);
    assert.deepEqual(prepared.map(({ text }) => text), [], "inlineSuggest.enabled");
  } finally {
    await inEditor.update("inlineSuggest.enabled", undefined, vscode.ConfigurationTarget.Global);
  }
  snooze.start(60_000);
  await type("y");
  await sleep(PAUSE_MS);
  assert.deepEqual(prepared.map(({ text }) => text), []);
  snooze.stop();
  await type("z");
  await until("it is, else", () => prepared.length > 0); // else this case shows nothing
  rmSync(path.dirname(file), { recursive: true });
}));

test("a cursor that moves in another editor puts nothing off", () => thrice(() => watched(async (prepared) => {
  const editor = await edit(`// Attempt ${performance.now()}\n${LINES.join("")}‸\n`);
  const document = await vscode.workspace.openTextDocument({ content: LINES.join("// beside\n") });
  const beside = await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Two, preserveFocus: true });
  assert.equal(vscode.window.activeTextEditor, editor);
  await type("const here = ");
  // Well within the rest that a preparation waits for.
  for (let line = 10; line < 40; line++) {
    beside.selection = new vscode.Selection(line, 0, line, 0);
    await sleep(50);
  }
  await vscode.window.showTextDocument(document, vscode.ViewColumn.Two);
  await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  assert(prepared.some(({ text }) => text.endsWith("\nconst here = ")), `${prepared.length} prepared`);
})));

test("where the cursor rests in a file that is typed in, its prompt is computed", () => watched(async (prepared) => {
  const editor = await edit(`${LINES.join("// typed in\n")}‸\n`);
  await type("x");
  await until("a first one", () => prepared.length > 0);
  prepared.length = 0;
  editor.selection = new vscode.Selection(90, 0, 90, 0);
  await until("one for the new place", () => prepared.some(({ text }) => text.endsWith(`${editor.document.lineAt(89).text}\n`)));
}));

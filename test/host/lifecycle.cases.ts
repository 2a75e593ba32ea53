// Requests end when nobody waits for them; the worker follows the settings, comes back, and says what is wrong with a model.
import assert from "node:assert/strict";
import * as vscode from "vscode";
import { ask, edit, octet, set, sleep, test, thrice, until, watchRequests } from "./harness";

const CODE = "// Sorts the numbers in place.\nfunction quicksort(numbers: number[], low = 0, high = numbers.length - 1): void {\n  ‸\n}\n";

test("a cancelled request frees its lanes within 200 ms", () => thrice(async () => {
  const { session } = await octet();
  await session.ready();
  const editor = await edit(CODE);
  const source = new vscode.CancellationTokenSource();
  const progress = new Promise<void>((resolve) => {
    const listening = session.onRequest(({ type }) => {
      if (type !== "progress") return;
      listening.dispose();
      resolve();
    });
  });
  const answer = ask(editor, { token: source.token });
  await progress;
  source.cancel();
  await sleep(200);
  const status = await session.supervisor.status();
  assert.equal(status?.running, 0);
  assert.equal(status?.lanesInUse, 0);
  assert.deepEqual(await answer, []);
}));

test("typing 100 characters fast leaves at most one generation alive, and none after", () => thrice(async () => {
  const { session } = await octet();
  await session.ready();
  const editor = await edit("‸");
  await set("debounce", 1);
  const requests = await watchRequests();
  const text = "const total = items.map((item) => item.price * item.count).filter((price) => price > 10).reduce(add); ";
  for (const [i, character] of [...text].entries()) {
    await vscode.commands.executeCommand("type", { text: character });
    await sleep(i % 10 === 9 ? 120 : 15);  // the editor asks only once keys have paused for a moment of its own; the next ones come amid the answer
  }
  await until("keys lead to requests", () => requests.started > 0);
  assert(requests.most <= 1, `${requests.most} alive at once`);
  await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  await sleep(200);
  assert.equal(requests.alive(), 0);
  const status = await session.supervisor.status();
  assert.deepEqual([status?.running, status?.queued], [0, 0]);
  assert(editor.document.isClosed || editor.document.lineCount > 0);
  requests.stop();
}));

test("a generation that nobody asks for any more ends", () => thrice(async () => {
  const { session } = await octet();
  await session.ready();
  const editor = await edit(CODE);
  await ask(editor, { trigger: "automatic" });
  editor.selection = new vscode.Selection(0, 0, 0, 0);
  await sleep(300);
  assert.equal((await session.supervisor.status())?.running, 0);
}));

test("the status bar says that a request runs until all its lanes have ended", async () => {
  const { session, statusBar } = await octet();
  await session.ready();
  await edit(CODE);
  let kind: string | null = null;
  const running = session.generate({
    kind: "solutions",
    label: "status bar",
    params: {
      prompt: { kind: "text", text: CODE.split("‸", 1)[0]! }, lanes: 2, maxTokens: 64, stop: [], stopTokens: [], budgetMs: null, ignoreEnd: true,
      sampling: { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 1 }, draftLength: "none",
    },
  }, {
    onProgress: ({ steps }) => {
      if (kind !== null || steps.length === 0) return;
      running.completeLane(0);
      kind = statusBar.view?.kind ?? "";
    },
  });
  await running.result;
  assert.equal(kind, "generating");
  assert.equal(statusBar.view?.kind, "ready");
});

test("ghost text comes while solutions are being written", async () => {
  const { session } = await octet();
  const { lanes, spareLanes } = await session.ready();
  assert.deepEqual([lanes, spareLanes], [8, 8]);
  const abort = new AbortController();
  let written = 0;
  let ended = false;
  const solutions = session.generate({
    kind: "solutions",
    label: "beside ghost text",
    params: {
      prompt: { kind: "text", text: "class Stack:\n" }, lanes, maxTokens: 1_500, stop: [], stopTokens: [], budgetMs: null, ignoreEnd: true,
      sampling: { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 1 }, draftLength: "none",
    },
  }, { signal: abort.signal, onProgress: ({ steps }) => void (written += steps.length) });
  void solutions.result.finally(() => (ended = true));
  await until("solutions are being written", () => written > 0);
  const items = await ask(await edit(CODE));
  const at = written;
  assert.equal(ended, false, "it came before they ended");
  assert(items.length > 0);
  await until("they go on", () => written > at || ended);
  abort.abort();
  await solutions.result;
});

test("changed settings are followed at once where models are loaded", async () => {
  const { session } = await octet();
  await session.ready();
  await set("candidates", 3);
  await set("solutions.count", 2);
  await until("fewer lanes", () => session.supervisor.state.loaded?.lanes === 3);
  await set("solutions.count", undefined);
  await set("candidates", undefined);
  await until("as before", () => session.supervisor.state.loaded?.lanes === 8);
});

test("the device cpu is served by a worker that loads no GPU's driver, another device by another worker", async () => {
  const { session, problems } = await octet();
  await session.ready();
  const { supervisor } = session;
  const before = problems.shown.length;
  let { pid } = supervisor;
  for (const device of ["cpu", undefined]) {
    await set("device", device);
    await until("another worker with its models", () => supervisor.pid !== undefined && supervisor.pid !== pid && supervisor.state.loaded !== null);
    ({ pid } = supervisor);
    assert.equal((await supervisor.hello()).gpuBackends === null, device === "cpu");
    await vscode.commands.executeCommand("octet.report");
    const report = vscode.window.activeTextEditor?.document.getText() ?? "";
    assert.equal(report.includes("GPUs were not looked for, since octet.device is cpu"), device === "cpu");
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  }
  assert.equal(supervisor.pid, pid, "asking starts no other worker");
  assert.equal(problems.shown.length, before);
});

test("a model path that is wrong is told once, with what to do", async () => {
  const { session, problems, statusBar } = await octet();
  await session.ready();
  const before = problems.shown.length;
  await set("target", "/no/such/model.gguf");
  await until("a notification", () => problems.shown.length === before + 1);
  const shown = problems.shown.at(-1)!;
  assert.match(shown.message, /\/no\/such\/model\.gguf/);
  assert.deepEqual(shown.remedies, ["chooseModel", "useStarterModel", "showLog"]);
  assert.equal(statusBar.view?.kind, "error");
  const editor = await edit(CODE);
  for (let key = 0; key < 5; key++) {
    await vscode.commands.executeCommand("type", { text: "x" });
    await ask(editor, { trigger: "automatic" });
  }
  assert.equal(problems.shown.length, before + 1, "keys bring no further notification");
  await vscode.commands.executeCommand("octet.useStarterModel");
  await until("the starter model", () => session.supervisor.state.loaded !== null);
  assert.notEqual(statusBar.view?.kind, "error");
  await vscode.commands.executeCommand("notifications.clearAll");
});

test("a killed worker comes back with its models", async () => {
  const { session } = await octet();
  await session.ready();
  const { pid } = session.supervisor;
  assert(pid);
  process.kill(pid, "SIGKILL");
  await until("another worker", () => session.supervisor.pid !== undefined && session.supervisor.pid !== pid && session.supervisor.state.loaded !== null);
  const editor = await edit(CODE);
  await ask(editor);
});

test("unloading frees the models; the next request loads them", async () => {
  const { session, statusBar } = await octet();
  await session.ready();
  await vscode.commands.executeCommand("octet.unload");
  assert.equal(session.supervisor.state.loaded, null);
  assert.equal(statusBar.view?.kind, "asleep");
  await ask(await edit(CODE));
  assert(session.supervisor.state.loaded);
});

test("every command of the manifest is there", async () => {
  const manifest = vscode.extensions.getExtension("octet.octet")?.packageJSON as { contributes: { commands: { command: string }[] } };
  const known = new Set(await vscode.commands.getCommands(true));
  assert.deepEqual(manifest.contributes.commands.map(({ command }) => command).filter((command) => !known.has(command)), []);
});

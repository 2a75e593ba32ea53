// Generate Solutions, as the extension host sees it.
import assert from "node:assert/strict";
import * as vscode from "vscode";
import { edit, octet, sleep, test, until } from "./harness";

/** Solutions of an editor of so many lines; whether the language was asked for the file's symbols meanwhile. */
async function asksForSymbols(lines: number): Promise<boolean> {
  let asked = false;
  const provider = vscode.languages.registerDocumentSymbolProvider("ini", {
    provideDocumentSymbols: () => {
      asked ||= running;
      return [];
    },
  });
  const { session } = await octet();
  let running = false;
  let ended = false;
  const listening = session.onRequest((news) => {
    if (news.type === "ended" || news.type === "failed") ended = true;
  });
  try {
    await edit(`${"; a line\n".repeat(lines - 1)}key = ‸`, "ini");
    await sleep(1_000); // VS Code's own outline asks once
    running = true;
    await vscode.commands.executeCommand("octet.generateSolutions", 1);
    await until("the solutions are there", () => ended);
    return asked;
  } finally {
    listening.dispose();
    provider.dispose();
    await vscode.commands.executeCommand("workbench.action.closeActiveEditor"); // the solutions
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  }
}

test("a solution's symbol is asked for, but not of a file so long that this keeps the window busy", async () => {
  assert.equal(await asksForSymbols(20), true);
  assert.equal(await asksForSymbols(30_000), false);
});

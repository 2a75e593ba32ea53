// The import rules: what each folder may and may not import.
import { describe, expect, it } from "vitest";
import { violation } from "../../../scripts/lint/layers.mjs";

const allowed: [string, string][] = [
  ["protocol/worker.ts", "./messages"],
  ["native/worker/main.ts", "../../protocol/worker"],
  ["native/worker/main.ts", "../addon/octet"],
  ["native/worker/main.ts", "vscode-jsonrpc/node"],
  ["native/worker/main.ts", "node:fs"],
  ["native/addon/octet.d.ts", "../../protocol/worker"],
  ["extension/worker/client.ts", "../../protocol/worker"],
  ["extension/cli/main.ts", "../worker/client"],
  ["extension/cli/main.ts", "commander"],
  ["extension/extension.ts", "vscode"],
  ["extension/extension.ts", "./worker/client"],
  ["extension/solutions/panel.ts", "../config"],
  ["extension/solutions/panel.ts", "vscode"],
  ["extension/completion/inlineProvider.ts", "vscode"],
  ["test/unit/prompt.test.ts", "../../extension/completion/prompt"],
  ["test/host/run.ts", "vscode"],
];

const refused: [string, string][] = [
  ["protocol/worker.ts", "node:fs"],
  ["protocol/worker.ts", "vscode-jsonrpc"],
  ["protocol/worker.ts", "../extension/config"],
  ["native/worker/main.ts", "../../extension/worker/client"],
  ["native/worker/main.ts", "commander"],
  ["native/worker/main.ts", "vscode"],
  ["native/addon/octet.d.ts", "../worker/main"],
  ["extension/worker/client.ts", "vscode"],
  ["extension/worker/client.ts", "../config"],
  ["extension/worker/client.ts", "../../native/worker/main"],
  ["extension/models/catalogue.ts", "vscode"],
  ["extension/completion/prompt.ts", "vscode"],
  ["extension/cli/main.ts", "vscode"],
  ["extension/cli/main.ts", "../config"],
  ["extension/cli/main.ts", "../extension"],
  ["extension/solutions/panel.ts", "../extension.js"],
  ["extension/solutions/run.ts", "vscode"],
  ["extension/latency/recorder.ts", "vscode"],
  ["extension/latency/benchmark.ts", "vscode"],
  ["extension/views/channel.ts", "vscode"],
  ["extension/extension.ts", "../webview/solutions"],
  ["extension/extension.ts", "./cli/main"],
  ["webview/solutions.ts", "vscode"],
  ["webview/solutions.ts", "../extension/config"],
  ["test/unit/prompt.test.ts", "vscode"],
];

describe("import rules", () => {
  it.each(allowed)("%s may import %s", (file, specifier) => {
    expect(violation(file, specifier)).toBeUndefined();
  });

  it.each(refused)("%s may not import %s", (file, specifier) => {
    expect(violation(file, specifier)).toMatch(/\S/);
  });
});

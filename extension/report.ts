// A report for the user and for bug reports: versions, machine, settings, models, what runs, and who else completes.
import * as vscode from "vscode";
import { readConfig } from "./config";
import type { Pair } from "./models/pair";
import { toOctetError } from "./worker/errors";
import { hardwareHere } from "./worker/gpus/hardware";
import { whyNoGpu } from "./worker/gpus/why";
import type { Session } from "./worker/session";

/** Extensions whose ghost text competes with Octet's: on automatic triggers the first answer is shown. */
const COMPETITORS = ["GitHub.copilot", "GitHub.copilot-chat", "TabbyML.vscode-tabby", "Continue.continue", "ggml-org.llama-vscode", "Codeium.codeium", "Supermaven.supermaven"];

export async function showReport(session: Session, pair: Pair, version: string): Promise<void> {
  const content = await makeReport(session, pair, version);
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ language: "markdown", content }));
}

export async function makeReport({ supervisor }: Session, pair: Pair, version: string): Promise<string> {
  const worker = attempt(async () => {
    const hello = await supervisor.hello();
    const { versions, devices, machine, defaultThreads } = hello;
    const why = whyNoGpu({
      hello, device: supervisor.state.loaded?.device ?? null, driverCrash: supervisor.driverCrash, setting: "octet.device", hardware: hardwareHere(), platform: process.platform, arch: process.arch,
    });
    return {
      versions,
      machine: `${machine.physicalCores} cores (${machine.logicalCores} logical), ${gigabytes(machine.freeMemoryBytes)} free of ${gigabytes(machine.memoryBytes)}, threads by default: ${defaultThreads}`,
      devices: devices.map(({ name, description, kind, freeMemoryBytes }) => `${name}: ${description}, ${kind}, ${gigabytes(freeMemoryBytes)} free`),
      ...(why ? { gpu: [why.text, why.advice].filter(Boolean).join(". ") } : {}),
    };
  });
  const models = attempt(async () => {
    const { model, runnable, reasons, draft } = await supervisor.inspect({ path: pair.target, ...(pair.draft === null ? {} : { draft: pair.draft }) });
    return { target: { path: pair.target, name: model.name, quantization: model.quantization, fim: model.fim, runnable, reasons }, draft: draft ?? "none" };
  });
  const sections: [string, unknown][] = [
    ["Octet", { version, vscode: vscode.version, platform: `${process.platform} ${process.arch}`, trusted: vscode.workspace.isTrusted }],
    ["Worker", await worker],
    ["Models", await models],
    ["State", { ...supervisor.state, status: await attempt(async () => ({ ...(await supervisor.status()), loaded: undefined })) }],
    ["Settings", readConfig()],
    ["Editor", editorFacts()],
  ];
  return `# Octet report\n${sections.map(([title, value]) => `\n## ${title}\n\n\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\`\n`).join("")}`;
}

function editorFacts() {
  return {
    "editor.inlineSuggest.enabled": vscode.workspace.getConfiguration("editor").get("inlineSuggest.enabled"),
    "other completers": COMPETITORS.filter((id) => vscode.extensions.getExtension(id)),
  };
}

async function attempt<T>(work: () => Promise<T>): Promise<T | string> {
  try {
    return await work();
  } catch (thrown) {
    const { message, advice } = toOctetError(thrown);
    return [message, advice].filter(Boolean).join(". ");
  }
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

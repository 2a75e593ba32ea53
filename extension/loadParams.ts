// What the worker is to load, by the settings.
import * as vscode from "vscode";
import { MAX_LANES, type LoadParams } from "../protocol/worker";
import type { OctetConfig } from "./config";
import { pairOf, type Pair } from "./models/pair";

export function pairFromConfig({ target, draft, draftLength }: OctetConfig, root: string): Pair {
  const folder = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.scheme === "file")?.uri.fsPath ?? root;
  const pair = pairOf({ target, draft }, root, folder);
  return draftLength === "none" ? { ...pair, draft: null } : pair;
}

/** `storage`: the extension's own folder. Lanes enough for Generate Solutions, and for ghost text meanwhile as far as MAX_LANES goes. */
export function loadParams(config: OctetConfig, pair: Pair, storage: vscode.Uri): LoadParams {
  const lanes = Math.max(config.candidates, config.solutions.count);
  return {
    ...pair,
    device: config.device,
    threads: config.threads ?? 0,
    lanes,
    spareLanes: Math.min(config.candidates, MAX_LANES - lanes),
    contextTokens: config.contextTokens,
    kvType: "f16",
    cudaPlans: vscode.Uri.joinPath(storage, "cuda-plans.txt").fsPath,
  };
}

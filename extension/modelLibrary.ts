// The models of this user, for VS Code: the folder of downloads, what other tools have, and downloads with their progress.
import path from "node:path";
import * as vscode from "vscode";
import type { OctetConfig } from "./config";
import { DownloadError } from "./models/downloadError";
import { endpointOf } from "./models/endpoint";
import { findModels, type FoundFile, type LocatedPair } from "./models/found";
import { currentUser } from "./models/home";
import { installPair, progressLine } from "./models/install";
import { absolutePath } from "./models/pair";

export class ModelLibrary implements vscode.Disposable {
  private readonly running = new Set<AbortController>();

  constructor(private readonly config: () => OctetConfig, private readonly storage: vscode.Uri) {}

  /** Where downloads go: the setting, or the extension's own storage. */
  get folder(): string {
    const { modelsFolder } = this.config();
    const own = path.join(this.storage.fsPath, "models");
    return modelsFolder === undefined ? own : absolutePath(modelsFolder, own);
  }

  /** Throws DownloadError where HF_ENDPOINT is no address. */
  get endpoint(): string {
    return endpointOf(process.env);
  }

  found(): Promise<FoundFile[]> {
    return findModels(currentUser(), this.folder);
  }

  /** Shows the progress, and can be cancelled there; undefined: it was. Rejects with DownloadError. */
  async install(located: LocatedPair): Promise<{ target: string; draft: string } | undefined> {
    const options = { location: vscode.ProgressLocation.Notification, title: `Octet: ${located.pair.title}`, cancellable: true };
    return vscode.window.withProgress(options, async (progress, token) => {
      const abort = new AbortController();
      token.onCancellationRequested(() => abort.abort());
      this.running.add(abort);
      let shown = 0;
      try {
        return await installPair(located, {
          folder: this.folder,
          endpoint: this.endpoint,
          // Looked up for each call: VS Code replaces it by one that honours its proxy settings and certificates.
          fetch: (url, init) => globalThis.fetch(url, init),
          signal: abort.signal,
          onProgress: (now) => {
            const percent = now.phase === "checking" ? shown : (now.bytes / now.total) * 100;
            progress.report({ message: progressLine(now), increment: Math.max(0, percent - shown) });
            shown = Math.max(shown, percent);
          },
        });
      } catch (error) {
        if (error instanceof DownloadError && error.code === "cancelled") return undefined;
        throw error;
      } finally {
        this.running.delete(abort);
      }
    });
  }

  /** Ends downloads; what has come is kept. */
  dispose(): void {
    for (const abort of this.running) abort.abort();
  }
}

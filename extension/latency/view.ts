// The Latency view in the panel area: the recorder's state while it can be seen.
import type * as vscode from "vscode";
import type { FromLatencyView, LatencyChange, LatencyState } from "../../protocol/latencyView";
import { ViewChannel } from "../views/channel";
import { openPage, webviewOptions } from "../views/webview";
import type { LatencyRecorder } from "./recorder";

export interface LatencyViewEvents {
  received: (message: FromLatencyView) => Promise<void>;
  visible: (visible: boolean) => void;
}

export class LatencyView implements vscode.WebviewViewProvider, vscode.Disposable {
  private channel: ViewChannel<LatencyState, LatencyChange> | null = null;

  constructor(private readonly extension: vscode.Uri, private readonly recorder: LatencyRecorder, private readonly events: LatencyViewEvents) {}

  resolveWebviewView(view: vscode.WebviewView): void {
    const { webview } = view;
    const channel = new ViewChannel({ source: this.recorder, post: (message) => void webview.postMessage(message) });
    this.channel?.dispose();
    this.channel = channel;
    webview.options = webviewOptions(this.extension);
    webview.onDidReceiveMessage((message: FromLatencyView) => {
      if (message.type === "ready") channel.ready();
      void this.events.received(message);
    });
    view.onDidChangeVisibility(() => {
      if (!view.visible) channel.hidden();
      this.events.visible(view.visible);
    });
    view.onDidDispose(() => {
      channel.dispose();
      if (this.channel !== channel) return;
      this.channel = null;
      this.events.visible(false);
    });
    openPage(webview, this.extension, "latency", "Octet: Latency");
    this.events.visible(view.visible);
  }

  changed(): void {
    if (this.channel) this.channel.changed();
    else this.recorder.drop();
  }

  dispose(): void {
    this.channel?.dispose();
    this.channel = null;
  }
}

// The Latency panel, wired: what the session tells, the benchmark, and the view.
import * as vscode from "vscode";
import type { FromLatencyView } from "../../protocol/latencyView";
import type { LoadResult } from "../../protocol/worker";
import { errorReport } from "../views/errorReport";
import { errorAction } from "../views/webview";
import type { Disposable } from "../worker/async";
import { toOctetError } from "../worker/errors";
import type { Session } from "../worker/session";
import { Benchmark, pairKey, ratioOf } from "./benchmark";
import { LatencyRecorder } from "./recorder";
import { LatencyView } from "./view";
import { loadFraction, workerReport } from "./workerReport";

export const LATENCY_VIEW = "octet.latency";
const RATIOS_KEY = "octet.ratiosToPlain";
const MEMORY_EVERY_MS = 3_000;

export interface LatencyOptions {
  session: Session;
  extension: vscode.Uri;
  /** Where measured ratios are kept between windows. */
  memory: vscode.Memento;
}

export class Latency implements vscode.Disposable {
  private readonly recorder: LatencyRecorder;
  private readonly benchmark: Benchmark;
  private readonly view: LatencyView;
  private readonly disposables: Disposable[];
  private poll: NodeJS.Timeout | undefined;

  constructor(private readonly options: LatencyOptions) {
    const { session, extension } = options;
    const { supervisor } = session;
    this.recorder = new LatencyRecorder(() => this.view?.changed());
    this.benchmark = new Benchmark({ session, onState: (state) => this.recorder.setBenchmark(state) });
    this.view = new LatencyView(extension, this.recorder, {
      received: (message) => this.receive(message),
      visible: (visible) => this.watchMemory(visible),
    });
    this.recorder.setWorker(workerReport(supervisor.state));
    this.disposables = [
      supervisor.onState((state) => this.recorder.setWorker(workerReport(state))),
      session.onLoadProgress((progress) => this.recorder.setWorker({ loadFraction: loadFraction(progress) })),
      session.onRequest((news) => {
        this.recorder.request(news);
        if (news.type !== "failed" || news.error.code === "cancelled") return;
        if (!supervisor.state.loaded) this.recorder.setWorker({ error: errorReport(news.error) });
      }),
      vscode.window.registerWebviewViewProvider(LATENCY_VIEW, this.view),
      vscode.commands.registerCommand("octet.showLatency", () => vscode.commands.executeCommand(`${LATENCY_VIEW}.focus`)),
      vscode.commands.registerCommand("octet.runBenchmark", async () => {
        await vscode.commands.executeCommand(`${LATENCY_VIEW}.focus`);
        await this.runBenchmark();
      }),
    ];
  }

  /** Speed of speculation over plain decoding's, as the last benchmark of this pair on this device found it. */
  ratioToPlain = (loaded: LoadResult): number | null => this.ratios()[pairKey(loaded)] ?? null;

  dispose(): void {
    this.benchmark.cancel();
    clearInterval(this.poll);
    for (const disposable of this.disposables) disposable.dispose();
    this.view.dispose();
  }

  private async receive(message: FromLatencyView): Promise<void> {
    switch (message.type) {
      case "ready":
        return;
      case "showRequest":
        return this.recorder.show(message.id);
      case "runBenchmark":
        return this.runBenchmark();
      case "cancelBenchmark":
        return this.benchmark.cancel();
      case "clearHistory":
        return this.recorder.clear();
      case "generate":
        return void vscode.commands.executeCommand("octet.generateSolutions");
      case "errorAction":
        return message.action === "retry" ? this.retry() : errorAction(message.action);
    }
  }

  private async runBenchmark(): Promise<void> {
    const done = await this.benchmark.run();
    const ratio = done && ratioOf(done);
    if (done && ratio !== null) await this.options.memory.update(RATIOS_KEY, { ...this.ratios(), [pairKey(done.loaded)]: ratio });
  }

  /** The benchmark where it failed, or else the models. */
  private async retry(): Promise<void> {
    const { session } = this.options;
    if (session.supervisor.state.state === "failed") session.supervisor.reset();
    if (this.recorder.benchmarkState.kind === "failed") return this.runBenchmark();
    this.recorder.setWorker({ error: null });
    try {
      await session.ready();
    } catch (thrown) {
      this.recorder.setWorker({ error: errorReport(toOctetError(thrown)) });
    }
  }

  private watchMemory(visible: boolean): void {
    clearInterval(this.poll);
    if (!visible) return;
    const ask = async (): Promise<void> => {
      const status = await this.options.session.supervisor.status().catch(() => null);
      this.recorder.setWorker({ residentBytes: status?.residentBytes ?? null });
    };
    this.poll = setInterval(() => void ask(), MEMORY_EVERY_MS);
    void ask();
  }

  private ratios(): Record<string, number> {
    return this.options.memory.get<Record<string, number>>(RATIOS_KEY, {});
  }
}

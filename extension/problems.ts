// Errors on their way to the user: a notification only where something is to be done, once; the rest goes to the log.
import * as vscode from "vscode";
import type { OctetConfig } from "./config";
import { remediesOf, sentence, type Remedy } from "./problemModel";
import { openSettings } from "./views/webview";
import { toOctetError, type OctetError } from "./worker/errors";
import type { WorkerSupervisor } from "./worker/supervisor";

const titles: Record<Remedy, string> = {
  chooseModel: "Choose Model…",
  useStarterModel: "Use Starter Model",
  openSettings: "Open Settings",
  restartWorker: "Restart Worker",
  showLog: "Show Log",
};

export interface Notification {
  message: string;
  remedies: Remedy[];
}

type Button = vscode.MessageItem & { remedy: Remedy };
type Tell = (message: string, ...buttons: Button[]) => Thenable<Button | undefined>;

export class Problems implements vscode.Disposable {
  readonly onChange: vscode.Event<void>;
  /** Notifications shown since activation. */
  readonly shown: Notification[] = [];
  /** What stands between the user and completions now. */
  current: OctetError | null = null;

  private readonly emitter = new vscode.EventEmitter<void>();
  private readonly told = new Set<string>();

  constructor(
    private readonly supervisor: WorkerSupervisor,
    private readonly config: () => OctetConfig,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.onChange = this.emitter.event;
  }

  /** `asked`: the user waits for an answer, so say what happened even where there is nothing to do, or it was told before. */
  report(thrown: unknown, asked = false): void {
    const error = toOctetError(thrown);
    if (error.code === "cancelled") return;
    this.log.error(sentence(error));
    const remedies = remediesOf(error, this.supervisor.state.state, this.config().target === undefined);
    if (remedies) {
      this.current = error;
      this.emitter.fire();
      if (asked || !this.told.has(error.message)) this.show(error, remedies);
    } else if (asked) vscode.window.setStatusBarMessage(sentence(error), 6_000);
  }

  /** Something is amiss, is in the log, and Octet goes on all the same. */
  advise(error: OctetError, remedies: Remedy[]): void {
    this.show(error, remedies, vscode.window.showWarningMessage);
  }

  /** What failed is tried anew, or was put right. `tellAgain`: should it fail again, the user wants to know. */
  clear({ tellAgain = false } = {}): void {
    if (tellAgain) this.told.clear();
    if (!this.current) return;
    this.current = null;
    this.emitter.fire();
  }

  dispose(): void {
    this.emitter.dispose();
  }

  private show(error: OctetError, remedies: Remedy[], tell: Tell = vscode.window.showErrorMessage): void {
    this.told.add(error.message);
    const message = sentence(error);
    this.shown.push({ message, remedies });
    const buttons = remedies.map((remedy) => ({ title: titles[remedy], remedy }));
    void tell(message, ...buttons).then((chosen) => {
      if (chosen?.remedy === "openSettings") void openSettings("octet.device");
      else if (chosen) void vscode.commands.executeCommand(`octet.${chosen.remedy}`);
    });
  }
}

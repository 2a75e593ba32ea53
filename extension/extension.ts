// Activation: makes the parts and wires them to each other, nothing else.
import * as vscode from "vscode";
import type { OctetApi } from "./api";
import { InlineProvider } from "./completion/inlineProvider";
import { PromptSpeed } from "./completion/promptSpeed";
import { registerCommands } from "./commands";
import { onConfigChange, readConfig } from "./config";
import { Latency } from "./latency/latency";
import { later } from "./later";
import { loadParams, pairFromConfig } from "./loadParams";
import { logWorker } from "./log";
import { ModelLibrary } from "./modelLibrary";
import { Problems } from "./problems";
import { Snooze } from "./snooze";
import { Solutions } from "./solutions/solutions";
import { StatusBar } from "./statusBar";
import { windowWorker } from "./windowWorker";
import { wantsGpus } from "./worker/gpus/wanted";
import { Session } from "./worker/session";
import { WorkerSupervisor } from "./worker/supervisor";

/** Settings are often changed several at a time. */
const FOLLOW_MS = 300;

let session: Session | undefined;

export function activate(context: vscode.ExtensionContext): OctetApi {
  const version = String((context.extension.packageJSON as { version?: unknown }).version);
  const log = vscode.window.createOutputChannel("Octet", { log: true });
  log.info(`Octet ${version}`);
  const root = context.extensionPath;
  let config = readConfig();
  const current = () => config;
  const pair = () => pairFromConfig(config, root);

  const supervisor = new WorkerSupervisor({
    start: windowWorker(context, current, log),
    wantsGpus: () => wantsGpus(config.device),
    idleUnloadMs: () => config.idleUnloadMinutes * 60_000,
  });
  const parts = session = new Session(supervisor, () => loadParams(config, pair(), context.globalStorageUri));
  const snooze = new Snooze();
  const problems = new Problems(supervisor, current, log);
  const speed = new PromptSpeed();
  const inline = new InlineProvider({
    session: parts, config: current, speed, log, snoozed: () => snooze.active, onError: (error, kind) => problems.report(error, kind === "explicit"),
  });
  const follow = later(() => void parts.refresh().catch((error: unknown) => problems.report(error)), FOLLOW_MS);
  const statusBar = new StatusBar(parts, current, snooze, problems);
  const latency = new Latency({ session: parts, extension: context.extensionUri, memory: context.globalState });
  const library = new ModelLibrary(current, context.globalStorageUri);
  const solutions = new Solutions({
    session: parts, extension: context.extensionUri, config: readConfig, speed, ratioToPlain: latency.ratioToPlain,
    places: () => (config.multiFileContext ? inline.recent : null),
  });

  context.subscriptions.push(
    log,
    logWorker(supervisor, log),
    parts.onRequest((news) => speed.request(news)),
    snooze, problems, inline, statusBar, latency, solutions, library, follow,
    registerCommands({ session: parts, inline, snooze, problems, config: current, pair, library, log, version }),
    supervisor.onDriverCrash((error) => problems.advise(error, ["restartWorker", "openSettings", "showLog"])),
    supervisor.onState(({ loaded }) => { if (loaded) problems.clear(); }),
    onConfigChange((changed) => {
      if (changed.shareModels !== config.shareModels) void supervisor.leave();
      config = changed;
      inline.reset();
      problems.clear({ tellAgain: true });
      statusBar.refresh();
      follow();
    }),
  );
  return { session: parts, inline, snooze, problems, statusBar, speed };
}

export async function deactivate(): Promise<void> {
  await session?.dispose();
}

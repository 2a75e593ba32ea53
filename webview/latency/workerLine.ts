// The line at the top: what the worker is doing, with which models, on which device, in how much memory.

import type { WorkerReport } from "../../protocol/latencyView";
import { el, setHidden, setText } from "../shared/dom";
import { bytes, integer, percent } from "../shared/format";

const STATES: Record<WorkerReport["state"], string> = {
  stopped: "Worker not running: it starts with the first completion.",
  starting: "Starting the worker…",
  loading: "Loading the models",
  ready: "",
  failed: "The worker is not running.",
};

const UNLOADED = "No models in memory: the next completion loads them.";

/** What is loaded, in parts. Pure. */
function loaded(worker: WorkerReport): string[] {
  const parts: string[] = [];
  if (worker.target !== null) parts.push(worker.target, worker.draft === null ? "no draft model" : `draft ${worker.draft}`);
  if (worker.device !== null) parts.push(worker.device);
  if (worker.threads !== null && worker.device?.toLowerCase().includes("cpu")) parts.push(`${worker.threads} threads`);
  if (worker.lanes !== null) parts.push(`${worker.lanes} lanes`);
  if (worker.contextTokens !== null) parts.push(`${integer(worker.contextTokens)} tokens of context`);
  return parts;
}

export class WorkerLine {
  readonly element = el("div", "worker");
  private readonly dot = el("i", "dot");
  private readonly text = el("span", "loaded");
  private readonly memory = el("span", "memory");
  private readonly load = el("span", "utilisation");
  private drawn: WorkerReport | null = null;

  constructor() {
    this.element.append(this.dot, this.text, this.memory, this.load);
    this.memory.title = "Memory of the worker's process · of the models on their device";
    this.load.title = "Useful floating-point operations over the device's peak";
  }

  draw(worker: WorkerReport): void {
    if (worker === this.drawn) return;
    this.drawn = worker;
    this.dot.dataset.state = worker.state;
    const unloaded = worker.state === "ready" && worker.target === null;
    const state = unloaded ? UNLOADED : worker.state === "loading" && worker.loadFraction !== null ? `${STATES.loading} ${percent(worker.loadFraction)}` : STATES[worker.state];
    setText(this.text, [state, ...loaded(worker)].filter((part) => part !== "").join(" · "));
    const { residentBytes, deviceBytes, deviceTotalBytes, utilisation } = worker;
    const device = deviceBytes === null ? "" : deviceTotalBytes === null ? ` · ${bytes(deviceBytes)} on the device` : ` · ${bytes(deviceBytes)} of ${bytes(deviceTotalBytes)}`;
    setHidden(this.memory, residentBytes === null && deviceBytes === null);
    setText(this.memory, (residentBytes === null ? "" : `${bytes(residentBytes)} resident`) + (residentBytes === null ? device.slice(3) : device));
    setHidden(this.load, utilisation === null);
    setText(this.load, `${percent(utilisation)} of peak`);
  }
}

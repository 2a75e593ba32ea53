// How a generation is shown while it runs: a live picture, sparse lines, or not at all.
import type { Writable } from "node:stream";
import type { GenerateProgressParams, LoadProgressParams, LoadResult } from "../../protocol/worker";
import { deviceWords } from "../worker/deviceWords";
import { formatCount, formatPercent, plural } from "./format";
import { LiveState } from "./liveState";
import { oneLine } from "./sanitize";
import { sparseLines } from "./sparseLines";

export interface ProgressView {
  onLoad(progress: LoadProgressParams): void;
  onLoaded(loaded: LoadResult, lanes: number): void;
  onProgress(progress: GenerateProgressParams): void;
  /** Leaves the output as it was found. Safe to call twice. */
  close(): void;
}

const LINE_EVERY_MS = 3000;

/** A line now and then, the first after some seconds: short work says nothing. */
export class ProgressLines implements ProgressView {
  private readonly state: LiveState;
  private readonly line: (text: () => string) => void;

  constructor(stream: Writable, wanted: LiveState["wanted"], now?: () => number) {
    this.state = new LiveState(wanted);
    this.line = sparseLines(stream, { everyMs: LINE_EVERY_MS, firstMs: LINE_EVERY_MS, now });
  }

  onLoad(progress: LoadProgressParams): void {
    this.state.onLoad(progress);
    this.line(() => `loading, ${progress.phase} ${formatPercent(progress.fraction)}`);
  }

  onLoaded(loaded: LoadResult, lanes: number): void {
    this.state.onLoaded(loaded, lanes);
    this.line(() => `loaded ${oneLine(loaded.target.name)} on ${oneLine(deviceWords(loaded, loaded.device.name))}`);
  }

  onProgress(progress: GenerateProgressParams): void {
    this.state.onProgress(progress);
    this.line(() => {
      const writing = this.state.lanes.filter((lane) => lane.finishReason === undefined).length;
      return `${formatCount(this.state.tokens)} tokens, ${plural(writing, "lane")} writing`;
    });
  }

  close(): void {
    // Nothing to put back.
  }
}

export const silentProgress: ProgressView = {
  onLoad: () => undefined,
  onLoaded: () => undefined,
  onProgress: () => undefined,
  close: () => undefined,
};

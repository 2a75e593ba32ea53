// What the Solutions view shows, and its messages (webview.ts says how they are told).

import type { Delta, ErrorActionMessage, ErrorReport, ReadyMessage, Snapshot } from "./webview";
import type { FinishReason, TextSpan } from "./worker";

/** Points of a lane's sparkline; a snapshot holds at most this many latencies a lane. */
export const SPARKLINE_POINTS = 64;

/** Everything the Solutions view shows. */
export interface SolutionsState {
  origin: SolutionsOrigin;
  phase: RunPhase;
  totals: SolutionsTotals;
  /** In the order they were started. */
  lanes: SolutionsLane[];
  /** Sentences for the user, e.g. that `maxTokens` was cut to the context. */
  notices: string[];
}

/** What the solutions continue. */
export interface SolutionsOrigin {
  uri: string;
  /** Name of the file, for the header. */
  file: string;
  /** Enclosing or selected symbol; null where none is known. */
  symbol: string | null;
  /** Line of the insertion point, from 1. */
  line: number;
  /** VS Code's language id; decides the colouring. */
  languageId: string;
  tabSize: number;
  /**
   * The document just before the insertion point: some whole lines (a few dozen are plenty), then the line itself up to
   * the point. Colouring starts from it; only its last line is shown, dimmed.
   */
  leadIn: string;
}

/** Where the run is. `fraction` is 0 to 1, null where unknown. */
export type RunPhase =
  | { kind: "loading"; /** E.g. "Loading the target model". */ label: string; fraction: number | null }
  | { kind: "queued" }
  | { kind: "prefill"; done: number; total: number; reused: number }
  | { kind: "writing" }
  | { kind: "done" }
  /** Lanes that had not ended are "failed" and keep what they wrote. */
  | { kind: "failed"; error: ErrorReport };

/** The row of totals; null where there is nothing to say yet. */
export interface SolutionsTotals {
  /** Decoding time over tokens of a lane, mean over the lanes. */
  msPerToken: number | null;
  /** All lanes together. */
  tokensPerSecond: number | null;
  /** accepted / drafted, 0 to 1. */
  acceptanceRate: number | null;
  /** Mean tokens that a live lane gained in a step. */
  tokensPerStep: number | null;
  /** Of the last step, 0 where it had no draft; once the run is done, the mean over its steps. */
  draftLength: number | null;
  /** Speed over plain decoding's, measured on this machine with this pair; null where it was not measured. */
  ratioToPlain: number | null;
  tokens: number;
  /** Since the run began. The view lets it run on between messages, until the phase is "done" or "failed". */
  elapsedMs: number;
  /** null: no limit. */
  budgetMs: number | null;
}

/** "failed": the run failed before this lane ended. The rest is the worker's finish reason. */
export type SolutionsLaneState = "waiting" | "writing" | FinishReason | "failed";

/** One solution. */
export interface SolutionsLane {
  /** Unique in the panel's life, whatever lane of whatever request writes it. */
  id: number;
  state: SolutionsLaneState;
  /** 1 is the best; null until the lane has ended, and for one that wrote nothing to see. Lanes of the same text share a rank. */
  rank: number | null;
  /** The best lane of the same text; null for that lane itself, for a text of its own, and until the lane has ended. */
  duplicateOf: number | null;
  text: TextSpan[];
  tokens: number;
  meanLogprob: number | null;
  /** Decoding time over tokens. */
  msPerToken: number | null;
  drafted: number;
  accepted: number;
  /** Per step, oldest first: the step's time over the tokens this lane gained in it. */
  latencies: number[];
  /** Whether it has ended going round in circles: the same thing over and over. */
  repetitive: boolean;
}

/** One lane's news: `text` and `latencies` are to be appended, the rest replaces. */
export type SolutionsLaneChange = Pick<SolutionsLane, "id"> & Partial<Omit<SolutionsLane, "id">>;

/** What changed in the Solutions view's state. */
export interface SolutionsChange {
  phase?: RunPhase;
  totals?: Partial<SolutionsTotals>;
  /** Lanes that are new; applied before `lanes`. */
  added?: SolutionsLane[];
  lanes?: SolutionsLaneChange[];
  /** To be appended. */
  notices?: string[];
}

/** A short answer to something the user did ("Inserted", "The file changed; nothing was inserted"). Not numbered, not kept. */
export interface NoteMessage {
  type: "note";
  /** The lane it is about; null: the whole panel. */
  lane: number | null;
  text: string;
  kind: "info" | "error";
}

/** From the host to the Solutions view. */
export type ToSolutionsView = Snapshot<SolutionsState> | Delta<SolutionsChange> | NoteMessage;

/** Insert a lane's text at the (re-anchored) insertion point, open it as a diff against the file, or copy it. */
export interface UseLaneMessage {
  type: "insert" | "diff" | "copy";
  lane: number;
}

/** End one lane. */
export interface StopLaneMessage {
  type: "stopLane";
  lane: number;
}

/** End every lane; with "more": write further solutions; with "reveal": show the insertion point in the editor. */
export interface SolutionsCommandMessage {
  type: "stopAll" | "more" | "reveal";
}

/** From the Solutions view to the host. */
export type FromSolutionsView = ReadyMessage | UseLaneMessage | StopLaneMessage | SolutionsCommandMessage | ErrorActionMessage;

/**
 * What the Solutions view keeps with `setState` once it has a snapshot, updated at every end of a run: the panel's
 * serializer gets it back after a reload of the window.
 */
export interface SolutionsViewMemory {
  version: 1;
  state: SolutionsState;
}

// Puts a solution into its file: one undo step, at the place it was asked for as that is in the moment of the edit, or not at all.
// Whatever the editor does meanwhile, it works or says why not.
import type { NoteMessage } from "../../protocol/solutionsView";
import { endOf, type DocumentView, type Position, type Range } from "../completion/document";
import { systemClock, type Clock } from "../worker/async";
import { insertionOf, type InsertionPoint } from "./insertion";

/** The file that solutions go into, as an editor has it. */
export interface SolutionFile {
  /** Reads through: what it gives is of the file as it then is. */
  view(): DocumentView;
  /** Brings the file to the front. Rejects where another editor came in between. */
  show(): Promise<FileEditor>;
}

export interface FileEditor {
  /** One undo step. False or a rejection: not done, as the text changed under way or the editor is gone. A read-only one says true. */
  replace(range: Range, text: string): Promise<boolean>;
  /** Puts the cursor there. */
  reveal(position: Position): void;
}

export interface InsertInput {
  /** null: the file cannot be opened any more. */
  open: () => Promise<SolutionFile | null>;
  point: InsertionPoint;
  /** Whether the point follows the file still, and is the one to insert at. */
  current: () => boolean;
  text: string;
  /** Something to tell while it takes long. */
  onWait?: (note: Note) => void;
  clock?: Clock;
}

export type Note = Pick<NoteMessage, "text" | "kind">;

const PAUSES_MS = [0, 100, 400, 1_600];
const WAIT_MS = 2_000;
/** For the file to be opened, or shown. */
const TIMEOUT_MS = 20_000;

const failed = (text: string): Note => ({ kind: "error", text });

/** Says what came of it. Never rejects. */
export async function insertSolution(input: InsertInput): Promise<Note> {
  const { clock = systemClock, onWait } = input;
  const waiting = clock.setTimeout(() => onWait?.({ kind: "info", text: "Waiting for VS Code to show the file…" }), WAIT_MS);
  try {
    let reason = "";
    for (const ms of PAUSES_MS) {
      if (ms > 0) await new Promise<void>((resolve) => clock.setTimeout(resolve, ms));
      try {
        const note = await attempt(input, clock);
        if (note) return note;
      } catch (thrown) {
        if (thrown instanceof TooSlow) return failed(thrown.message);
        reason = ` (${thrown instanceof Error ? thrown.message : String(thrown)})`;
      }
    }
    return failed(`VS Code did not make the edit${reason}. Nothing was inserted: try again.`);
  } finally {
    waiting.dispose();
  }
}

/** null: not this time. */
async function attempt({ open, point, current, text }: InsertInput, clock: Clock): Promise<Note | null> {
  const file = await inTime(open(), clock);
  if (!file) return failed("The file cannot be opened any more: nothing was inserted.");
  const asked = point.target(file.view());
  if ("refusal" in asked) return failed(asked.refusal);
  const editor = await inTime(file.show(), clock);
  // Nothing is awaited from here to the edit: its place is of the file as it is.
  if (!current()) return failed("The panel was closed, or other solutions were asked for, meanwhile: nothing was inserted.");
  const view = file.view();
  const target = point.target(view);
  if ("refusal" in target) return failed(target.refusal);
  const insertion = insertionOf(text, point.lead, view, target);
  point.expect(insertion);
  let accepted = false;
  let failure: Error | null = null;
  try {
    accepted = await editor.replace(insertion.range, insertion.text);
  } catch (thrown) {
    failure = thrown instanceof Error ? thrown : new Error(String(thrown));
  }
  const done = point.settle(accepted && file.view().version !== view.version);
  if (!done && failure) throw failure;
  if (!done) return accepted ? failed("The editor refused the edit; it may be read-only. Nothing was inserted.") : null;
  if (!failure) editor.reveal(endOf(insertion.range.start, insertion.text)); // else the editor is gone
  return { kind: "info", text: target.replaces === null ? "Inserted." : "Inserted in place of the one before." };
}

class TooSlow extends Error {}

async function inTime<T>(promise: Promise<T>, clock: Clock): Promise<T> {
  let timer: ReturnType<Clock["setTimeout"]> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = clock.setTimeout(() => reject(new TooSlow(`VS Code has not shown the file within ${TIMEOUT_MS / 1_000} s: nothing was inserted. Try again.`)), TIMEOUT_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer?.dispose();
  }
}

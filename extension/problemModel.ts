// Which errors the user must act on, and what is offered for each.
import type { ErrorCode } from "../protocol/messages";
import type { OctetError } from "./worker/errors";
import type { WorkerState } from "./worker/supervised";

export type Remedy = "chooseModel" | "useStarterModel" | "openSettings" | "restartWorker" | "showLog";

const MODEL_CODES: readonly ErrorCode[] = ["modelNotFound", "modelDamaged", "modelUnsupported", "vocabularyMismatch", "outOfMemory"];

/** What to offer, most helpful first; null: nothing for the user to do. */
export function remediesOf({ code }: Pick<OctetError, "code">, worker: WorkerState, usesStarter: boolean): Remedy[] | null {
  if (MODEL_CODES.includes(code)) return usesStarter ? ["chooseModel", "showLog"] : ["chooseModel", "useStarterModel", "showLog"];
  if (code === "deviceNotFound") return ["openSettings", "showLog"];
  if (worker === "failed") return ["restartWorker", "showLog"];
  return null;
}

/** The error as one message of a notification. */
export const sentence = ({ message, advice }: Pick<OctetError, "message" | "advice">): string =>
  ["Octet: ", message, /[.!?]$/.test(message) ? "" : ".", advice ? ` ${advice}` : ""].join("");

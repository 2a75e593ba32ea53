// An error as a view shows it: what happened, what to do, and which buttons help.
import type { ErrorCode } from "../../protocol/messages";
import type { ErrorAction, ErrorReport } from "../../protocol/webview";
import type { OctetError } from "../worker/errors";

const actions: Record<ErrorCode, ErrorAction[]> = {
  badParams: ["openSettings", "showLog"],
  modelNotFound: ["chooseModel", "openSettings"],
  modelDamaged: ["chooseModel", "retry"],
  modelUnsupported: ["chooseModel", "showLog"],
  vocabularyMismatch: ["chooseModel", "openSettings"],
  outOfMemory: ["openSettings", "chooseModel", "retry"],
  deviceNotFound: ["openSettings", "retry"],
  notLoaded: ["retry", "showLog"],
  emptyPrompt: [],
  promptTooLong: ["openSettings"],
  noFim: ["chooseModel"],
  busy: ["retry"],
  cancelled: ["retry"],
  workerDied: ["retry", "showLog"],
  internal: ["retry", "showLog"],
};

export const errorReport = ({ code, message, advice }: Pick<OctetError, "code" | "message" | "advice">): ErrorReport => ({
  code,
  message: `${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.!?…]$/.test(message) ? "" : "."}`,
  advice: advice ?? null,
  actions: [...actions[code]],
});

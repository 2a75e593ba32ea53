// Failures as the protocol names them: made by the worker's own checks, or thrown by the addon with a code.

import { ErrorCodes, ResponseError } from "vscode-jsonrpc/node";
import type { ErrorCode, ErrorData } from "../../protocol/messages";

/** A failure with a code for programs, one line for people, and perhaps what to do about it. */
export class WorkerError extends Error {
  constructor(readonly code: ErrorCode, message: string, readonly advice?: string) {
    super(message);
    this.name = "WorkerError";
  }
}

const CODES: ReadonlySet<string> = new Set<ErrorCode>([
  "badParams", "modelNotFound", "modelDamaged", "modelUnsupported", "vocabularyMismatch", "outOfMemory", "deviceNotFound",
  "notLoaded", "emptyPrompt", "promptTooLong", "noFim", "busy", "cancelled", "internal",
]);

const RPC_CODES: Partial<Record<ErrorCode, number>> = {
  badParams: ErrorCodes.InvalidParams,
  cancelled: -32800, // RequestCancelled of the language server protocol
  internal: ErrorCodes.InternalError,
};
const SERVER_ERROR = -32000;

/** Anything thrown, as a WorkerError. A code the protocol does not know becomes "internal". */
export function toWorkerError(error: unknown): WorkerError {
  if (error instanceof WorkerError) return error;
  const { code, advice } = (typeof error === "object" && error !== null ? error : {}) as Record<string, unknown>;
  return new WorkerError(
    typeof code === "string" && CODES.has(code) ? (code as ErrorCode) : "internal",
    firstLine(error),
    typeof advice === "string" && advice !== "" ? advice : undefined,
  );
}

/** What the client receives for anything a handler throws. */
export function toResponseError(error: unknown): ResponseError<ErrorData> {
  if (error instanceof ResponseError) return error as ResponseError<ErrorData>;
  const { code, message, advice } = toWorkerError(error);
  return new ResponseError(RPC_CODES[code] ?? SERVER_ERROR, message, advice === undefined ? { code } : { code, advice });
}

export function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0]?.trim() || "unknown error";
}

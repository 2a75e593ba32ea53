// The one error the worker's client rejects with: a code for programs, one line for people, perhaps advice.

import { ResponseError } from "vscode-jsonrpc/node";
import type { ErrorCode, ErrorData } from "../../protocol/messages";

export class OctetError extends Error {
  constructor(readonly code: ErrorCode, message: string, readonly advice?: string) {
    super(message);
    this.name = "OctetError";
  }
}

export function cancelled(what: string): OctetError {
  return new OctetError("cancelled", `${what} was cancelled`);
}

/** What the worker answered, as an OctetError. */
export function toOctetError(error: unknown): OctetError {
  if (error instanceof OctetError) return error;
  if (error instanceof ResponseError) {
    const data = error.data as Partial<ErrorData> | undefined;
    return new OctetError(data?.code ?? "internal", error.message, data?.advice);
  }
  return new OctetError("internal", error instanceof Error ? error.message : String(error));
}

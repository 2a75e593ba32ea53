// Errors of the command line: one line for people, and the exit code that tells scripts what kind it was.
import type { ErrorCode } from "../../protocol/messages";
import { oneLine } from "./sanitize";

export const ExitCode = { done: 0, failure: 1, badInput: 2, cancelled: 130 } as const;

/** Errors of the worker that the user's input caused. */
const badInputCodes: ReadonlySet<string> = new Set<ErrorCode>([
  "badParams", "modelNotFound", "modelDamaged", "modelUnsupported", "vocabularyMismatch", "emptyPrompt", "promptTooLong",
  "noFim", "deviceNotFound",
]);

export class CliError extends Error {
  constructor(readonly exitCode: number, message: string, readonly advice?: string) {
    super(message);
  }
}

export const badInput = (message: string, advice?: string): CliError => new CliError(ExitCode.badInput, message, advice);
export const failure = (message: string, advice?: string): CliError => new CliError(ExitCode.failure, message, advice);

/** The code of an error of the worker, wherever its class comes from. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}

export const isCancelled = (error: unknown): boolean =>
  errorCode(error) === "cancelled" || (error instanceof Error && error.name === "AbortError");

export function exitCodeOf(error: unknown): number {
  if (error instanceof CliError) return error.exitCode;
  if (isCancelled(error)) return ExitCode.cancelled;
  return badInputCodes.has(errorCode(error) ?? "") ? ExitCode.badInput : ExitCode.failure;
}

/** "octet: MESSAGE. ADVICE", always one line, safe for a terminal. */
export function errorLine(error: unknown): string {
  const message = sentence(error instanceof Error ? error.message : String(error));
  const advice = (error as { advice?: unknown } | null)?.advice;
  return `octet: ${message}${typeof advice === "string" && advice !== "" ? ` ${sentence(advice)}` : ""}`;
}

function sentence(text: string): string {
  const line = oneLine(text);
  return /[.!?]$/.test(line) ? line : `${line}.`;
}

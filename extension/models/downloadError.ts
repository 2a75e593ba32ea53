// Why a download did not succeed: a code for programs, one line for people, and what to do.

export type DownloadCode =
  | "cancelled" // by the user; what has come is kept
  | "badAddress" // neither https nor this machine
  | "unreachable" // no connection, after several attempts
  | "notFound" // the server has no such file
  | "refused" // the server wants a login, or refuses
  | "wrongFile" // what the server offers is another file
  | "checksum" // what came is not what was expected
  | "noSpace" // the disk is, or would be, full
  | "folder" // the folder cannot be written
  | "locked"; // another process has this file under way

export class DownloadError extends Error {
  constructor(readonly code: DownloadCode, message: string, readonly advice?: string) {
    super(message);
    this.name = code === "cancelled" ? "AbortError" : "DownloadError";
  }
}

export const downloadCancelled = (): DownloadError =>
  new DownloadError("cancelled", "The download was cancelled", "What has come is kept; the next download goes on from there.");

/** An error of the file system as one the user can act on. */
export function fileError(error: unknown, file: string): DownloadError {
  if (error instanceof DownloadError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") return new DownloadError("noSpace", `The disk of ${file} is full`, "Free some space; the download then goes on from where it stopped.");
  return new DownloadError("folder", `${file} cannot be written: ${message}`, "Choose another folder for models, or make it writable.");
}

// What a typed message is. Shared by every protocol of this folder; imports nothing.

/** A request: `Params` go out, `Result` comes back, or an error of {@link ErrorData}. */
export interface RequestMessage<Params, Result> {
  readonly method: string;
  readonly _types?: [Params, Result];
}

/** A notification: no answer. */
export interface NotificationMessage<Params> {
  readonly method: string;
  readonly _types?: Params;
}

export const request = <Params, Result>(method: string): RequestMessage<Params, Result> => ({ method });
export const notification = <Params>(method: string): NotificationMessage<Params> => ({ method });

/** What went wrong, for programs. The message of the error is one line for people. */
export type ErrorCode =
  | "badParams" // a parameter is out of range or of the wrong type
  | "modelNotFound" // no such file, or it cannot be opened
  | "modelDamaged" // not a GGUF file, or cut short, or its contents make no sense
  | "modelUnsupported" // a sound file that the runtime cannot run
  | "vocabularyMismatch" // draft and target do not share a vocabulary
  | "outOfMemory" // does not fit, even with one lane and the shortest context
  | "deviceNotFound" // the named device is not there
  | "notLoaded" // generate or tokenize before a load
  | "emptyPrompt"
  | "promptTooLong"
  | "noFim" // fill-in-the-middle asked of a model without its tokens
  | "busy" // a load is under way, or this request id is in use
  | "cancelled" // the request was cancelled before it had anything to give
  | "workerDied" // made by the client: the process is gone
  | "internal";

/** `data` of a JSON-RPC error response. */
export interface ErrorData {
  code: ErrorCode;
  /** What the user can do about it, one sentence; absent where the message says it. */
  advice?: string;
}

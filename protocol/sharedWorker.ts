// What a window and the process that keeps workers for all windows say to each other, on the same socket as the messages of
// worker.ts, which that process passes on to a worker. A window attaches first; everything else follows.

import { notification } from "./messages";

/** From a window, first: it wants a worker, a running one if there is one. */
export const Attach = notification<AttachParams>("octet/attach");
export interface AttachParams {
  /** Whether that worker may load GPUs' drivers. */
  gpus: boolean;
}

/** To a window: this worker serves it from now on. Said again where a load found the models in another worker. */
export const Attached = notification<AttachedParams>("octet/attached");
export interface AttachedParams {
  /** Absent where the worker could not be started; {@link Exited} says why. */
  pid?: number;
}

/** To a window, last: the worker that served it is gone. */
export const Exited = notification<ExitedParams>("octet/exited");
export interface ExitedParams {
  code: number | null;
  signal: string | null;
  /** Why it could not be started at all. */
  error?: string;
  /** The end of what it wrote to stderr and stdout. */
  lastWords: string;
  /** Another window ended it. */
  byAnother?: true;
  /** It was killed since its hello did not come, as were so many workers with GPUs' drivers in a row, itself among them: whichever window did so. */
  hung?: number;
}

/** From a window: ends the worker at once, whatever it is doing and whoever else it serves. */
export const Kill = notification<KillParams>("octet/kill");
export interface KillParams {
  /** Its hello did not come in time. */
  hung: boolean;
}

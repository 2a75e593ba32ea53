// Calls that wait for a quiet moment: of several in quick succession only the last is made.
import type { Disposable } from "./worker/async";

export interface Later extends Disposable {
  (): void;
}

export function later(work: () => void, ms: number): Later {
  let timer: NodeJS.Timeout | undefined;
  const call = (): void => {
    clearTimeout(timer);
    timer = setTimeout(work, ms);
  };
  return Object.assign(call, { dispose: () => clearTimeout(timer) });
}

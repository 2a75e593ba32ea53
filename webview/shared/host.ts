// The view's end of `postMessage`, typed.

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

/** What a view can do with its host. */
export interface Host<Out> {
  post(message: Out): void;
  /** Keeps `memory` for the panel's serializer. */
  remember(memory: unknown): void;
}

/** Connects to the extension host; `receive` is called for every message. Call once. */
export function connect<In, Out>(receive: (message: In) => void): Host<Out> {
  const api = acquireVsCodeApi();
  window.addEventListener("message", (event: MessageEvent<In>) => receive(event.data));
  return {
    post: (message) => api.postMessage(message),
    remember: (memory) => api.setState(memory),
  };
}

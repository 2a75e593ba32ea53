// A worker of another process, reached through a socket, as the worker process that it is to this window.

import type { Socket } from "node:net";
import {
  AbstractMessageReader, SocketMessageReader, SocketMessageWriter, type DataCallback, type Disposable, type Message,
} from "vscode-jsonrpc/node";
import type { NotificationMessage } from "../../../protocol/messages";
import { Attach, Attached, Exited, Kill, type AttachedParams, type AttachParams, type ExitedParams } from "../../../protocol/sharedWorker";
import { Deferred } from "../async";
import type { WorkerExit, WorkerProcess } from "../process";

/** What a killed worker's host has to say that it is gone. */
const KILL_MS = 2_000;
const UNANSWERED = "the process that keeps the worker for all windows was told to kill it, and did not say that it is gone";
const LOST = "the process that keeps the worker for all windows is gone, or gave up this window, which read nothing for long";

/** Asks for a worker. Null: the socket closed, or nothing came within `ms`. The socket is this function's from now on. */
export async function attach(socket: Socket, params: AttachParams, ms: number): Promise<WorkerProcess | null> {
  const exited = new Deferred<WorkerExit>();
  const attached = new Deferred<boolean>();
  let pid: number | undefined;
  const reader = new WorkerMessages(new SocketMessageReader(socket), (method, said) => {
    if (method === Attached.method) {
      ({ pid } = said as AttachedParams);
      attached.resolve(true);
    } else if (method === Exited.method) {
      reader.whenHeard(() => exited.resolve(toExit(said as ExitedParams)));
      socket.destroy();
    } else return false;
    return true;
  });
  const writer = new SocketMessageWriter(socket);
  const tell = <Params>({ method }: NotificationMessage<Params>, params: Params): void =>
    void writer.write({ jsonrpc: "2.0", method, params } as Message).catch(() => undefined);
  const lost = (): void => {
    attached.resolve(false);
    reader.whenHeard(() => exited.resolve({ code: null, signal: null, lastWords: LOST }));
  };
  socket.once("close", lost).on("error", () => socket.destroy());
  tell(Attach, params);
  const timer = setTimeout(lost, ms);
  const isAttached = await attached.promise;
  clearTimeout(timer);
  if (!isAttached) {
    socket.destroy();
    return null;
  }
  return {
    get pid() {
      return pid;
    },
    reader,
    writer,
    exited: exited.promise,
    kill: (hung = false) => {
      tell(Kill, { hung });
      setTimeout(() => {
        exited.resolve({ code: null, signal: "SIGKILL", lastWords: UNANSWERED });
        socket.destroy();
      }, KILL_MS).unref();
    },
    leave: () => {
      exited.resolve({ code: 0, signal: null, lastWords: "" });
      socket.end();
      return true;
    },
  };
}

const toExit = ({ signal, error, ...exit }: ExitedParams): WorkerExit =>
  ({ ...exit, signal: signal as NodeJS.Signals | null, ...(error === undefined ? {} : { error: new Error(error) }) });

/** The messages of a socket but for those that `hear` takes; those that come before somebody listens wait. */
class WorkerMessages extends AbstractMessageReader {
  private callback: DataCallback | undefined;
  private readonly waiting: Message[] = [];
  private readonly listening: Disposable;
  /** Handed to the connection, and perhaps still in its queue, of which it takes a message a turn of the event loop. */
  private unheard = 0;
  private readonly whenAllHeard: (() => void)[] = [];

  constructor(reader: SocketMessageReader, hear: (method: string, params: unknown) => boolean) {
    super();
    this.listening = reader.listen((message) => {
      const { method, params } = message as Message & { method?: string; params?: unknown };
      if (method !== undefined && hear(method, params)) return;
      if (this.callback) this.pass(message, this.callback);
      else this.waiting.push(message);
    });
  }

  listen(callback: DataCallback): Disposable {
    this.callback = callback;
    for (const message of this.waiting.splice(0)) this.pass(message, callback);
    return this.listening;
  }

  /** Calls back when every message that came so far has been acted upon: an answer must not lose against the news of an end. */
  whenHeard(act: () => void): void {
    if (this.unheard === 0) act();
    else this.whenAllHeard.push(act);
  }

  private pass(message: Message, callback: DataCallback): void {
    callback(message);
    if (this.unheard++ === 0) setImmediate(() => this.heardOne());
  }

  private heardOne(): void {
    if (--this.unheard > 0) setImmediate(() => this.heardOne());
    else for (const act of this.whenAllHeard.splice(0)) act();
  }
}

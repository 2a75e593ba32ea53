// Serves one window on its socket: the messages of worker.ts, by its seat at a worker.

import type { Socket } from "node:net";
import {
  createMessageConnection, ErrorCodes, ResponseError, SocketMessageReader, type CancellationToken,
} from "vscode-jsonrpc/node";
import type { ErrorData, NotificationMessage, RequestMessage } from "../../../protocol/messages";
import { Attach, Attached, Exited, Kill, type KillParams } from "../../../protocol/sharedWorker";
import {
  CancelLane, Generate, GenerateProgress, Hello, Inspect, Load, LoadProgress, Log, Shutdown, Status, Tokenize, Unload,
} from "../../../protocol/worker";
import { OctetError, toOctetError } from "../errors";
import type { Seat } from "./seat";
import { WindowWriter } from "./windowWriter";
import type { WorkerHost } from "./workerHost";

export function serveWindow(socket: Socket, host: WorkerHost): void {
  const connection = createMessageConnection(new SocketMessageReader(socket), new WindowWriter(socket));
  let seat: Seat | undefined;
  const tell = <Params>({ method }: NotificationMessage<Params>, params: Params): Promise<void> =>
    connection.sendNotification(method, params).catch(() => undefined);

  function answer<Params, Result>({ method }: RequestMessage<Params, Result>, work: (seat: Seat, params: Params, signal: AbortSignal) => Promise<Result>): void {
    connection.onRequest(method, async (...given: [Params, CancellationToken] | [CancellationToken]) => {
      const token = given.at(-1) as CancellationToken;
      const abort = new AbortController();
      const listening = token.onCancellationRequested(() => abort.abort());
      try {
        if (!seat) throw new OctetError("badParams", "attach first");
        const working = work(seat, given[0] as Params, abort.signal);
        if (token.isCancellationRequested) abort.abort(); // before it came here: such a token tells nobody
        return await working;
      } catch (error) {
        return toResponseError(toOctetError(error));
      } finally {
        listening.dispose();
      }
    });
  }

  answer(Hello, (seat) => seat.hello());
  answer(Inspect, (seat, params, signal) => seat.inspect(params, { signal }));
  answer(Load, (seat, params, signal) => seat.load(params, { signal, onProgress: (progress) => void tell(LoadProgress, progress) }));
  answer(Generate, (seat, params, signal) => seat.generate(params, { signal, onProgress: (progress) => void tell(GenerateProgress, progress) }));
  answer(Tokenize, (seat, { text }) => seat.tokenize(text));
  answer(Status, (seat) => seat.status());
  answer(Unload, (seat) => seat.unload());
  answer(Shutdown, async (seat) => (await seat.shutdown(), null));
  connection.onNotification(CancelLane.method, ({ id, lane }: { id: string; lane: number }) => seat?.cancelLane(id, lane));
  connection.onNotification(Kill.method, ({ hung }: KillParams) => seat?.kill(hung));
  connection.onNotification(Attach.method, ({ gpus }: { gpus: boolean }) => {
    seat ??= host.seat(gpus, {
      onAttached: (pid) => void tell(Attached, pid === undefined ? {} : { pid }),
      onLog: (line) => void tell(Log, line),
      onExit: ({ error, ...exit }) =>
        void tell(Exited, { ...exit, ...(error ? { error: error.message } : {}) }).then(() => socket.end()),
    });
  });

  socket.on("error", () => socket.destroy());
  socket.once("close", () => {
    seat?.close();
    connection.dispose();
  });
  connection.listen();
}

const toResponseError = ({ code, message, advice }: OctetError): ResponseError<ErrorData> =>
  new ResponseError(ErrorCodes.InternalError, message, advice === undefined ? { code } : { code, advice });

// A worker process that is still on its way: what is written to it waits, what it says is heard from its first word on. That a
// process is gone is told by `exited` alone: its reader and writer neither close nor fail.

import { AbstractMessageReader, AbstractMessageWriter, type DataCallback, type Disposable, type Message } from "vscode-jsonrpc/node";
import type { WorkerProcess } from "../process";

/** `coming` never rejects: a process that cannot be started says so in its `exited`. */
export function laterProcess(coming: Promise<WorkerProcess>): WorkerProcess {
  let process: WorkerProcess | undefined;
  void coming.then((come) => (process = come));
  return {
    get pid() {
      return process?.pid;
    },
    reader: new LaterReader(coming),
    writer: new LaterWriter(coming),
    exited: coming.then(({ exited }) => exited),
    kill: (hung) => void coming.then((come) => come.kill(hung)),
    leave: async () => (await coming).leave?.() ?? false,
  };
}

class LaterReader extends AbstractMessageReader {
  constructor(private readonly coming: Promise<WorkerProcess>) {
    super();
  }

  listen(callback: DataCallback): Disposable {
    let disposed = false;
    let listening: Disposable | undefined;
    void this.coming.then(({ reader }) => {
      if (!disposed) listening = reader.listen(callback);
    });
    return {
      dispose: () => {
        disposed = true;
        listening?.dispose();
      },
    };
  }
}

class LaterWriter extends AbstractMessageWriter {
  constructor(private readonly coming: Promise<WorkerProcess>) {
    super();
  }

  /** In order: a promise calls back in the order in which it was asked. */
  async write(message: Message): Promise<void> {
    await (await this.coming).writer.write(message).catch(() => undefined);
  }

  end(): void {
    void this.coming.then(({ writer }) => writer.end());
  }
}

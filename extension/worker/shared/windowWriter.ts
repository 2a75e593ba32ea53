// Writes to a window's socket, and bounds what waits there for a window that reads nothing, as one that a debugger has stopped: log lines are
// left out, and in the end the window is given up.

import type { Socket } from "node:net";
import { Message, SocketMessageWriter } from "vscode-jsonrpc/node";
import { Log, type LogParams } from "../../../protocol/worker";

/** While more waits, log lines are left out, until all of it is read. */
export const MOST_FOR_LOG = 1 << 20;
/** Where more waits the socket is closed. */
export const MOST_WAITING = 32 << 20;

export class WindowWriter extends SocketMessageWriter {
  private isLeavingOut = false;
  private leftOut = 0;

  constructor(private readonly window: Socket) {
    super(window);
  }

  override write(message: Message): Promise<void> {
    const waiting = this.window.writableLength;
    if (waiting > MOST_WAITING) this.window.destroy();
    const isLog = Message.isNotification(message) && message.method === Log.method;
    if (isLog && !this.isLeavingOut && waiting > MOST_FOR_LOG) this.leaveOut();
    if (!isLog || !this.isLeavingOut) return this.hand(message);
    this.leftOut++;
    return Promise.resolve();
  }

  private leaveOut(): void {
    this.isLeavingOut = true;
    this.leftOut = 0;
    this.window.once("drain", () => this.tellLeftOut());
  }

  private tellLeftOut(): void {
    this.isLeavingOut = false;
    const params: LogParams = { level: "warning", message: `log lines are missing here, ${this.leftOut} of them: this window did not read` };
    void this.hand({ jsonrpc: "2.0", method: Log.method, params } as Message).catch(() => undefined);
  }

  /** At once: the library's own writer keeps what waits in a queue of its own, where nobody sees how much it is. */
  private hand(message: Message): Promise<void> {
    const text = JSON.stringify(message);
    return new Promise((resolve, reject) => {
      const bytes = Buffer.from(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`); // a string would be counted in characters
      this.window.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }
}

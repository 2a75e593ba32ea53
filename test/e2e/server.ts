// VS Code's server with the packaged extension installed in it, on a free loopback port.

import { spawn, type ChildProcess } from "node:child_process";
import { execFile } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { codeServer } from "../../scripts/lib/codeServer.mjs";
import { kill, processesNaming } from "./processes";
import type { Scratch } from "./scratch";
import { until } from "./until";

const START_MS = 120_000;

/** Without a gallery of extensions, VS Code asks the network for nothing. */
const environment = (scratch: Scratch): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  LANG: "C.UTF-8",
  EXTENSIONS_GALLERY: "{}",
  OCTET_SHIPPED_PAIR: "small",
  OCTET_LINGER_MS: "60000", // a busy machine loads a window anew in half of that
  HOME: scratch.home,
  XDG_CONFIG_HOME: scratch.home,
  XDG_CACHE_HOME: scratch.home,
  XDG_DATA_HOME: scratch.home,
});

const folders = (scratch: Scratch): string[] => ["--extensions-dir", scratch.extensions, "--server-data-dir", scratch.data];

/** Installs a VSIX as `code --install-extension` does. */
export async function install(scratch: Scratch, vsix: string): Promise<string> {
  const args = [codeServer.main, "--install-extension", vsix, "--accept-server-license-terms", ...folders(scratch)];
  const { stdout, stderr } = await promisify(execFile)(codeServer.node, args, { env: environment(scratch), timeout: 240_000 });
  const said = stdout + stderr;
  if (!said.includes("successfully installed")) throw new Error(`the extension was not installed:\n${said}`);
  return said;
}

export class Server {
  private output = "";

  private constructor(private readonly child: ChildProcess, private readonly scratch: Scratch, readonly url: string) {
    const keep = (text: string) => (this.output = (this.output + text).slice(-20_000));
    child.stdout?.setEncoding("utf8").on("data", keep);
    child.stderr?.setEncoding("utf8").on("data", keep);
  }

  static async start(scratch: Scratch, extra: NodeJS.ProcessEnv = {}): Promise<Server> {
    const port = await freePort();
    const args = [
      codeServer.main, "--host", "127.0.0.1", "--port", String(port), "--without-connection-token", "--accept-server-license-terms",
      "--disable-workspace-trust", "--disable-telemetry", ...folders(scratch),
    ];
    const child = spawn(codeServer.node, args, { env: { ...environment(scratch), ...extra }, stdio: ["ignore", "pipe", "pipe"], detached: true });
    const server = new Server(child, scratch, `http://127.0.0.1:${port}`);
    try {
      await until("the server answers", () => server.answers(), { timeoutMs: START_MS });
    } catch (error) {
      await server.stop();
      throw new Error(`VS Code's server does not start:\n${server.output}`, { cause: error });
    }
    return server;
  }

  get said(): string {
    return this.output;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  private async answers(): Promise<boolean> {
    if (this.child.exitCode !== null) throw new Error(`it has left with exit code ${this.child.exitCode}`);
    return fetch(`${this.url}/version`).then((reply) => reply.ok, () => false);
  }

  /** Asks the server to leave, and only the server: what it leaves behind is for the caller to see. */
  async askToLeave(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGTERM");
    await gone;
  }

  /** Ends the server and everything that it started. */
  async stop(): Promise<void> {
    const left = () => processesNaming(this.scratch.root);
    signalGroup(this.pid, "SIGTERM");
    for (const { pid } of left()) kill(pid, "SIGTERM");  // who keeps workers is in no group of the server's
    await until("the server leaves", () => left().length === 0, { timeoutMs: 10_000 }).catch(() => {
      signalGroup(this.pid, "SIGKILL");
      for (const { pid } of left()) kill(pid);
    });
  }
}

function signalGroup(leader: number, name: NodeJS.Signals): void {
  if (leader > 0) kill(-leader, name);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => { resolve(port); });
    });
  });
}

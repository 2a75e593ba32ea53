// A real HTTP server on loopback that serves one file, well or badly: each request is answered by the next of the scripted
// answers, the last of which stays.
import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Served {
  content: Buffer;
  etag: string;
}

export type Answer = (request: IncomingMessage, response: ServerResponse, file: Served, server: FileServer) => void;

export const sha256 = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex");

/** Bytes that begin as a model does. */
export const modelBytes = (length: number): Buffer => Buffer.concat([Buffer.from("GGUF\u0003\0\0\0", "latin1"), randomBytes(length - 8)]);

export class FileServer {
  /** The Range header of each request; undefined: it had none. */
  readonly ranges: (string | undefined)[] = [];
  readonly ifRanges: (string | undefined)[] = [];
  readonly paths: string[] = [];
  answers: Answer[] = [serve];
  file: Served;
  private waiting: { at: number; cut: () => void } | null = null;
  private readonly server = createServer((request, response) => {
    this.paths.push(request.url ?? "");
    this.ranges.push(request.headers.range);
    this.ifRanges.push(request.headers["if-range"] as string | undefined);
    const answer = this.answers.length > 1 ? this.answers.shift()! : this.answers[0]!;
    answer(request, response, this.file, this);
  });

  constructor(content: Buffer) {
    this.file = { content, etag: '"one"' };
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
  }

  /** Breaks the connection once the client says that it has so many bytes of the file: then none of them is lost on the way. */
  cutWhen(at: number, cut: () => void): void {
    this.waiting = { at, cut };
  }

  /** Told by the client. */
  arrived(bytes: number): void {
    if (!this.waiting || bytes < this.waiting.at) return;
    const { cut } = this.waiting;
    this.waiting = null;
    cut();
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** As a good server does: ranges, and If-Range. */
export const serve: Answer = (request, response, { content, etag }) => {
  const start = rangeStart(request, etag);
  if (start !== null && start >= content.length) return void response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
  const body = content.subarray(start ?? 0);
  const headers = { "content-length": body.length, "accept-ranges": "bytes", "content-type": "application/octet-stream", etag };
  if (start === null) response.writeHead(200, headers).end(body);
  else response.writeHead(206, { ...headers, "content-range": `bytes ${start}-${content.length - 1}/${content.length}` }).end(body);
};

function rangeStart({ headers }: IncomingMessage, etag: string): number | null {
  const range = /^bytes=(\d+)-$/.exec(headers.range ?? "");
  const condition = headers["if-range"];
  return range && (condition === undefined || condition === etag) ? Number(range[1]) : null;
}

/** A good answer of which only `bytes` come before the connection breaks. */
export const cutAfter = (bytes: number): Answer => (request, response, file, server) => {
  const start = rangeStart(request, file.etag);
  const rest = file.content.subarray(start ?? 0);
  response.writeHead(start === null ? 200 : 206, {
    "content-length": rest.length, etag: file.etag,
    ...(start !== null && { "content-range": `bytes ${start}-${file.content.length - 1}/${file.content.length}` }),
  });
  response.write(rest.subarray(0, bytes));
  if (bytes === 0) response.destroy();
  else server.cutWhen((start ?? 0) + bytes, () => response.destroy());
};

/** The whole file whatever was asked for. */
export const ignoreRange: Answer = (_request, response, { content, etag }) => void response.writeHead(200, { "content-length": content.length, etag }).end(content);

export const status = (code: number, headers: Record<string, string> = {}): Answer => (_request, response) => void response.writeHead(code, headers).end("no");

export const redirect = (to: string, headers: Record<string, string> = {}): Answer => status(302, { location: to, ...headers });

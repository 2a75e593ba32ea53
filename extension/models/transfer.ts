// One attempt to fetch what is missing of a file: follows redirects, checks what the server offers before a byte is written, and
// appends to the part. Ends in one of three ways: the part is complete; Again (a later attempt may succeed); DownloadError.
import type { Clock } from "./clock";
import { DownloadError } from "./downloadError";
import { checkedUrl } from "./endpoint";
import { startsAsGguf } from "./gguf";
import type { Expected, PartFile } from "./partFile";

export type Fetch = (url: string, init: { headers: Record<string, string>; redirect: "manual"; signal: AbortSignal }) => Promise<Response>;

/** A failure that may pass. */
export class Again extends Error {
  constructor(message: string, readonly afterMs: number | null = null) {
    super(message);
  }
}

export interface TransferOptions {
  url: string;
  expected: Expected;
  part: PartFile;
  fetch: Fetch;
  clock: Clock;
  signal: AbortSignal;
  onBytes: () => void;
}

const IDLE_MS = 60_000;
const MOST_REDIRECTS = 8;
const MAGIC_BYTES = 4;

export async function transfer(options: TransferOptions): Promise<void> {
  const { part, signal, clock } = options;
  const attempt = new AbortController();
  const stop = (): void => attempt.abort(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener("abort", stop, { once: true });
  const silent = new Again(`nothing came for ${IDLE_MS / 1000} s`);
  const newTimer = (): { dispose(): void } => clock.after(IDLE_MS, () => attempt.abort(silent));
  let timer = newTimer();
  const alive = (): void => {
    timer.dispose();
    timer = newTimer();
  };
  try {
    const response = await request(options, attempt.signal, alive);
    alive();
    await receive(response, options, alive);
    if (part.size < options.expected.bytes) throw new Again("the connection ended early");
  } catch (error) {
    signal.throwIfAborted();
    throw attempt.signal.aborted ? silent : asAgain(error);
  } finally {
    timer.dispose();
    signal.removeEventListener("abort", stop);
    attempt.abort(); // closes the connection where the body was not read to its end
  }
}

/** The first answer that is no redirect. */
async function request({ url, expected, part, fetch }: TransferOptions, signal: AbortSignal, alive: () => void): Promise<Response> {
  const headers: Record<string, string> = { "accept-encoding": "identity", "user-agent": "octet" };
  if (part.size > 0) {
    headers.range = `bytes=${part.size}-`;
    if (part.etag !== null) headers["if-range"] = part.etag;
  }
  let at = checkedUrl(url);
  for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
    const response = await fetch(at.href, { headers, redirect: "manual", signal });
    alive();
    checkLinked(response.headers, expected);
    const next = response.status >= 300 && response.status < 400 ? response.headers.get("location") : null;
    if (next === null) return response;
    await response.body?.cancel();
    at = checkedUrl(next, at);
  }
  throw new DownloadError("wrongFile", "The server redirects without end");
}

/** Hugging Face says with its redirect which file it is about to send. */
function checkLinked(headers: Headers, expected: Expected): void {
  const etag = headers.get("x-linked-etag")?.replace(/^W\//, "").replace(/"/g, "").toLowerCase();
  const size = headers.get("x-linked-size");
  const otherHash = etag !== undefined && /^[0-9a-f]{64}$/.test(etag) && etag !== expected.sha256;
  const otherSize = size !== null && Number(size) !== expected.bytes;
  if (otherHash || otherSize) throw wrongFile("another version of it");
}

async function receive(response: Response, { expected, part, onBytes }: TransferOptions, alive: () => void): Promise<void> {
  const { status, headers, body } = response;
  const etag = strongEtag(headers);
  if (status === 206) {
    const range = contentRange(headers);
    if (range?.total !== undefined && range.total !== expected.bytes) throw wrongFile(`a file of ${range.total} bytes instead of ${expected.bytes}`);
    if (range?.start !== part.size || (etag !== null && part.etag !== null && etag !== part.etag)) {
      await part.restart(null);
      throw new Again("the server sent another part than was asked for");
    }
  } else if (status !== 200) {
    if (status === 416) await part.restart(null);
    throw refusal(status, headers);
  } else checkWhole(headers, expected);
  if (!body) throw new Again("the answer was empty");

  let begin: Uint8Array | null = status === 200 ? new Uint8Array() : null;
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    alive();
    let bytes = chunk;
    if (begin) {
      bytes = Buffer.concat([begin, chunk]);
      begin = bytes;
      if (bytes.length < MAGIC_BYTES) continue;
      if (!startsAsGguf(bytes)) throw notAModel();
      begin = null;
      await part.restart(etag);
    }
    await part.append(bytes);
    onBytes();
    if (part.size === expected.bytes) return;
  }
}

/** The answer holds the whole file: it must look like it, or what has come so far is kept. */
function checkWhole(headers: Headers, expected: Expected): void {
  if (/^text\/html/i.test(headers.get("content-type") ?? "")) throw notAModel();
  const length = headers.get("content-length");
  if (length !== null && !headers.has("content-encoding") && Number(length) !== expected.bytes) {
    throw wrongFile(`a file of ${length} bytes instead of ${expected.bytes}`);
  }
}

const wrongFile = (what: string): DownloadError => new DownloadError("wrongFile", `The server offers ${what}`,
  "Update Octet for a newer catalogue; where HF_ENDPOINT names a mirror, try without it.");

const notAModel = (): DownloadError => new DownloadError("wrongFile", "The server sent something that is no model, perhaps a sign-in page",
  "Open a web page in this network's browser to sign in, then try again.");

function refusal(status: number, headers: Headers): Error {
  const after = retryAfter(headers);
  if (status === 416 || status === 408 || status === 425 || status === 429 || status >= 500) return new Again(`the server answered ${status}`, after);
  if (status === 404 || status === 410) {
    return new DownloadError("notFound", `The server has no such file (${status})`, "Update Octet for a newer catalogue; where HF_ENDPOINT names a mirror, try without it.");
  }
  return new DownloadError("refused", `The server refused the download (${status})`, "Try again later, or from another network.");
}

/** Milliseconds; null: the server names no number of seconds. */
function retryAfter(headers: Headers): number | null {
  const seconds = headers.get("retry-after")?.trim() ?? "";
  return /^\d+$/.test(seconds) ? Number(seconds) * 1000 : null;
}

function strongEtag(headers: Headers): string | null {
  const etag = headers.get("etag");
  return etag?.startsWith('"') ? etag : null;
}

function contentRange(headers: Headers): { start: number; total: number | undefined } | null {
  const parts = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
  return parts ? { start: Number(parts[1]), total: parts[2] === "*" ? undefined : Number(parts[2]) } : null;
}

/** Errors of the connection may pass; those of certificates and of the disk do not. */
function asAgain(error: unknown): unknown {
  if (error instanceof DownloadError || error instanceof Again) return error;
  const cause = (error as { cause?: NodeJS.ErrnoException } | null)?.cause;
  const code = cause?.code ?? "";
  if (/CERT|SELF_SIGNED|UNABLE_TO/.test(code)) {
    return new DownloadError("unreachable", `The server's certificate is not trusted (${code})`, "Behind a company proxy, name its certificate in NODE_EXTRA_CA_CERTS.");
  }
  const isOfFile = typeof (error as NodeJS.ErrnoException).syscall === "string" && cause === undefined && /^E/.test((error as NodeJS.ErrnoException).code ?? "");
  if (isOfFile) return error;
  return new Again(cause?.message || (error as Error).message);
}

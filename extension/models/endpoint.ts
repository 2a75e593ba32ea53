// Where model files are downloaded from, and which addresses a download may go to: https anywhere, plain http only within this
// machine (a mirror or a test server on loopback).
import type { ModelFile } from "./catalogue";
import { DownloadError } from "./downloadError";

const usual = "https://huggingface.co";

/** HF_ENDPOINT, as Hugging Face's own tools read it, or their site. Without a slash at its end. */
export function endpointOf(env: NodeJS.ProcessEnv): string {
  const text = env.HF_ENDPOINT?.trim() || usual;
  return checkedUrl(text, undefined, "HF_ENDPOINT").href.replace(/\/+$/, "");
}

export function urlOf({ repository, revision, file }: ModelFile, endpoint: string): string {
  return `${endpoint}/${repository}/resolve/${revision}/${encodeURIComponent(file)}`;
}

/** The address, if a download may go there; relative to `from`, where the server named it. */
export function checkedUrl(text: string, from?: URL, what = "The server"): URL {
  let url: URL;
  try {
    url = new URL(text, from);
  } catch {
    throw new DownloadError("badAddress", `${what} names no address: ${withoutLogin(text).slice(0, 200)}`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new DownloadError("badAddress", `${what} gives an address of ${url.host} with a user name or password, which Octet does not send`);
  }
  const within = url.protocol === "http:" && isLoopback(url) && (!from || isLoopback(from));
  if (url.protocol !== "https:" && !within) {
    throw new DownloadError("badAddress", `${what} leads to ${url.protocol}//${url.host}, which is not encrypted`, "Models are downloaded over https only.");
  }
  return url;
}

/** A user name and password are nobody's to see. */
const withoutLogin = (text: string): string => text.replace(/\/\/.*@/, "//");

function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

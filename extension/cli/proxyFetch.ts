// fetch for the command line: it goes through the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name, which Node 20's own does not.
import { EnvHttpProxyAgent, fetch } from "undici";
import type { Fetch } from "../models/transfer";
import { badInput } from "./errors";

export function proxyFetch(): Fetch {
  const dispatcher = makeAgent();
  return (url, init) => fetch(url, { ...init, dispatcher });
}

function makeAgent(): EnvHttpProxyAgent {
  try {
    return new EnvHttpProxyAgent();
  } catch (error) {
    throw badInput(`HTTP_PROXY or HTTPS_PROXY is not an address: ${(error as Error).message}`, "Write it as http://HOST:PORT.");
  }
}

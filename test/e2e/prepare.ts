// Before the end-to-end tests: VS Code's server is there, the extension is packaged from what is built now and installed as a
// user would, and one server runs for all files. After them: nothing of it is left.

import type { TestProject } from "vitest/node";
import { ensureCodeServer } from "../../scripts/lib/codeServer.mjs";
import { makeVsix } from "../../scripts/package.mjs";
import { makeScratch, removeScratch, writeSettings } from "./scratch";
import { install, Server } from "./server";
import type { Scratch } from "./scratch";

declare module "vitest" {
  interface ProvidedContext {
    scratch: Scratch;
    server: string;
    vsix: string;
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  await ensureCodeServer();
  const vsix = await makeVsix();
  const scratch = makeScratch();
  let server: Server | undefined;
  const teardown = async () => {
    await server?.stop();
    removeScratch(scratch);
  };
  try {
    writeSettings(scratch);
    await install(scratch, vsix);
    server = await Server.start(scratch);
  } catch (error) {
    await teardown();
    throw error;
  }
  provide("scratch", scratch);
  provide("server", server.url);
  provide("vsix", vsix);
  return teardown;
}

// Memory of a real worker: what models took is the system's again once they are unloaded, the fifth time as the first. Over hours: soak.ts.

import { describe, expect, it } from "vitest";
import type { WorkerClient } from "../../extension/worker/client";
import { addons, request, startLoaded, useWorkerBundle } from "./harness";

useWorkerBundle();

const real = addons.find(({ name }) => name === "real");
/** The allocator that is asked to give back; others have ways of their own. */
const glibc = "glibcVersionRuntime" in (process.report.getReport() as { header: object }).header;

const LITTLE_GARBAGE = { NODE_OPTIONS: "--max-old-space-size=16 --max-semi-space-size=1" };

/** MiB that the worker takes after some work with models, and when they are unloaded then. */
async function workAndUnload(client: WorkerClient): Promise<{ loaded: number; unloaded: number }> {
  const resident = async (): Promise<number> => (await client.status()).residentBytes / 2 ** 20;
  for (let i = 0; i < 6; ++i) {
    const text = "def fibonacci(n):\n".repeat(8 * (i + 1));
    await Promise.all([4, 4].map((lanes) => client.generate(request({ prompt: { kind: "text", text }, lanes, maxTokens: 16 + 4 * i, draftLength: "fixed:2" }))));
  }
  const loaded = await resident();
  await client.unload();
  return { loaded, unloaded: await resident() };
}

describe.skipIf(!real || !glibc)("memory", () => {
  it("of models that are unloaded is given back, however often they were there", async () => {
    const client = await startLoaded(real!, LITTLE_GARBAGE);
    const { loaded, unloaded } = await workAndUnload(client);
    expect(loaded - unloaded).toBeGreaterThan(30);
    for (let again = 0; again < 4; ++again) {
      await client.load(real!.load);
      expect((await workAndUnload(client)).unloaded - unloaded).toBeLessThan(25);
    }
  });
});

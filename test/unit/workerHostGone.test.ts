// What a window that goes in the middle of a load leaves behind: nothing.

import { describe, expect, it } from "vitest";
import { OctetError } from "../../extension/worker/errors";
import { HELLO, settle } from "./supervisorFakes";
import { params } from "./supervisorFixture";
import { answer, clock, code, holding, host, keepSilent, LINGER_MS, open, SHUTDOWN_MS, workers } from "./workerHostFixture";

describe("a window", () => {
  it("that is closed holds nothing, though its load could not be ended", async () => {
    const [one, two] = [open(), open()];
    workers[0]!.deaf = true;
    const load = code(one.seat.load(params("a")));
    await settle();
    one.seat.close();
    await clock.advance(LINGER_MS);
    await answer(workers[0]!);
    await load;
    await clock.advance(LINGER_MS);
    expect(workers[0]!.calls.at(-1)).toBe("unload");
    void code(two.seat.load(params("b")));
    await settle();
    expect(workers.map(({ loads }) => loads.map(({ params }) => params.target))).toEqual([["a", "b"]]);
  });

  it("that is closed while its load is being refused keeps no worker alive", async () => {
    const [one, two] = [await holding("a"), await holding("a")];
    const refused = code(two.seat.load(params("b")));
    await settle();
    workers[1]!.deaf = true;
    two.seat.close();
    workers[1]!.loads[0]!.answer.reject(new OctetError("badParams", "lanes: 99"));
    expect(await refused).toBe("badParams");
    one.seat.close();
    await clock.advance(LINGER_MS + SHUTDOWN_MS);
    expect(host.isEmpty).toBe(true);
  });

  it("that is closed before the worker for its load has said hello keeps none alive, and loads nothing", async () => {
    const one = await holding("a");
    const two = open();
    keepSilent();
    const load = code(two.seat.load(params("b")));
    await settle();
    const three = open();
    await settle();
    const other = code(three.seat.load(params("c")));
    await settle();
    two.seat.close();
    workers[1]!.greeting.resolve(HELLO);
    await settle();
    expect(await load).toBe("cancelled");
    expect(workers.flatMap(({ loads }) => loads.map(({ params }) => params.target))).toEqual(["a", "c"]);
    one.seat.close();
    three.seat.close();
    await other;
    await clock.advance(LINGER_MS + SHUTDOWN_MS);
    expect(host.isEmpty).toBe(true);
  });
});

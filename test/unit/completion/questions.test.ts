import { describe, expect, it } from "vitest";
import { Questions, type Place } from "../../../extension/completion/questions";
import { OctetError } from "../../../extension/worker/errors";
import { FakeClock } from "../supervisorFakes";

const document = {};
const at = (character: number, version = 1): Place => ({ document, version, position: { line: 3, character } });
const error = new OctetError("internal", "broken");

describe("Questions", () => {
  it("says nothing where the editor asked after the command: the answer is shown, or told of", () => {
    const questions = new Questions();
    questions.commanded();
    questions.begin("explicit", at(1));
    expect(questions.unasked(at(1), null)).toBeNull();
  });

  it("a key is no answer to the command", () => {
    const questions = new Questions();
    questions.commanded();
    questions.begin("automatic", at(1));
    expect(questions.unasked(at(1), null)).toBe("notAsked");
  });

  it("where the editor did not ask: what was offered here is shown, unless it is nothing", () => {
    const questions = new Questions();
    questions.commanded();
    expect(questions.unasked(at(1), { place: at(1), candidates: 2 })).toBeNull();
    expect(questions.unasked(at(1), { place: at(1), candidates: 0 })).toBe("nothing");
    expect(questions.unasked(at(1), { place: at(2), candidates: 2 })).toBe("notAsked");
    expect(questions.unasked(at(1), { place: at(1, 2), candidates: 2 })).toBe("notAsked");
    expect(questions.unasked(at(1), { place: { ...at(1), document: {} }, candidates: 2 })).toBe("notAsked");
  });

  it("a question of before at the same place had no answer, or failed; the next question forgets the failure", () => {
    const questions = new Questions();
    questions.begin("explicit", at(1));
    questions.commanded();
    expect([questions.unasked(at(1), null), questions.unasked(at(2), null)]).toEqual(["nothing", "notAsked"]);
    questions.failed("explicit", at(1), error);
    expect([questions.unasked(at(1), { place: at(1), candidates: 2 }), questions.unasked(at(2), null)]).toEqual([error, "notAsked"]);
    questions.begin("automatic", at(1));
    expect(questions.unasked(at(1), null)).toBe("nothing");
    questions.failed("automatic", at(1), error); // the user did not ask
    expect(questions.unasked(at(1), null)).toBe("nothing");
  });

  it("the first question of the user's within a second of the command is the commanded one", async () => {
    const clock = new FakeClock();
    const questions = new Questions(clock);
    expect(questions.isCommanded("explicit")).toBe(false);
    questions.commanded();
    expect([questions.isCommanded("automatic"), questions.isCommanded("explicit"), questions.isCommanded("explicit")]).toEqual([false, true, false]);
    questions.commanded();
    await clock.advance(1_000);
    expect(questions.isCommanded("explicit")).toBe(false);
  });
});

// How often completions go on rightly from where a cursor stands, with the prompt as it stands and with token healing.
import type { SequenceResult } from "../../../protocol/worker";
import { ratio } from "../statistics";
import { classOf, placeKinds, type PlaceKind } from "./cursorPlaces";
import { estimate, hasFinished, proportion, type Estimate } from "./metrics";

export const healings = ["off", "on"] as const;
export type Healing = (typeof healings)[number];

export interface CursorLane extends Pick<SequenceResult, "text" | "finishReason" | "rank"> {
  right: boolean;
}

/** One place, put to the models both ways. */
export interface CursorSample {
  place: string;
  kind: PlaceKind;
  language: string;
  /** What was there. */
  next: string;
  lanes: Record<Healing, CursorLane[]>;
}

/**
 * Whether the completion begins with the very word that was there, and the word ends there. Where nothing follows it, the lane
 * must have come to its own end: of one that was cut off nobody knows.
 */
export function isRight(next: string, completion: Pick<SequenceResult, "text" | "finishReason">): boolean {
  if (!completion.text.startsWith(next)) return false;
  const rest = completion.text.slice(next.length);
  return rest === "" ? hasFinished(completion) : classOf(rest) !== classOf([...next].at(-1) ?? "");
}

export interface CursorRow {
  kind: PlaceKind;
  healing: Healing;
  places: number;
  /** Share of places whose best-ranked lane is right. */
  first: Estimate | null;
  /** Share of places with any lane that is. */
  any: Estimate | null;
  /** Share of all lanes that are. */
  lanes: Estimate | null;
}

/** What healing adds to each share, in percentage points; intervals by the bootstrap over places, both ways of a place together. */
export interface CursorGain {
  kind: PlaceKind;
  places: number;
  firstPoints: Estimate | null;
  anyPoints: Estimate | null;
  lanesPoints: Estimate | null;
}

type Lanes = readonly CursorLane[];
const isFirstRight = (lanes: Lanes): boolean => lanes.some(({ rank, right }) => rank === 1 && right);
const isAnyRight = (lanes: Lanes): boolean => lanes.some(({ right }) => right);
const rightLanes = (lanes: Lanes): number => lanes.filter(({ right }) => right).length;

/** By kind, in their order; kinds without places are left out. */
export function cursorRows(samples: readonly CursorSample[]): CursorRow[] {
  return byKind(samples).flatMap(([kind, own]) => healings.map((healing) => {
    const lanes = own.map((sample) => sample.lanes[healing]);
    return {
      kind, healing, places: own.length,
      first: proportion(lanes, isFirstRight), any: proportion(lanes, isAnyRight), lanes: estimate(lanes, shareOfLanes),
    };
  }));
}

export function cursorGains(samples: readonly CursorSample[]): CursorGain[] {
  const shareOf = (holds: (lanes: Lanes) => boolean) => (sample: readonly Lanes[]) => ratio(sample.filter(holds).length, sample.length);
  return byKind(samples).map(([kind, own]) => ({
    kind, places: own.length,
    firstPoints: gain(own, shareOf(isFirstRight)), anyPoints: gain(own, shareOf(isAnyRight)), lanesPoints: gain(own, shareOfLanes),
  }));
}

const byKind = (samples: readonly CursorSample[]): [PlaceKind, CursorSample[]][] =>
  placeKinds.map((kind): [PlaceKind, CursorSample[]] => [kind, samples.filter((sample) => sample.kind === kind)]).filter(([, own]) => own.length > 0);

const shareOfLanes = (sample: readonly Lanes[]): number | null => {
  const sum = (count: (lanes: Lanes) => number): number => sample.reduce((total, lanes) => total + count(lanes), 0);
  return ratio(sum(rightLanes), sum((lanes) => lanes.length));
};

function gain(samples: readonly CursorSample[], share: (sample: readonly Lanes[]) => number | null): Estimate | null {
  return estimate(samples, (chosen) => {
    const shareWith = (healing: Healing): number | null => share(chosen.map(({ lanes }) => lanes[healing]));
    const [off, on] = [shareWith("off"), shareWith("on")];
    return off === null || on === null ? null : (on - off) * 100;
  });
}

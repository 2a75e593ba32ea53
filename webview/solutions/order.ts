// In which order lanes are shown, and which stand behind an identical one. Pure.

import type { SolutionsLane } from "../../protocol/solutionsView";

/** Lanes of one text: the best of them, and the others in the order of their ids. */
export interface Group {
  best: number;
  others: number[];
}

/** Groups of identical solutions, ids in the order of `lanes`. Every lane is in exactly one group. */
export function groups(lanes: readonly SolutionsLane[]): Group[] {
  const byBest = new Map<number, Group>();
  for (const { id, duplicateOf } of lanes) if (duplicateOf === null) byBest.set(id, { best: id, others: [] });
  const stray: Group[] = [];
  for (const { id, duplicateOf } of lanes) {
    if (duplicateOf === null) continue;
    const group = byBest.get(duplicateOf);
    if (group) group.others.push(id);
    else stray.push({ best: id, others: [] });
  }
  return [...byBest.values(), ...stray];
}

/** Ids of the ranked order: best first, lanes without a rank last, identical ones right behind their best. */
export function rankedOrder(lanes: readonly SolutionsLane[]): number[] {
  const rankOf = new Map(lanes.map(({ id, rank }) => [id, rank ?? Infinity]));
  const rank = (id: number) => rankOf.get(id) ?? Infinity;
  return groups(lanes)
    .map((group, index) => ({ group, index }))
    .sort((a, b) => compare(rank(a.group.best), rank(b.group.best)) || a.index - b.index)
    .flatMap(({ group }) => [group.best, ...group.others]);
}

const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);

/** The order shown so far, with new lanes at its end and lanes that are gone left out. */
export function keptOrder(shown: readonly number[], lanes: readonly SolutionsLane[]): number[] {
  const ids = new Set(lanes.map(({ id }) => id));
  const kept = shown.filter((id) => ids.delete(id));
  return [...kept, ...ids];
}

/** Ids that are not shown because they stand behind an identical lane whose group is not open. */
export function collapsed(lanes: readonly SolutionsLane[], open: ReadonlySet<number>): Set<number> {
  return new Set(groups(lanes).flatMap(({ best, others }) => (open.has(best) ? [] : others)));
}

/** What the reader is doing; while any of it holds, nothing may move under the eyes. */
export interface Attention {
  pointerInside: boolean;
  laneFocused: boolean;
}

/** Whether the lanes may be put in their ranked order now. */
export const maySettle = (running: boolean, { pointerInside, laneFocused }: Attention): boolean =>
  !running && !pointerInside && !laneFocused;

export const sameOrder = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((id, index) => id === b[index]);

// Places in other files that the user visited or edited lately: a ring of chunks, without near-duplicates, ranked by how
// recent they are and by the identifiers they share with the text at the cursor.
import type { DocumentView } from "./document";
import { renderPlace, type PlaceRenderer } from "./renderPlaces";

export interface Place {
  uri: string;
  languageId: string;
  /** First line of the chunk in its file. */
  startLine: number;
  text: string;
}

export interface PlacesQuery {
  /** The file being completed: its own places are left out. */
  uri: string;
  languageId: string;
  /** Text before the cursor. */
  near: string;
  budgetChars: number;
}

export interface RecentPlacesOptions {
  /** Chunks kept. */
  most?: number;
  /** Names a file in the prompt, e.g. by its path in the workspace. */
  pathOf?: (uri: string) => string;
  render?: PlaceRenderer;
}

const CHUNK_LINES = 40;
/** Chunks start at multiples of this, so that moving about in one place gives one chunk. */
const GRID_LINES = 20;
const LONGEST_LINE = 400;
const FEWEST_CHARS = 40;
const SAME_PLACE = 0.6;
const OVERLAP_WEIGHT = 0.7;
/** What a piece that is in the prompt already is ahead of others, in score: its room is not given away for little. */
const STAYS = 0.2;

export class RecentPlaces {
  /** Most recent last. */
  private ring: { place: Place; lines: Set<string>; words: Set<string> }[] = [];
  private readonly most: number;
  private readonly pathOf: (uri: string) => string;
  private readonly renderOne: PlaceRenderer;

  constructor({ most = 32, pathOf = fileName, render = renderPlace }: RecentPlacesOptions = {}) {
    this.most = most;
    this.pathOf = pathOf;
    this.renderOne = render;
  }

  get places(): readonly Place[] {
    return this.ring.map(({ place }) => place);
  }

  /** Notes that the user looked at or edited `line`. The chunk around it is copied, and takes the place of what was there before, even where that was deleted. */
  visit(document: DocumentView, line: number): void {
    const startLine = Math.max(0, Math.floor((line - GRID_LINES / 2) / GRID_LINES) * GRID_LINES);
    const endLine = Math.min(document.lineCount, startLine + CHUNK_LINES);
    const lines = Array.from({ length: endLine - startLine }, (_, at) => document.lineAt(startLine + at));
    this.ring = this.ring.filter(({ place: { uri, startLine: at } }) => uri !== document.uri || (at !== startLine && at < document.lineCount));
    if (lines.some((text) => text.length > LONGEST_LINE)) return;
    const text = trimBlankEdges(lines).join("\n");
    if (text.length < FEWEST_CHARS) return;
    const place = { uri: document.uri, languageId: document.languageId, startLine, text };
    const distinctLines = lineSet(text);
    this.ring = this.ring.filter((other) => jaccard(other.lines, distinctLines) < SAME_PLACE);
    this.ring.push({ place, lines: distinctLines, words: identifiers(text) });
    if (this.ring.length > this.most) this.ring.shift();
  }

  forget(uri: string): void {
    this.ring = this.ring.filter(({ place }) => place.uri !== uri);
  }

  clear(): void {
    this.ring = [];
  }

  /** Best first. */
  rank(query: Pick<PlacesQuery, "uri" | "near">): Place[] {
    return this.scored(query).map(({ place }) => place);
  }

  private scored(query: Pick<PlacesQuery, "uri" | "near">): { place: Place; score: number }[] {
    const near = identifiers(query.near);
    const overlaps = this.ring.map(({ words }) => jaccard(near, words));
    const most = Math.max(...overlaps) || 1;
    return this.ring
      .map(({ place }, at) => ({
        place,
        score: (OVERLAP_WEIGHT * (overlaps[at] ?? 0)) / most + (1 - OVERLAP_WEIGHT) * recency(at, this.ring.length),
      }))
      .filter(({ place }) => place.uri !== query.uri)
      .sort((a, b) => b.score - a.score);
  }

  /** As many of the best places as fit, the best last: nearest to the text it is to help. Empty, or ends in a line end. */
  render(query: PlacesQuery): string {
    return this.pieces(query).join("");
  }

  /**
   * The same, each by itself. Those of `before`, the pieces of this file's last prompt, come first and in their order where they are still
   * the same: what is computed of that prompt holds up to the first that is gone. So pieces that change again and again come last.
   */
  pieces(query: PlacesQuery, before: readonly string[] = []): string[] {
    const found = this.scored(query).map(({ place, score }) => {
      const text = this.renderOne(place, this.pathOf(place.uri), query.languageId);
      return { text, score: before.includes(text) ? score + STAYS : score };
    });
    const chosen: string[] = [];
    let room = query.budgetChars;
    for (const { text } of found.sort((a, b) => b.score - a.score)) {
      if (text.length > room) continue;
      room -= text.length;
      chosen.unshift(text);
    }
    return [...before.filter((text) => chosen.includes(text)), ...chosen.filter((text) => !before.includes(text))];
  }
}

/** Shared elements over all elements. */
export function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  if (a.size === 0 || b.size === 0) return 0;
  let shared = 0;
  for (const element of a) if (b.has(element)) shared += 1;
  return shared / (a.size + b.size - shared);
}

export const identifiers = (text: string): Set<string> => new Set(text.match(/[\p{L}_$][\p{L}\p{N}_$]{2,}/gu) ?? []);

const lineSet = (text: string): Set<string> => new Set(text.split("\n").map((line) => line.trim()).filter((line) => line !== ""));

/** 1 for the newest of the ring, falling towards 0. */
const recency = (at: number, count: number): number => (at + 1) / count;

const fileName = (uri: string): string => uri.split("/").at(-1) ?? uri;

function trimBlankEdges(lines: readonly string[]): string[] {
  const first = lines.findIndex((line) => line.trim() !== "");
  const last = lines.findLastIndex((line) => line.trim() !== "");
  return first < 0 ? [] : lines.slice(first, last + 1);
}

// How a piece of another file stands in a prompt. User text is never tokenised with special tokens, so file separators
// cannot be written as text: a piece is a comment that names its file. A worker that takes separators as tokens would be
// given another PlaceRenderer.
import { commented } from "./languages";
import type { Place } from "./recentPlaces";

/** Ends in a line end. `languageId` is that of the file being completed. */
export type PlaceRenderer = (place: Place, path: string, languageId: string) => string;

export const renderPlace: PlaceRenderer = (place, path, languageId) =>
  `${commented([`From ${path}:`, ...place.text.split("\n")], languageId)}\n`;

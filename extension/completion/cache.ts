// Completions already made, found again from the place they were made for and from any place reached by typing their text:
// typing through a candidate, deleting back to its start and cycling need no new request. Least recently used go first.
import { LRUCache } from "lru-cache";
import { advance } from "./advance";
import type { Candidate } from "./candidates";
import { openedBy, PREFIX_TAIL, suffixVariants, type RequestKey, type Typed } from "./requestKey";

export interface Batch {
  /** Best first; may be empty: nothing worth showing came of the request. */
  candidates: Candidate[];
  /** Whether every lane has ended, or some may still add candidates. */
  complete: boolean;
  multiline: boolean;
}

export interface Hit extends Batch {
  /** What was typed since the batch was asked for. */
  typed: string;
}

export interface LookupOptions {
  /** Leave out batches of single lines: for explicit triggers where several lines are wanted. */
  multilineOnly?: boolean;
}

const DEFAULT_SIZE = 256;
/** Farther from a batch's place it is not looked for; typing through goes on, since a hit farther than half of this is kept anew. */
const FARTHEST = 128;

export class CompletionCache {
  private readonly batches: LRUCache<string, Batch>;

  constructor(size = DEFAULT_SIZE) {
    this.batches = new LRUCache({ max: size });
  }

  /** Replaces what was known for this place: first the first lanes' candidates, later all. */
  put(key: RequestKey, batch: Batch): void {
    this.batches.set(placeOf(key, key.prefix, key.suffix), batch);
  }

  /** The batch nearest before the cursor with a candidate that goes on from it; an empty batch counts at its own place only. */
  lookup(key: RequestKey, { multilineOnly = false }: LookupOptions = {}): Hit | null {
    for (let length = 0; length <= Math.min(FARTHEST, key.prefix.length); length++) {
      const prefix = key.prefix.slice(0, key.prefix.length - length);
      const text = key.prefix.slice(prefix.length);
      for (const autoClosed of suffixVariants(key.suffix)) {
        if (autoClosed !== "" && !openedBy(text).startsWith(autoClosed)) continue;
        const batch = this.batches.get(placeOf(key, prefix, key.suffix.slice(autoClosed.length)));
        if (!batch || (multilineOnly && !batch.multiline)) continue;
        const hit = goOn(batch, { text, autoClosed });
        if (hit.candidates.length === 0 && length > 0) continue;
        if (length > FARTHEST / 2) this.put(key, { candidates: hit.candidates, complete: hit.complete, multiline: hit.multiline });
        return hit;
      }
    }
    return null;
  }

  delete(key: RequestKey): void {
    this.batches.delete(placeOf(key, key.prefix, key.suffix));
  }

  clear(): void {
    this.batches.clear();
  }
}

const goOn = (batch: Batch, typed: Typed): Hit => ({
  candidates: withoutDoubles(batch.candidates.flatMap((candidate) => advance(candidate, typed) ?? [])),
  complete: batch.complete,
  multiline: batch.multiline,
  typed: typed.text,
});

const withoutDoubles = (candidates: readonly Candidate[]): Candidate[] =>
  candidates.filter((candidate, at) => candidates.findIndex(({ text }) => text === candidate.text) === at);

const placeOf = ({ model, uri, languageId }: RequestKey, prefix: string, suffix: string): string =>
  [model, uri, languageId, prefix.slice(-PREFIX_TAIL), suffix].join("\0");

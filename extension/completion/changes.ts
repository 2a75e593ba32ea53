// What was last done to each document, as the trigger wants to know it.
import { LRUCache } from "lru-cache";
import { toModelText, type TextEdit } from "./document";
import { lastChange, type LastChange } from "./trigger";

const DOCUMENTS_REMEMBERED = 64;
/** Who has not typed in a document for so long just reads it. */
const TYPED_IN_MS = 5 * 60_000;

export class Changes {
  private readonly last = new LRUCache<string, { version: number; change: LastChange }>({ max: DOCUMENTS_REMEMBERED });
  private readonly typedIn = new LRUCache<string, true>({ max: DOCUMENTS_REMEMBERED, ttl: TYPED_IN_MS });
  private offered: { uri: string; texts: readonly string[] } | null = null;

  /** Texts that were shown: accepting one, or a part of it, counts as typing. */
  offer(uri: string, texts: readonly string[]): void {
    this.offered = { uri, texts: texts.map(toModelText) };
  }

  note(uri: string, version: number, edits: readonly TextEdit[], reason: "undo" | "redo" | null): LastChange {
    const change = this.isPartOfOffer(uri, edits) && reason === null ? "typed" : lastChange(edits, reason);
    this.last.set(uri, { version, change });
    if (change === "typed") this.typedIn.set(uri, true);
    return change;
  }

  /** "none" where the document has not changed since, or was never seen to. */
  of(uri: string, version: number): LastChange {
    const last = this.last.get(uri);
    return last?.version === version ? last.change : "none";
  }

  /** Whether the user has typed in this document of late, rather than just reads it. */
  isTypedIn(uri: string): boolean {
    return this.typedIn.has(uri);
  }

  /** The document is closed: another may come to have its name. */
  forget(uri: string): void {
    this.last.delete(uri);
    this.typedIn.delete(uri);
  }

  private isPartOfOffer(uri: string, edits: readonly TextEdit[]): boolean {
    const [edit] = edits;
    if (!edit || edits.length > 1 || edit.text === "" || this.offered?.uri !== uri) return false;
    const text = toModelText(edit.text);
    return this.offered.texts.some((offered) => offered.includes(text));
  }
}

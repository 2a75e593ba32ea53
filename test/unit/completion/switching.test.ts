// Someone goes to and fro between three files: how much of a file's last prompt, which is computed, its next one begins with.
import { describe, expect, it } from "vitest";
import { ContextBuilder } from "../../../extension/completion/context";
import { TextDocument } from "../../../extension/completion/document";
import { RecentPlaces } from "../../../extension/completion/recentPlaces";
import { TokenEstimate } from "../../../extension/completion/tokens";

const LINES = 80;
/** Lines that he goes to, in turn. */
const PLACES = [79, 30, 79, 55];
const WORDS = ["order", "price", "customer", "address", "invoice", "total", "currency", "discount"];

/** A file of functions; files share words, each others. */
class File {
  readonly lines: string[];
  version = 1;

  constructor(readonly name: string, at: number) {
    this.lines = Array.from({ length: LINES }, (_, line) => `  const ${name}${line} = ${WORDS[(at + line) % WORDS.length]}Of(${WORDS[(at * 3 + line) % WORDS.length]}, ${line});`);
  }

  get document(): TextDocument {
    return new TextDocument(this.lines.join("\n"), { uri: `file:///src/${this.name}.ts`, languageId: "typescript", version: this.version });
  }

  type(line: number, text: string): void {
    this.lines[line] += text;
    this.version++;
  }
}

function shared(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/** The mean share of a prompt that its file's last one began with, over so many rounds; in each, these files are typed in. */
function reused(typedIn: readonly number[], budgetTokens: number, rounds = 8): number {
  const recent = new RecentPlaces();
  const contexts = new ContextBuilder(recent);
  const files = ["alpha", "beta", "gamma"].map((name, at) => new File(name, at));
  for (const [at, name] of ["delta", "epsilon", "zeta", "eta"].entries()) recent.visit(new File(name, at + 3).document, 40);
  const last = new Map<File, string>();
  const shares: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [at, file] of files.entries()) {
      const line = PLACES[round % PLACES.length]!;
      if (typedIn.includes(at)) file.type(line, ` ${WORDS[round % WORDS.length]}();`);
      recent.visit(file.document, line);
      const cursor = { line, character: file.lines[line]!.length };
      const { places, prefix } = contexts.build(file.document, cursor, new TokenEstimate(), { prefix: 4_000, suffix: 0, places: budgetTokens });
      const before = last.get(file);
      if (before !== undefined) shares.push(shared(before, places + prefix) / (places + prefix).length);
      last.set(file, places + prefix);
    }
  }
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

describe("switching between files, the prompt a file begins with again", () => {
  it.each([[1_000, [], 0.7], [1_000, [0, 1, 2], 0.3], [2_000, [], 0.65], [2_000, [0, 1, 2], 0.35], [4_000, [], 0.6], [4_000, [0, 1, 2], 0.25]])(
    "with %i tokens for pieces of others, files %j typed in, is %d of it and more", (budget, typedIn, least) => {
      expect(reused(typedIn, budget)).toBeGreaterThan(least);
    });
});

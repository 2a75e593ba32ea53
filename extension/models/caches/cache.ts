// What the search of other tools' caches finds.

export interface FoundFile {
  /** Absolute, as the tool names it: a link into a cache is not resolved. */
  path: string;
  /** For people: "qwen2.5-coder:7b", or the file's name. */
  name: string;
  /** The tool it belongs to. */
  source: string;
  bytes: number;
  /** Lower-case hex, where the cache names files by their content. */
  sha256?: string;
}

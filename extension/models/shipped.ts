// The pairs of models that come with Octet, and which of them is used where nothing is named.
export interface ShippedPair {
  /** Names of files in models/. */
  target: string;
  draft: string;
  /** For lists. */
  about: string;
}

export const shippedPairs = {
  small: {
    target: "octet-starter-6M-q8_0.gguf", draft: "octet-starter-1M-draft-q8_0.gguf",
    about: "Tiny and fast: to see how it works.",
  },
  coder: {
    target: "octet-coder-80M-q8_0.gguf", draft: "octet-coder-10M-draft-q8_0.gguf",
    about: "Small and fast: short completions, mostly Python and TypeScript.",
  },
} satisfies Record<string, ShippedPair>;

type Name = keyof typeof shippedPairs;

/** What a user has who names nothing. "coder" once its two files are in models/ (docs/training.md, "Shipping"). */
export const DEFAULT_PAIR: Name = "small";

/** The variable OCTET_SHIPPED_PAIR names another than the usual one, as tests do, which stay with the small pair. */
export function shippedPair(env: NodeJS.ProcessEnv = process.env, usual: Name = DEFAULT_PAIR): ShippedPair {
  const named = env["OCTET_SHIPPED_PAIR"] ?? "";
  return shippedPairs[Object.hasOwn(shippedPairs, named) ? (named as Name) : usual];
}

// Parsing and building query strings.

export interface Query {
  [name: string]: string;
}

/** Returns the parameters of a query string. */
export function parseQuery(text: string): Query {
  const query: Query = {};
  for (const part of text.split("&")) {
    const [name, value] = part.split("=");
    if (name !== undefined) {
      query[name] = decodeURIComponent(value ?? "");
    }
  }
  return query;
}

/** Returns the query string of some parameters. */
export function formatQuery(query: Query): string {

// The page of a view: one script and one style sheet of dist/webview, and no rights beyond them.
import { randomBytes } from "node:crypto";

export interface PageOptions {
  /** As `Webview.cspSource`. */
  cspSource: string;
  script: string;
  style: string;
  title: string;
}

export const newNonce = (): string => randomBytes(24).toString("base64url");

/** Inline style attributes are refused too; scripts set single properties, which no policy forbids. */
export function viewPage({ cspSource, script, style, title }: PageOptions, nonce = newNonce()): string {
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src ${cspSource}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${escaped(style)}">
<title>${escaped(title)}</title>
</head>
<body>
<div id="root"></div>
<script nonce="${nonce}" src="${escaped(script)}"></script>
</body>
</html>
`;
}

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

// The page of a view: its policy, and that nothing given to it can leave its attribute.
import { describe, expect, it } from "vitest";
import { newNonce, viewPage } from "../../extension/views/html";

const page = { cspSource: "https://*.example", script: "https://a/x.js", style: "https://a/x.css", title: "T" };

describe("viewPage", () => {
  it("allows its own script by nonce, its own style sheet, and nothing else", () => {
    const html = viewPage(page, "NONCE");
    expect(html).toContain(`content="default-src 'none'; script-src 'nonce-NONCE'; style-src https://*.example"`);
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).toContain('<script nonce="NONCE" src="https://a/x.js">');
    expect(html).not.toMatch(/unsafe|\son\w+=|style="/);
  });

  it("escapes what it is given, and takes another nonce each time", () => {
    expect(viewPage({ ...page, title: '</title><script>"' })).not.toContain("</title><script>\"");
    expect(newNonce()).not.toBe(newNonce());
    expect(newNonce().length).toBeGreaterThanOrEqual(32);
  });
});

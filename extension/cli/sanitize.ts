// Makes text of a model, a file or the system safe to print: control characters and escape sequences become visible
// pictures, and characters that reorder the line (bidirectional controls) are spelt out.

// Everything but tab and newline of C0; DEL and C1; bidirectional controls; line and paragraph separators.
const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function picture(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `\\u${code.toString(16).padStart(4, "0")}`;
}

/** Text with its newlines and tabs, and nothing else that a terminal would act on. */
export function sanitize(text: string): string {
  return text.replace(/\r\n/g, "\n").toWellFormed().replace(unsafe, picture);
}

/** The same on one line: runs of white space become one space. */
export function oneLine(text: string): string {
  return sanitize(text.replace(/\s+/g, " ").trim());
}

/** JSON that stays inert when printed: DEL, C1 and bidirectional controls are escaped too; it parses to the same value. */
export function inertJson(value: unknown): string {
  return JSON.stringify(value, null, 2)
    .replace(/[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, picture7);
}

const picture7 = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

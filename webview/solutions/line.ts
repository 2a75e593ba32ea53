// A line of code in the page: text as it is where it has no look of its own, and a span for every stretch that has.

import { el } from "../shared/dom";
import type { Segment } from "./segments";

/** Makes `row` show these segments, with as few new nodes as it can. `caret` stays where it is in the row, at its end. */
export function drawLine(row: HTMLElement, segments: readonly Segment[], caret: HTMLElement): void {
  let node = row.firstChild;
  for (const { text, className } of segments) {
    if (className === "" ? node instanceof Text : node instanceof HTMLSpanElement && node !== caret) {
      const content = (className === "" ? node : node!.firstChild) as Text;
      if (content.data !== text) content.data = text;
      if (className !== "" && (node as HTMLSpanElement).className !== className) (node as HTMLSpanElement).className = className;
      node = node!.nextSibling;
    } else {
      row.insertBefore(className === "" ? new Text(text) : el("span", className, text), node);
    }
  }
  while (node && node !== caret) {
    const next: ChildNode | null = node.nextSibling;
    node.remove();
    node = next;
  }
}

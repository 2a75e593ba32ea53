// The few icons of the views, drawn as paths on a 16 × 16 grid in the text's colour.

import { svg } from "./dom";

const PATHS = {
  copy: "M5.5 5.5h7v8h-7zM3.5 10.5v-8h7",
  diff: "M8 2.5v6M5 5.5h6M5 12.5h6",
  stop: "M4.5 4.5h7v7h-7z",
  chevron: "M6 4l4 4-4 4",
  warning: "M8 2.5l6 11H2zM8 6.5v3.5M8 11.6v.6",
} as const;

export function icon(name: keyof typeof PATHS): SVGSVGElement {
  const element = svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" });
  element.append(svg("path", { d: PATHS[name] }));
  return element;
}

// The sparkline of per-token latency: one path, coloured by the style sheet.

import { svg } from "../shared/dom";
import { HEIGHT, WIDTH, sparklinePath } from "./sparklinePath";

export class Sparkline {
  readonly element = svg("svg", {
    class: "sparkline",
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  private readonly path = svg("path", { "vector-effect": "non-scaling-stroke" });

  constructor() {
    this.element.append(this.path);
  }

  draw(latencies: readonly number[]): void {
    this.path.setAttribute("d", sparklinePath(latencies));
  }
}

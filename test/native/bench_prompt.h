// The prompt of the native benchmarks: about 100 tokens of TypeScript.
#pragma once

namespace octet {

inline constexpr const char* kBenchPrompt =
    "import { readFile } from \"node:fs/promises\";\n\nexport interface Point {\n  x: number;\n  y: number;\n}\n\n"
    "/** The distance between two points. */\nexport function distance(a: Point, b: Point): number {\n"
    "  return Math.hypot(a.x - b.x, a.y - b.y);\n}\n\n/** The pair of points closest to each other. */\n"
    "export function closestPair(points: Point[]): [Point, Point] | undefined {\n";

}  // namespace octet

"""Loss curves as an SVG drawing. Standard library only.

Usage: python3 plot.py OUT.svg NAME.log.jsonl ... [--title TITLE] [--key heldout|loss]

The horizontal axis is tokens, the vertical one the loss in nats per token (for a draft: the distillation's objective).
"""
import argparse
import json
import math
import os
import sys
from xml.sax.saxutils import escape

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from inputs import NUMBER, BadInput, fitting, reading, run, whole                       # noqa: E402

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 60, 20, 40, 50
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")          # Okabe and Ito's


def ticks(low, high, wanted=5):
    """Round numbers from low to high: about `wanted` of them, 1, 2 or 5 times a power of ten apart."""
    raw = max(high - low, 1e-9) / wanted
    unit = 10 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)
    return [index * step for index in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def draw(curves, title):
    """curves: {label: [(tokens, loss)]}. Returns the SVG's text."""
    points = [point for curve in curves.values() for point in curve]
    right, low, high = max(x for x, _ in points) or 1, min(y for _, y in points), max(y for _, y in points)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    across = lambda x: LEFT + x / right * (WIDTH - LEFT - RIGHT)
    up = lambda y: HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - TOP - BOTTOM)
    unit, name = (1e9, "billion") if right >= 1e9 else (1e6, "million") if right >= 1e6 else (1e3, "thousand")
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>']
    for y in ticks(low, high):
        parts.append(f'<path d="M{LEFT} {up(y):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
                     f'<text x="{LEFT - 6}" y="{up(y) + 4:.1f}" text-anchor="end">{y:.4g}</text>')
    for x in ticks(0, right):
        parts.append(f'<text x="{across(x):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{x / unit:.4g}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{name} tokens</text>')
    for number, (label, curve) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        line = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in curve)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{WIDTH - RIGHT}" y="{TOP + 14 + 16 * number}" text-anchor="end" fill="{colour}">{escape(label)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def read(path, key):
    """(tokens, loss) of a log; of steps written twice, since a cut run was resumed from earlier, the later. A line that a killed
    run wrote in part is left out."""
    entries, kind = {}, "a curve, NAME.log.jsonl, of train.py or distill.py"
    with reading(path, kind, UnicodeDecodeError), open(path, encoding="utf8") as file:
        for line in file:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            fitting(entry, path, kind, {"step": int, "tokens": int, key: NUMBER})
            entries[entry["step"]] = entry["tokens"], entry[key]
    if not entries:
        raise BadInput(f"{path} has no entries yet; name {kind}")
    return [entries[step] for step in sorted(entries)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("logs", nargs="+")
    parser.add_argument("--title", default="Held-out loss, nats per token")
    parser.add_argument("--key", choices=("heldout", "loss"), default="heldout")
    options = parser.parse_args()
    curves = {os.path.basename(path).removesuffix(".log.jsonl"): read(path, options.key) for path in options.logs}
    with whole(options.out) as file:
        file.write(draw(curves, options.title))


if __name__ == "__main__":
    run(main)

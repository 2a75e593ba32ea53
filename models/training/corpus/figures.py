"""What a corpus holds, for docs/training.md: by language and by licence, in Markdown; and the list of its packages.

Usage: python3 corpus/figures.py CORPUS --tokenizer tokenizer.json [--packages corpus/packages.tsv]

Tokens of a language: its bytes over the bytes per token of up to 100 held-out files, times how often prepare.py shows a file.
"""
import argparse
import collections
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from heldout import chosen                                                              # noqa: E402
from inputs import BadInput, check_writable, document, run, text_of, whole              # noqa: E402
from prepare import WEIGHTS                                                             # noqa: E402
from tokenizer import Tokenizer                                                         # noqa: E402

MANIFEST = {"languages": {str: {"files": int, "bytes": int}}, "failed": [str],
            "packages": [{"package": str, "licence": str, "files": int, "bytes": int, "heldout": bool, "refused": {str: int}}]}


def bytes_per_token(folder, tokenizer, limit=100):
    """Of the files of a folder together; None where there is none."""
    size = tokens = 0
    for path in chosen(folder, limit) if os.path.isdir(folder) else []:
        text = text_of(path, "a held-out file")
        size += len(text.encode())
        tokens += len(tokenizer.encode(text))
    return size / tokens if tokens else None


def languages(manifest, rates, usual):
    """Rows [language, files, MB, bytes per token, shown, M tokens, held-out files], largest first, and a row of sums."""
    rows = []
    for name, sums in manifest["languages"].items():
        part, language = name.split(" ", 1)
        if part == "training":
            held, rate, shown = manifest["languages"].get(f"heldout {language}", {"files": 0}), rates.get(language) or usual, WEIGHTS.get(language, 1)
            rows.append([language, sums["files"], sums["bytes"] / 1e6, rate, shown, sums["bytes"] / rate * shown / 1e6, held["files"]])
    rows.sort(key=lambda row: -row[5])
    total = [sum(row[at] for row in rows) for at in (1, 2, 5, 6)]
    return [*rows, ["**all**", total[0], total[1], None, None, total[2], total[3]]]


def licences(manifest):
    """Rows [licence, packages, MB] of what was kept, most bytes first; the rare together."""
    sums = collections.defaultdict(lambda: [0, 0])
    for package in manifest["packages"]:
        if package["bytes"]:
            sums[package["licence"]][0] += 1
            sums[package["licence"]][1] += package["bytes"] / 1e6
    rows = sorted(([name, *values] for name, values in sums.items()), key=lambda row: -row[2])
    few = rows[12:]
    return rows[:12] + ([[f"{len(few)} others, each a combination or a spelling of these", sum(r[1] for r in few), sum(r[2] for r in few)]] if few else [])


def markdown(header, rows, digits):
    cell = lambda value, at: "" if value is None else f"{value:,.{digits[at]}f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *([cell(value, at) for at, value in enumerate(row)] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--packages")
    options = parser.parse_args()
    if options.packages:
        check_writable(options.packages)
    manifest = document(os.path.join(options.corpus, "manifest.json"), "the manifest.json of corpus/build.py", MANIFEST)
    tokenizer, held = Tokenizer.load(options.tokenizer), os.path.join(options.corpus, "heldout")
    names = {name.split(" ", 1)[1] for name in manifest["languages"]}
    rates = {name: bytes_per_token(os.path.join(held, name), tokenizer) for name in names}
    known = [rate for rate in rates.values() if rate]
    if not known:
        raise BadInput(f"{held} holds no held-out file with text; name a corpus of corpus/build.py that has some")
    rows = languages(manifest, rates, sum(known) / len(known))
    print(markdown(["language", "files", "MB", "bytes per token", "shown", "M tokens", "held-out files"], rows, [0, 0, 1, 2, 1, 1, 0]))
    print()
    print(markdown(["licence", "packages", "MB"], licences(manifest), [0, 0, 1]))
    kept = [package for package in manifest["packages"] if package["bytes"]]
    refused = collections.Counter()
    for package in manifest["packages"]:
        refused.update(package["refused"] if package["licence"] else {"files of packages without a permitted licence": 0})
    print(f"\n{len(kept)} packages gave files, {sum(not p['licence'] for p in manifest['packages'])} have no permitted licence, "
          f"{len(manifest['failed'])} could not be had. Files refused: " + ", ".join(f"{n:,} {reason}" for reason, n in refused.most_common() if n))
    if options.packages:
        with whole(options.packages) as file:
            file.write("package\tversion\tlicence\tfiles\tbytes\tpart\n")
            for package in kept:
                values = [package["package"], package["version"], package["licence"], package["files"], package["bytes"], "held out" if package["heldout"] else "training"]
                file.write("\t".join(map(str, values)) + "\n")


if __name__ == "__main__":
    run(main)

"""The report on a pair, from the files of `octet eval` (measure.sh) and of the training: a Markdown page and the loss curves beside it.

Usage: python3 report.py OUT.md --pair "NAME=FOLDER" [--pair "NAME=FOLDER" ...] [--logs NAME.log.jsonl ...] [--evaluation FILE]
                         [--note TEXT]

The first pair is the one reported on; where there is another, the last one, "what must hold" compares the two. What a folder does
not have is left out. Curves go to OUT.svg. Standard library only.
"""
import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import plot                                                                             # noqa: E402
from corpus import filters                                                              # noqa: E402
from inputs import NUMBER, BadInput, document, fitting, run, whole                      # noqa: E402

SUITES = ("loss", "acceptance-python", "acceptance-typescript", "infill", "humaneval")
TRAINED_ON = set(filters.LANGUAGES.values())
MODEL = {"parameters": NUMBER, "architecture": str, "layers": int, "vocabularySize": int, "trainedContext": int, "fileBytes": NUMBER}
ROWS = {"method": str, "problems": int}
HOLDS = {"loss": {"files": [{"language": str, "bytes": int, "target": NUMBER, "draft": NUMBER}]},
         "acceptance": {"parameters": dict, "summary": [{"language": str, "temperature": NUMBER, "batch": int}]},
         "infill": {"summary": [{**ROWS, "groups": {"kind": str}}]}, "humaneval": {"parameters": dict, "device": dict, "summary": [ROWS]}}
SHARES = {"files": int, "acceptance": {temperature: NUMBER for temperature in ("0", "0.2", "0.8")}}
LEAST_ACCEPTANCE, LEAST_GAIN, LARGEST_DRAFT = 0.65, 0.25, 1 / 8


def read(folder):
    """{suite: document} of a folder. Raises BadInput where a document was cut short, or is none of its suite."""
    found = {}
    for suite in SUITES:
        path = os.path.join(folder, suite + ".json")
        if os.path.exists(path):
            kind = f"what octet eval {suite.split('-')[0]} --json writes"
            found[suite] = document(path, kind, {"complete": bool})
            if not found[suite]["complete"]:
                raise BadInput(f"{path} was cut short; measure again")
            fitting(found[suite], path, kind, {"models": {"target": MODEL, "draft": MODEL}, **HOLDS[suite.split("-")[0]]})
    if not found:
        raise BadInput(f"{folder} has none of {', '.join(name + '.json' for name in SUITES)}; name a folder of measure.sh")
    return found


def table(header, rows):
    """Markdown: the first column to the left, others to the right."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def number(value, digits=2):
    return "–" if value is None else f"{value:.{digits}f}"


def share(estimate):
    """An estimate with its interval, in per cent."""
    if estimate is None:
        return "–"
    value, interval = estimate["value"], estimate["interval"]
    return f"{100 * value:.1f} %" + (f" [{100 * interval['low']:.0f}–{100 * interval['high']:.0f}]" if interval else "")


def bits_of(document, scorer, languages=None):
    """Bits per byte over the files of some languages, or of all; None where there are none."""
    files = [file for file in document["files"] if languages is None or file["language"] in languages]
    return sum(file[scorer] for file in files) / sum(file["bytes"] for file in files) if files else None


def unmeasured(languages):
    """A sentence on the languages of the corpus of which there is no file in a table, or nothing."""
    missing = sorted(set(TRAINED_ON) - set(languages))
    return f"\n\nTrained on, but without a held-out file here, so that nothing is known of them: {', '.join(missing)}." if missing else ""


def acceptance_rows(pair):
    return [row for suite in ("acceptance-python", "acceptance-typescript") for row in pair.get(suite, {"summary": []})["summary"]]


def models_part(pairs):
    rows = []
    for name, pair in pairs.items():
        models = next(iter(pair.values()))["models"]
        for role in ("target", "draft"):
            model = models[role]
            rows.append([f"{name}, {role}", f"{model['parameters'] / 1e6:.1f}M", model["architecture"], model["layers"], model["vocabularySize"],
                         model["trainedContext"], f"{model['fileBytes'] / 1e6:.1f}"])
    return table(["model", "parameters", "architecture", "layers", "vocabulary", "context", "MB"], rows)


def loss_part(pairs):
    some = next(pair["loss"] for pair in pairs.values() if "loss" in pair)
    header = ["language", "files", "bytes"] + [f"{name}, {role}" for name in pairs for role in ("target", "draft")]
    rows = []
    for language in sorted({file["language"] for file in some["files"]}) + [None]:
        files = [file for file in some["files"] if language in (None, file["language"])]
        bits = lambda pair, role: number(bits_of(pair["loss"], role, language and {language}), 3) if "loss" in pair else "–"
        cells = [bits(pair, role) for pair in pairs.values() for role in ("target", "draft")]
        rows.append([language or "**all**", len(files), f"{sum(file['bytes'] for file in files):,}", *cells])
    text = "## Bits per byte of held-out files\n\n`octet eval loss`; fewer are better.\n\n"
    return text + table(header, rows) + unmeasured(file["language"] for file in some["files"])


def acceptance_part(pairs):
    keys = {}
    for name, pair in pairs.items():
        for row in acceptance_rows(pair):
            keys.setdefault((row["language"], row["temperature"], row["batch"]), {})[name] = row
    header = ["language", "temperature", "batch"] + [f"{name}, {what}" for name in pairs for what in ("per token", "accepted", "tokens a step")]
    rows = []
    for (language, temperature, batch), found in sorted(keys.items()):
        cells = []
        for name in pairs:
            row = found.get(name)
            cells += [share(row["perToken"]), share(row["acceptanceRate"]), number(row["tokensPerStep"])] if row else ["–"] * 3
        rows.append([language, temperature, batch, *cells])
    parameters = next(pair[suite] for pair in pairs.values() for suite in pair if suite.startswith("acceptance"))["parameters"]
    text = (f"`octet eval acceptance`, draft length {parameters['draftLength']}, top-p {parameters['topP']}, at most "
            f"{parameters['newTokens']} tokens a lane. *per token*: of the drafted tokens that were looked at, those kept; *accepted*: of all "
            "drafted, those behind a rejected one included.")
    return "## Acceptance\n\n" + text + "\n\n" + table(header, rows)


def foretold_part(evaluation):
    rows = [[language, figures["files"], *(f"{100 * figures['acceptance'][t]:.1f} %" for t in ("0", "0.2", "0.8"))]
            for language, figures in [*evaluation["languages"].items(), ("**all**", evaluation["all"])]]
    return ("## Acceptance to expect on text as it stands\n\nThe mean of Σ min(p, q) over every position of the held-out files, computed by the "
            "training code (`evaluate.py`), without truncation.\n\n" + table(["language", "files", "at 0", "at 0.2", "at 0.8"], rows)
            + unmeasured(evaluation["languages"]))


def infill_part(pairs):
    rows = []
    for name, pair in pairs.items():
        if "infill" in pair:
            rows += [[f"{name}, {row['groups']['kind']}", row["groups"].get("language", "all"), row["problems"], share(row["passFirst"]),
                      share(row["passAll"])]
                     for row in [*pair["infill"]["summary"], *pair["infill"].get("breakdown", [])] if row["method"] == "bass"]
    return ("## Infilling, exact match\n\n`octet eval infill`, eight candidates.\n\n"
            + table(["pair and kind", "language", "holes", "best-ranked of 8", "any of 8"], rows))


def humaneval_part(pairs):
    rows = []
    for name, pair in pairs.items():
        if "humaneval" in pair:
            rows += [[f"{name}, {row['method']}", row["problems"], share(row["passFirst"]), share(row["passAll"]), share(row["passFinished"]),
                      number((row["finished"] or {}).get("value")), number((row["tokensPerSecond"] or {}).get("value"), 0)]
                     for row in pair["humaneval"]["summary"]]
    one = next(pair["humaneval"] for pair in pairs.values() if "humaneval" in pair)
    text = (f"`octet eval humaneval`, eight candidates within {one['parameters']['budgetMs'] / 1000:g} s: "
            f"{one['device']['description'] or one['device']['name']}, runtime {one['runtime']}, {one['threads']} threads. "
            "Finished lanes and tokens per second belong to that machine.")
    header = ["pair and method", "problems", "Pass@First", "Pass@All", "Pass@Finished", "finished", "tok/s"]
    return "## HumanEval\n\n" + text + "\n\n" + table(header, rows)


def must_hold(new, small):
    """[(claim, figure, holds)] of the first pair against the last."""
    claims = []
    for row in acceptance_rows(new):
        if row["temperature"] == 0.2 and row["perToken"]:
            value = row["perToken"]["value"]
            claim = f"acceptance per token ≥ {LEAST_ACCEPTANCE} at temperature 0.2: {row['language']}, batch {row['batch']}"
            claims.append((claim, number(value), value >= LEAST_ACCEPTANCE))
    models = next(iter(new.values()))["models"]
    cost = models["draft"]["parameters"] / models["target"]["parameters"]
    claims.append(("draft at most 1/8 of the target, in parameters", number(cost, 3), cost <= LARGEST_DRAFT))
    bits = [bits_of(pair["loss"], "target") if "loss" in pair else None for pair in (new, small)]
    if all(bits):
        gain = 1 - bits[0] / bits[1]
        claim = f"target's bits per byte at least {100 * LEAST_GAIN:.0f} % below the small pair's"
        claims.append((claim, f"{100 * gain:.1f} % below", gain >= LEAST_GAIN))
    total = (models["draft"]["fileBytes"] + models["target"]["fileBytes"]) / 1e6
    claims.append(("both files at most 150 MB", f"{total:.1f} MB", total <= 150))
    return claims


def page(pairs, evaluation=None, curves=None, note=None):
    """The page's text. pairs: {name: read(folder)}. note: a paragraph to begin with."""
    first, last = list(pairs)[0], list(pairs)[-1]
    parts = [f"# {first[:1].upper() + first[1:]} pair: figures", *([note] if note else []), models_part(pairs)]
    if first != last:
        rows = [[claim, figure, "yes" if holds else "**no**"] for claim, figure, holds in must_hold(pairs[first], pairs[last])]
        parts.append("## What must hold\n\n" + table(["", "figure", "holds"], rows))
    if curves:
        parts.append(f"## Loss curves\n\n![Held-out loss over tokens]({curves})")
    for suite, part in (("loss", loss_part), ("acceptance", acceptance_part), ("infill", infill_part), ("humaneval", humaneval_part)):
        if any(name.startswith(suite) for pair in pairs.values() for name in pair):
            parts.append(part(pairs))
    if evaluation:
        parts.append(foretold_part(evaluation))
    return "\n\n".join(parts) + "\n"


def write(path, text):
    with whole(path) as file:
        file.write(text)


def named(text):
    """For argparse: NAME=FOLDER."""
    name, equals, folder = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=FOLDER")
    return name, folder


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--pair", action="append", required=True, type=named, metavar="NAME=FOLDER")
    parser.add_argument("--logs", nargs="*", default=[])
    parser.add_argument("--evaluation")
    parser.add_argument("--note", help="a paragraph to begin the page with: how it was measured")
    options = parser.parse_args()
    pairs = {name: read(folder) for name, folder in options.pair}
    evaluation = None
    if options.evaluation:
        evaluation = document(options.evaluation, "the evaluation.json of evaluate.py", {"languages": {str: SHARES}, "all": SHARES})
    curves = os.path.splitext(options.out)[0] + ".svg" if options.logs else None
    if curves:
        logs = {os.path.basename(log).removesuffix(".log.jsonl"): plot.read(log, "heldout") for log in options.logs}
        write(curves, plot.draw(logs, "Held-out loss, nats per token (draft: distance to the target)"))
    write(options.out, page(pairs, evaluation, curves and os.path.basename(curves), options.note))


if __name__ == "__main__":
    run(main)

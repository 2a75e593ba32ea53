"""Held-out files under a target and its draft: bits per byte by language, and the acceptance to expect. One JSON document.

Usage: python3 evaluate.py --target TARGET.pt --draft DRAFT.pt --tokenizer tokenizer.json --files HELDOUT [--limit 200] [--out FILE]

HELDOUT/LANGUAGE/ holds files as corpus/build.py leaves them. A file is scored in windows of the context, each from its own
beginning, its first token foretold from a new line, as `octet eval loss` does. Acceptance is the mean over positions of
sum(min(p, q)), the share of drafted tokens the target keeps (Leviathan et al. 2023), without truncation; at temperature 0
it is the share of positions where both models' likeliest tokens agree. "files" holds the bits of each file that fits one window,
for check_export.py.
"""
import argparse
import json
import math
import os

from packages import torch

import loop
from heldout import KIND, chosen, languages
from inputs import BadInput, check_writable, run, text_of, whole
from tokenizer import Tokenizer

TEMPERATURES = (0, 0.2, 0.8)
SLACK = 64                                     # tokens that `octet eval loss` leaves free in its windows


def acceptance(p, q, temperature):
    """Sum over positions of sum(min(p, q)). p, q: logits [T, V] of target and draft."""
    if temperature == 0:
        return (p.argmax(-1) == q.argmax(-1)).sum().item()
    return torch.minimum((p / temperature).softmax(-1), (q / temperature).softmax(-1)).sum().item()


def score(text, tokenizer, target, draft, device):
    """Sums over one text: bytes, tokens, bits under each model, accepted at each temperature."""
    ids, newline = tokenizer.encode(text), tokenizer.encode("\n")
    sums = {"files": 1, "bytes": len(text.encode()), "tokens": len(ids), "target": 0.0, "draft": 0.0, **{f"at {t}": 0.0 for t in TEMPERATURES}}
    room = target.shape.context - len(newline)
    for start in range(0, len(ids), room):
        window = torch.tensor([newline + ids[start:start + room]], device=device)
        wanted = window[0, len(newline):]
        logits = {name: model(window)[0, len(newline) - 1:-1].float() for name, model in (("target", target), ("draft", draft))}
        for name, rows in logits.items():
            sums[name] += torch.nn.functional.cross_entropy(rows, wanted, reduction="sum").item() / math.log(2)
        for t in TEMPERATURES:
            sums[f"at {t}"] += acceptance(logits["target"], logits["draft"], t)
    return sums


def figures(sums):
    return {"files": sums["files"], "bytes": sums["bytes"], "bytes_per_token": sums["bytes"] / sums["tokens"],
            "bits_per_byte": {name: sums[name] / sums["bytes"] for name in ("target", "draft")},
            "acceptance": {str(t): sums[f"at {t}"] / sums["tokens"] for t in TEMPERATURES}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("target", "draft", "tokenizer", "files"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--limit", type=int, default=200, help="files of a language")
    parser.add_argument("--out")
    parser.add_argument("--threads", type=int, default=1, help="on a CPU")
    options = parser.parse_args()
    if options.out:
        check_writable(options.out)
    folders, tokenizer = languages(options.files), Tokenizer.load(options.tokenizer)
    if not folders:
        raise BadInput(f"{options.files} holds no folder of a language; name {KIND}")
    torch.set_num_threads(options.threads)
    device = loop.device_here()
    target, draft = (loop.load_model(path, device) for path in (options.target, options.draft))
    for path, model in ((options.target, target), (options.draft, draft)):
        if model.shape.vocabulary != tokenizer.size:
            raise BadInput(f"{options.tokenizer} has {tokenizer.size} tokens, {path} {model.shape.vocabulary}; name two that belong together")
    results, total, files = {}, {}, {}
    with torch.no_grad():
        for language in folders:
            sums = {}
            for path in chosen(os.path.join(options.files, language), options.limit):
                text = text_of(path, "a held-out file")
                one = score(text, tokenizer, target, draft, device) if text else {}
                for key, value in one.items():
                    sums[key] = sums.get(key, 0) + value
                if one and one["tokens"] <= target.shape.context - SLACK:
                    files[f"{language}/{os.path.basename(path)}"] = {key: one[key] for key in ("bytes", "tokens", "target", "draft")}
            if sums:
                results[language] = figures(sums)
                total = {key: total.get(key, 0) + value for key, value in sums.items()}
                print(language, json.dumps(results[language]), flush=True)
    if not total:
        raise BadInput(f"{options.files} holds folders of languages and no file with text in them; name {KIND}")
    report = {"target": options.target, "draft": options.draft, "context": target.shape.context, "languages": results, "all": figures(total),
              "files": files}
    print("all", json.dumps(report["all"]))
    if options.out:
        with whole(options.out) as file:
            json.dump(report, file, indent=1)


if __name__ == "__main__":
    run(main)

"""Whether exported GGUF files are the models that were trained: bits of held-out files here and under `octet eval loss`.

Usage: python3 check_export.py --target TARGET.pt --draft DRAFT.pt --tokenizer tokenizer.json --gguf TARGET.gguf DRAFT.gguf
                               --files HELDOUT/LANGUAGE [--limit 10] [--tolerance 0.01]

Runs `node dist/cli.js eval loss` on copies of the --limit smallest files that fit one window, and compares file by file.
Exit code 1 where any file's bits differ by more than --tolerance of themselves (F16: 0.002 holds; Q8_0: 0.01).
"""
import argparse
import json
import os
import shutil
import subprocess
import tempfile

import torch

import loop
from evaluate import score
from tokenizer import Tokenizer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SLACK = 64                                     # tokens that eval loss leaves free in its windows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("target", "draft", "tokenizer", "files"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--gguf", nargs=2, required=True, metavar=("TARGET", "DRAFT"))
    parser.add_argument("--limit", type=int, default=10)
    parser.add_argument("--tolerance", type=float, default=0.01)
    options = parser.parse_args()
    torch.set_num_threads(1)
    device, tokenizer = torch.device("cpu"), Tokenizer.load(options.tokenizer)
    target, draft = (loop.load_model(path, device) for path in (options.target, options.draft))
    paths = sorted((os.path.join(options.files, name) for name in os.listdir(options.files)), key=os.path.getsize)
    here = {}
    with tempfile.TemporaryDirectory(prefix="octet-export-") as folder, torch.no_grad():
        for path in paths[:20 * options.limit]:
            with open(path, encoding="utf8", newline="") as file:
                text = file.read()
            if len(here) < options.limit and 0 < len(tokenizer.encode(text)) <= target.shape.context - SLACK:
                shutil.copy(path, folder)
                here[os.path.basename(path)] = score(text, tokenizer, target, draft, device)
        if not here:
            raise SystemExit(f"no file of {options.files} fits a window of {target.shape.context - SLACK} tokens")
        command = ["node", os.path.join(ROOT, "dist/cli.js"), "eval", "loss", "--files", folder, "--target", options.gguf[0],
                   "--draft", options.gguf[1], "--device", "cpu", "--kv", "f32", "--json"]
        there = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    worst = 0.0
    for sample in there["files"]:
        mine = here.pop(os.path.basename(sample["file"]))
        if sample["tokens"] != mine["tokens"]:
            raise SystemExit(f"{sample['file']}: {mine['tokens']} tokens here, {sample['tokens']} there")
        for name in ("target", "draft"):
            off = abs(sample[name] / mine[name] - 1)
            worst = max(worst, off)
            print(f"{sample['file']} {name}: {mine[name]:.2f} bits here, {sample[name]:.2f} there, off by {off:.5f}")
    if here:
        raise SystemExit(f"octet eval loss left out {', '.join(here)}")
    print(f"worst: {worst:.5f}")
    if worst > options.tolerance:
        raise SystemExit(f"the files are not the models that were trained: off by {worst:.5f}, more than {options.tolerance}")


if __name__ == "__main__":
    main()

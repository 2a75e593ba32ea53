"""Whether exported GGUF files are the models that were trained: bits of held-out files in evaluation.json, which the training code
wrote (evaluate.py), and under `octet eval loss`. Needs no PyTorch.

Usage: python3 check_export.py --expected evaluation.json --gguf TARGET.gguf DRAFT.gguf --files HELDOUT [--limit 10] [--tolerance 0.01]

Takes the --limit smallest files of HELDOUT/LANGUAGE/ that evaluation.json has. Exit code 1 where any file's bits differ by more
than --tolerance of themselves (F16: 0.002 holds; Q8_0: 0.01).
"""
import argparse
import json
import os
import subprocess
import tempfile

from inputs import NUMBER, BadInput, check_readable, copy, document, names_in, positive, run

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIGURES = {"files": {str: {"bytes": int, "tokens": int, "target": NUMBER, "draft": NUMBER}}}
GGUF, HELDOUT = "a GGUF file of to_gguf.py", "the heldout folder that corpus/build.py wrote"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--expected", required=True)
    parser.add_argument("--files", required=True)
    parser.add_argument("--gguf", nargs=2, required=True, metavar=("TARGET", "DRAFT"))
    parser.add_argument("--limit", type=positive(int), default=10)
    parser.add_argument("--tolerance", type=float, default=0.01)
    options = parser.parse_args()
    expected = document(options.expected, "the evaluation.json of evaluate.py", FIGURES)["files"]
    names_in(options.files, HELDOUT)
    for path in options.gguf:
        check_readable(path, GGUF)
    names = sorted((n for n in expected if os.path.exists(os.path.join(options.files, n))), key=lambda n: (expected[n]["bytes"], n))[:options.limit]
    if not names:
        raise BadInput(f"{options.files} has no file that {options.expected} knows; name {HELDOUT}")
    here = {os.path.basename(name): expected[name] for name in names}
    with tempfile.TemporaryDirectory(prefix="octet-export-") as folder:
        for name in names:
            copy(os.path.join(options.files, name), folder, "a held-out file")
        command = ["node", os.path.join(ROOT, "dist/cli.js"), "eval", "loss", "--files", folder, "--target", options.gguf[0],
                   "--draft", options.gguf[1], "--device", "cpu", "--kv", "f32", "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode == 2:
            raise BadInput(f"octet eval loss refuses {' and '.join(options.gguf)}, see above; name what to_gguf.py wrote")
        if done.returncode:
            raise SystemExit(f"octet eval loss ended with exit code {done.returncode}, see above")
        there = json.loads(done.stdout)
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
    run(main)

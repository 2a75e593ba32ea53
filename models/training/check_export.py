"""Whether exported GGUF files are the models that were trained: bits of held-out files in evaluation.json, which the training code
wrote (evaluate.py), and under `octet eval loss`. Needs no PyTorch.

Usage: python3 check_export.py --expected evaluation.json --gguf TARGET.gguf DRAFT.gguf --files HELDOUT [--limit 10] [--tolerance 0.01]

Takes the --limit smallest files of HELDOUT/LANGUAGE/ that evaluation.json has. Exit code 1 where any file's bits differ by more
than --tolerance of themselves (F16: 0.002 holds; Q8_0: 0.01).
"""
import argparse
import json
import os
import shutil
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--expected", required=True)
    parser.add_argument("--files", required=True)
    parser.add_argument("--gguf", nargs=2, required=True, metavar=("TARGET", "DRAFT"))
    parser.add_argument("--limit", type=int, default=10)
    parser.add_argument("--tolerance", type=float, default=0.01)
    options = parser.parse_args()
    with open(options.expected, encoding="utf8") as file:
        expected = json.load(file)["files"]
    names = sorted((n for n in expected if os.path.exists(os.path.join(options.files, n))), key=lambda n: (expected[n]["bytes"], n))[:options.limit]
    if not names:
        raise SystemExit(f"{options.files} has no file that {options.expected} knows")
    here = {os.path.basename(name): expected[name] for name in names}
    with tempfile.TemporaryDirectory(prefix="octet-export-") as folder:
        for name in names:
            shutil.copy(os.path.join(options.files, name), folder)
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

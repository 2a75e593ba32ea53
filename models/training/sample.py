"""Text that the target writes, for the draft to learn from: MIXED/train.bin is REPEAT times the samples, and windows of the corpus
drawn so that the samples are SHARE of it all.

Usage: python3 sample.py --target TARGET.pt --data DIR --out MIXED [--minutes 1] [--batch 512] [--repeat 4] [--share 0.2]

A sample is the first half of a window of the corpus and as many tokens drawn from the target, at temperature 0.2, 0.8 or 1.
"""
import argparse
import os
import time

from packages import np, torch

import loop
from inputs import check_readable, copy, make_folder, positive, run, writing
from windows import Windows

KIND = "a file of prepare.py"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("target", "data", "out"):
        parser.add_argument(f"--{name}", required=True)
    for name, kind, default in (("minutes", float, 1), ("batch", positive(int), 512), ("repeat", int, 4), ("share", positive(float), 0.2),
                                ("length", positive(int), 512)):
        parser.add_argument(f"--{name}", type=kind, default=default)
    options = parser.parse_args()
    make_folder(options.out)
    for name in ("heldout.bin", "meta.json"):
        check_readable(os.path.join(options.data, name), KIND)
    device = loop.device_here()
    torch.manual_seed(1)
    target = loop.load_model(options.target, device, loop.arithmetic(device))
    context = target.shape.context
    length = min(options.length, context)
    source, rows, began = Windows(os.path.join(options.data, "train.bin"), length, seed=1), [], time.time()
    while not rows or time.time() - began < 60 * options.minutes:
        prompts = source.batch(len(rows), options.batch, device)[:, :length // 2]
        rows.append(target.continued(prompts, length - length // 2, (0.2, 0.8, 1.0)[len(rows) % 3]).cpu().numpy().astype(np.uint16))
    samples = np.concatenate(rows).ravel()
    samples = samples[:len(samples) // context * context]
    windows = source.tokens[:len(source.tokens) // context * context].reshape(-1, context)
    wanted = int(len(samples) * options.repeat * (1 - options.share) / options.share) // context
    drawn = windows[np.sort(np.random.default_rng(1).permutation(len(windows))[:max(1, wanted)])].ravel()
    with writing(options.out):
        np.concatenate([drawn, *[samples] * options.repeat, drawn[:1]]).tofile(os.path.join(options.out, "train.bin"))
    for name in ("heldout.bin", "meta.json"):  # the latter last: run_there.sh takes it for a sign that all is there
        copy(os.path.join(options.data, name), options.out, KIND)
    print(f"{len(drawn) / 1e6:.2f}M tokens of the corpus, "
          f"{options.repeat} times {len(samples) / 1e6:.2f}M tokens in {len(samples) // length} samples")


if __name__ == "__main__":
    run(main)

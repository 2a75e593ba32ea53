"""Random tokens in place of a corpus, for `run_gpu.sh probe`: train.bin, heldout.bin and meta.json as prepare.py leaves them.

Usage: python3 probe.py DIR SHAPE
"""
import json
import os
import sys

import numpy as np

from model import SHAPES


def main():
    folder, shape = sys.argv[1], SHAPES[sys.argv[2]]
    tokens = np.random.default_rng(0).integers(0, shape.vocabulary, 96 * shape.context, dtype=np.uint16)
    for name in ("train", "heldout"):
        tokens.tofile(os.path.join(folder, name + ".bin"))
    with open(os.path.join(folder, "meta.json"), "w", encoding="utf8") as file:
        json.dump({"vocabulary": shape.vocabulary}, file)


if __name__ == "__main__":
    main()

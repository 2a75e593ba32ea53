"""Random tokens in place of a corpus, for `run_gpu.sh probe`: train.bin, heldout.bin and meta.json as prepare.py leaves them.

Usage: python3 probe.py DIR SHAPE
"""
import argparse
import json
import os

from packages import np

from inputs import make_folder, run, whole, writing
from model import SHAPES


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("shape", choices=SHAPES)
    options = parser.parse_args()
    folder, shape = options.folder, SHAPES[options.shape]
    make_folder(folder)
    tokens = np.random.default_rng(0).integers(0, shape.vocabulary, 96 * shape.context, dtype=np.uint16)
    for name in ("train", "heldout"):
        with writing(folder):
            tokens.tofile(os.path.join(folder, name + ".bin"))
    with whole(os.path.join(folder, "meta.json")) as file:
        json.dump({"vocabulary": shape.vocabulary}, file)


if __name__ == "__main__":
    run(main)

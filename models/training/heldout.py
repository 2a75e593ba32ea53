"""Which held-out files an evaluation takes: a sample of each language that does not depend on what else is there.

Usage: python3 heldout.py HELDOUT OUT [--limit 60]     copies up to so many files of each HELDOUT/LANGUAGE/ to OUT/LANGUAGE/
"""
import argparse
import hashlib
import os

from inputs import copy, make_folder, names_in, run

KIND = "the heldout folder that corpus/build.py wrote"


def chosen(folder, limit):
    """Paths of up to `limit` files of a folder, by a hash of their names: the same whatever else is there."""
    names = sorted(names_in(folder, KIND), key=lambda name: hashlib.sha256(name.encode()).digest())
    return [os.path.join(folder, name) for name in names[:limit]]


def languages(folder):
    """The folders in a folder, by name."""
    return [name for name in names_in(folder, KIND) if os.path.isdir(os.path.join(folder, name))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files")
    parser.add_argument("out")
    parser.add_argument("--limit", type=int, default=60)
    options = parser.parse_args()
    for language in languages(options.files):
        make_folder(os.path.join(options.out, language))
        for path in chosen(os.path.join(options.files, language), options.limit):
            copy(path, os.path.join(options.out, language), "a held-out file")


if __name__ == "__main__":
    run(main)

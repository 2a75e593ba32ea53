"""Which held-out files an evaluation takes: a sample of each language that does not depend on what else is there.

Usage: python3 heldout.py HELDOUT OUT [--limit 60]     copies up to so many files of each HELDOUT/LANGUAGE/ to OUT/LANGUAGE/
"""
import argparse
import hashlib
import os
import shutil


def chosen(folder, limit):
    """Paths of up to `limit` files of a folder, by a hash of their names: the same whatever else is there."""
    names = sorted(os.listdir(folder), key=lambda name: hashlib.sha256(name.encode()).digest())
    return [os.path.join(folder, name) for name in names[:limit]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files")
    parser.add_argument("out")
    parser.add_argument("--limit", type=int, default=60)
    options = parser.parse_args()
    for language in sorted(entry.name for entry in os.scandir(options.files) if entry.is_dir()):
        os.makedirs(os.path.join(options.out, language), exist_ok=True)
        for path in chosen(os.path.join(options.files, language), options.limit):
            shutil.copy(path, os.path.join(options.out, language))


if __name__ == "__main__":
    main()

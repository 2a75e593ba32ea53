"""A large file in pieces, with checksums, where only small files travel; and whole again. Standard library only.

Usage: python3 pieces.py split FILE FOLDER [--mib 16]     FOLDER/NAME.000 ... and FOLDER/NAME.json
       python3 pieces.py join FOLDER/NAME.json OUT        refuses, and writes nothing, where a piece is missing or differs
       python3 pieces.py take FOLDER OUT N --taken FILE [--mib 60] [--files 8]     the N-th part of a folder, oldest files first, each part within
                                                                                   the limits; N "next": the first not in FILE, which then lists it
       python3 pieces.py spread FOLDER OUT [--mib 36]     every part into a folder of its own: OUT/0, OUT/1, ...
"""
import argparse
import hashlib
import json
import os
import shutil


def split(path, folder, size):
    """Writes pieces of at most `size` bytes and their list; returns the list's path."""
    os.makedirs(folder, exist_ok=True)
    name, pieces, whole = os.path.basename(path), [], hashlib.sha256()
    with open(path, "rb") as file:
        while (data := file.read(size)) or not pieces:
            piece = f"{name}.{len(pieces):03}"
            with open(os.path.join(folder, piece), "wb") as out:
                out.write(data)
            pieces.append({"name": piece, "sha256": hashlib.sha256(data).hexdigest()})
            whole.update(data)
    index = os.path.join(folder, name + ".json")
    with open(index + ".part", "w", encoding="utf8") as file:
        json.dump({"name": name, "sha256": whole.hexdigest(), "pieces": pieces}, file, indent=1)
    os.replace(index + ".part", index)
    return index


def join(index, out):
    """The file made whole. Raises SystemExit naming the first piece that is missing or differs."""
    with open(index, encoding="utf8") as file:
        listed = json.load(file)
    whole, partial = hashlib.sha256(), out + ".part"
    try:
        with open(partial, "wb") as joined:
            for piece in listed["pieces"]:
                path = os.path.join(os.path.dirname(index), os.path.basename(piece["name"]))
                if not os.path.isfile(path):
                    raise SystemExit(f"{path} is missing: fetch it and join again")
                with open(path, "rb") as file:
                    data = file.read()
                if hashlib.sha256(data).hexdigest() != piece["sha256"]:
                    raise SystemExit(f"{path} differs from what was split: fetch it again")
                whole.update(data)
                joined.write(data)
        if whole.hexdigest() != listed["sha256"]:
            raise SystemExit(f"{index} lists pieces that do not make up {listed['name']}")
        os.replace(partial, out)
    finally:
        if os.path.exists(partial):
            os.remove(partial)


def by_age(folder):
    """{name: bytes} of a folder, the oldest file first: what is added later leaves the first parts as they were."""
    entries = sorted(os.scandir(folder), key=lambda entry: (entry.stat().st_mtime_ns, entry.name))
    return {entry.name: entry.stat().st_size for entry in entries}


def parts(sizes, most_bytes, most_files):
    """[[name]]: files in the order given, in parts of at most so many bytes and files. sizes: {name: bytes}."""
    made, room = [], 0
    for name in sizes:
        if not made or len(made[-1]) == most_files or sizes[name] > room:
            made.append([])
            room = most_bytes
        made[-1].append(name)
        room -= sizes[name]
    return made


def read_taken(path):
    """[[name]]: the parts that the file lists, one a line, names apart by "/"; none where there is no such file."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf8") as file:
        return [line.rstrip("\n").split("/") for line in file]


def take(folder, out, number, taken, most_bytes, most_files):
    """Copies a part and says what is left. What came after a part was taken is in later ones, however much room there was in it.

    number: from 0, or "next" for the first part that `taken`, a file's path, does not list; it is added there.
    Raises SystemExit where there is no such part.
    """
    sizes, before = by_age(folder), read_taken(taken)
    for name in (name for part in before for name in part):
        if sizes.pop(name, None) is None:
            raise SystemExit(f"{name} was taken from {folder} and is no longer there")
    made = before + parts(sizes, most_bytes, most_files)
    at = len(before) if number == "next" else number
    if not 0 <= at < len(made):
        raise SystemExit(f"{folder} has {len(made)} parts, 0 to {len(made) - 1}")
    for name in made[at]:
        shutil.copy(os.path.join(folder, name), out)
    if number == "next":
        with open(taken, "a", encoding="utf8") as file:
            file.write("/".join(made[at]) + "\n")
    print(f"part {at} of {len(made)}, 0 to {len(made) - 1}: {', '.join(made[at])}")


def spread(folder, out, most_bytes):
    """Copies every part of a folder to OUT/NUMBER/, which must not be there."""
    sizes = {entry.name: entry.stat().st_size for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)}
    for number, names in enumerate(parts(sizes, most_bytes, 10**6)):
        os.makedirs(os.path.join(out, str(number)))
        for name in names:
            shutil.copy(os.path.join(folder, name), os.path.join(out, str(number)))


def part_number(text):
    return text if text == "next" else int(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    action = actions.add_parser("split")
    action.add_argument("file")
    action.add_argument("folder")
    action.add_argument("--mib", type=float, default=16)
    action = actions.add_parser("join")
    action.add_argument("index")
    action.add_argument("out")
    action = actions.add_parser("take")
    action.add_argument("folder")
    action.add_argument("out")
    action.add_argument("number", type=part_number)
    action.add_argument("--taken", required=True)
    action.add_argument("--mib", type=float, default=60)
    action.add_argument("--files", type=int, default=8)
    action = actions.add_parser("spread")
    action.add_argument("folder")
    action.add_argument("out")
    action.add_argument("--mib", type=float, default=36)
    options = parser.parse_args()
    if options.action == "split":
        print(split(options.file, options.folder, int(options.mib * 2**20)))
    elif options.action == "spread":
        spread(options.folder, options.out, int(options.mib * 2**20))
    elif options.action == "take":
        take(options.folder, options.out, options.number, options.taken, int(options.mib * 2**20), options.files)
    else:
        join(options.index, options.out)


if __name__ == "__main__":
    main()

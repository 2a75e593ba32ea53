"""A large file in pieces, with checksums, where only small files travel; and whole again. Standard library only.

Usage: python3 pieces.py split FILE FOLDER [--mib 16]     FOLDER/NAME.000 ... and FOLDER/NAME.json
       python3 pieces.py join FOLDER/NAME.json OUT        refuses, and writes nothing, where a piece is missing or differs
       python3 pieces.py take FOLDER OUT N --taken FILE [--mib 60] [--files 8]     the N-th part of a folder, oldest files first, within the limits
                                                                                   beside what OUT holds; N "next": what is not in FILE and
                                                                                   fits, which FILE then lists as a part; the rest stays
       python3 pieces.py put FILE OUT [--mib 60] [--files 8]     a copy, within the limits as well; exit code 1 where it stays
       python3 pieces.py spread FOLDER OUT [--mib 36]     every part into a folder of its own: OUT/0, OUT/1, ...
"""
import argparse
import hashlib
import json
import os

from inputs import BadInput, copy, document, make_folder, names_in, positive, reading, run, whole, writing


FOLDER = "a folder of files"


def split(path, folder, size):
    """Writes pieces of at most `size` bytes and their list; returns the list's path."""
    name, pieces, checksum = os.path.basename(path), [], hashlib.sha256()
    with reading(path, "a file to split"), open(path, "rb") as file:
        make_folder(folder)
        while (data := file.read(size)) or not pieces:
            piece = f"{name}.{len(pieces):03}"
            with writing(folder), open(os.path.join(folder, piece), "wb") as out:
                out.write(data)
            pieces.append({"name": piece, "sha256": hashlib.sha256(data).hexdigest()})
            checksum.update(data)
    index = os.path.join(folder, name + ".json")
    with whole(index) as file:
        json.dump({"name": name, "sha256": checksum.hexdigest(), "pieces": pieces}, file, indent=1)
    return index


def join(index, out):
    """The file made whole. Raises BadInput naming the first piece that is missing or differs."""
    listed = document(index, "a list that pieces.py split wrote", {"name": str, "sha256": str, "pieces": [{"name": str, "sha256": str}]})
    checksum = hashlib.sha256()
    with whole(out, binary=True) as joined:
        for piece in listed["pieces"]:
            path = os.path.join(os.path.dirname(index), os.path.basename(piece["name"]))
            if not os.path.isfile(path):
                raise BadInput(f"{path} is missing; fetch it and join again")
            with reading(path, "a piece"), open(path, "rb") as file:
                data = file.read()
            if hashlib.sha256(data).hexdigest() != piece["sha256"]:
                raise BadInput(f"{path} differs from what was split; fetch it again")
            checksum.update(data)
            joined.write(data)
        if checksum.hexdigest() != listed["sha256"]:
            raise BadInput(f"{index} lists pieces that do not make up {listed['name']}; fetch it again")


def by_age(folder):
    """{name: bytes} of a folder, the oldest file first: what is added later leaves the first parts as they were."""
    with reading(folder, FOLDER):
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
    with reading(path, "the list that take keeps", UnicodeDecodeError), open(path, encoding="utf8") as file:
        return [line.rstrip("\n").split("/") for line in file]


def fitting(sizes, there, most_bytes, most_files):
    """[name]: the first of the files, in the order given, that fit beside those that are there, one of the same name being replaced.

    sizes, there: {name: bytes}.
    """
    held, chosen = dict(there), []
    for name in sizes:
        held[name] = sizes[name]
        if len(held) > most_files or sum(held.values()) > most_bytes:
            break
        chosen.append(name)
    return chosen


def take(folder, out, number, taken, most_bytes, most_files):
    """Copies a part and says what is left. What came after a part was taken is in later ones, however much room there was in it.

    number: from 0, or "next" for what `taken`, a file's path, does not list and fits beside what `out` holds; it is added there.
    Raises SystemExit where there is no such part, or it does not fit.
    """
    sizes, before = by_age(folder), read_taken(taken)
    for name in (name for part in before for name in part):
        if name not in sizes:
            raise SystemExit(f"{name} was taken from {folder} and is no longer there")
    left = {name: sizes[name] for name in sizes if all(name not in part for part in before)}
    if number == "next" and left:
        names = fitting(left, by_age(out), most_bytes, most_files)
        if not names:
            print(f"no room in this call beside what it brings already: {stay(left)}")
            return
        at, left = len(before), {name: left[name] for name in left if name not in names}
        made = [*before, names, *parts(left, most_bytes, most_files)]
    else:
        at, made = number, before + parts(left, most_bytes, most_files)
        if not made:
            raise SystemExit(f"{folder} has no parts")
        if at == "next":
            raise SystemExit(f"no part is left: {folder} has {len(made)} parts, 0 to {len(made) - 1}, and all were taken")
        if not 0 <= at < len(made):
            raise BadInput(f"{folder} has {len(made)} parts, 0 to {len(made) - 1}; name one of these")
        names = made[at]
        if fitting({name: sizes[name] for name in names}, by_age(out), most_bytes, most_files) != names:
            raise SystemExit(f"part {at} does not fit beside what {out} holds: take it in a call of its own")
    for name in names:
        copy(os.path.join(folder, name), out, "a file")
    print(f"part {at} of {len(made)}, 0 to {len(made) - 1}: {', '.join(names)}")
    if number == "next":
        with writing(taken), open(taken, "a", encoding="utf8") as file:
            file.write("/".join(names) + "\n")
        if left:
            print(stay(left))


def stay(sizes):
    return f"{', '.join(sizes)} ({sum(sizes.values()) / 2**20:.1f} MiB) stay for the next call: finish, or run_gpu.sh take next"


def put(file, out, most_bytes, most_files):
    """Copies a file where it fits beside what `out` holds. Raises SystemExit where it stays."""
    name = os.path.basename(file)
    with reading(file, "a file"):
        size = os.path.getsize(file)
    if not fitting({name: size}, by_age(out), most_bytes, most_files):
        raise SystemExit(f"no room in this call for {name}: it stays for the next")
    copy(file, out, "a file")


def spread(folder, out, most_bytes):
    """Copies every part of a folder to OUT/NUMBER/, which must not be there."""
    names = names_in(folder, FOLDER)
    with reading(folder, FOLDER):
        sizes = {name: os.stat(os.path.join(folder, name)).st_size for name in names}
    for number, names in enumerate(parts(sizes, most_bytes, 10**6)):
        with writing(os.path.join(out, str(number))):
            os.makedirs(os.path.join(out, str(number)))
        for name in names:
            copy(os.path.join(folder, name), os.path.join(out, str(number)), "a file")


def part_number(text):
    return text if text == "next" else int(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    action = actions.add_parser("split")
    action.add_argument("file")
    action.add_argument("folder")
    action.add_argument("--mib", type=positive(float), default=16)
    action = actions.add_parser("join")
    action.add_argument("index")
    action.add_argument("out")
    for name in ("take", "put"):
        action = actions.add_parser(name)
        action.add_argument("folder" if name == "take" else "file")
        action.add_argument("out")
        if name == "take":
            action.add_argument("number", type=part_number)
            action.add_argument("--taken", required=True)
        action.add_argument("--mib", type=positive(float), default=60)
        action.add_argument("--files", type=positive(int), default=8)
    action = actions.add_parser("spread")
    action.add_argument("folder")
    action.add_argument("out")
    action.add_argument("--mib", type=positive(float), default=36)
    options = parser.parse_args()
    if options.action == "split":
        print(split(options.file, options.folder, int(options.mib * 2**20)))
    elif options.action == "spread":
        spread(options.folder, options.out, int(options.mib * 2**20))
    elif options.action == "take":
        take(options.folder, options.out, options.number, options.taken, int(options.mib * 2**20), options.files)
    elif options.action == "put":
        put(options.file, options.out, int(options.mib * 2**20), options.files)
    else:
        join(options.index, options.out)


if __name__ == "__main__":
    run(main)

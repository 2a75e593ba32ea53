"""Builds the corpus: downloads the listed npm and Debian packages, keeps their hand-written files, writes shards.

Usage: python3 corpus/build.py --out DIR [--only npm|debian] [--limit PACKAGES] [--megabytes N] [--heldout 0.02] [--jobs 2]

OUT/packages/*.jsonl    one package's kept files, one {"package", "path", "language", "text"} a line; a rerun skips those there
OUT/shards/*.jsonl.xz   training packages without duplicates, at most --shard-mib each, a package's files side by side
OUT/heldout/LANGUAGE/   files of the held-out packages; OUT/manifest.json: version, licence, bytes kept and refusals of each
Exit code 0 with a list of packages that could not be had; 1 where none could.
"""
import argparse
import array
import collections
import concurrent.futures
import hashlib
import itertools
import json
import lzma
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from corpus import filters, registries, sourcemaps                                      # noqa: E402
from corpus.duplicates import Seen, exact_key, signature                                # noqa: E402
from inputs import fitting, make_folder, positive, reading, run, unlike, whole, writing   # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
DECLARATIONS = 20                      # most .d.ts files kept of one package
LARGEST_PACKAGE = 12_000_000           # bytes kept of one
TOGETHER = 8                           # packages a call of the registry's client
STREAM, PRESET = 4_000_000, 2          # bytes packed at once; 6 packs a sixth smaller and takes five times as long

ENTRY = {"package": str, "licence": str, "files": int, "bytes": int, "refused": {str: int}}
RECORD = {"package": str, "path": str, "language": str, "text": str, "marks": str}


def is_heldout(package, share):
    """Whether a package is held out: by the hash of its name, so that no rerun or longer list moves it."""
    return int.from_bytes(hashlib.sha256(package.encode()).digest()[:4], "big") < share * 2**32


def order(package):
    """Packages in this order are a fair part of the list wherever one stops."""
    return hashlib.sha256(f"order {package}".encode()).digest()


def listed(kind):
    with open(os.path.join(HERE, kind + ".txt"), encoding="utf8") as file:
        return [f"{kind}:{line.strip()}" for line in file if line.strip() and not line.startswith("#")]


def read(root, permits):
    """The kept files of an unpacked package, by path, and why others were not kept. Links are not followed; sources that
    only a source map holds count as files."""
    kept, mapped, refusals, declarations = [], [], collections.Counter(), 0

    def judge(path, language, text, head):
        # The head as it was says "generated" before a licence header is taken off.
        reason = filters.refusal(text, language) or ("generated" if filters.GENERATED.search(head) else None)
        if reason:
            refusals[reason] += 1
        else:
            kept.append({"path": path, "language": language, "text": text})

    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            full = os.path.join(folder, name)
            path = os.path.relpath(full, root)
            if name.endswith((".js.map", ".mjs.map")) and permits(path):
                mapped += sourcemaps.sources(full)
                continue
            language = filters.language_of(path)
            if language is None or os.path.islink(full) or not os.path.isfile(full) or os.path.getsize(full) > 2 * filters.LARGEST:
                continue
            if not permits(path):
                refusals["licence"] += 1
                continue
            if filters.is_declaration(path) and (declarations := declarations + 1) > DECLARATIONS:
                continue
            with open(full, "rb") as file:
                data = file.read()
            try:
                text = filters.clean(data.decode("utf8"))
            except UnicodeDecodeError:
                refusals["not UTF-8"] += 1
                continue
            judge(path, language, text, data[:1500].decode("utf8", "replace"))
    there = {entry["path"] for entry in kept}
    for path, raw in sorted(dict(mapped).items()):
        language = filters.language_of(path)
        if language and path not in there:
            judge(path, language, filters.clean(raw), raw[:1500])
    return kept, refusals


def capped(files):
    """Files of at most LARGEST_PACKAGE bytes together, so that no package has more than its say: by a hash of their paths."""
    left, chosen = LARGEST_PACKAGE, set()
    for file in sorted(files, key=lambda file: hashlib.sha256(file["path"].encode()).digest()):
        left -= len(file["text"].encode())
        if left < 0:
            break
        chosen.add(file["path"])
    return [file for file in files if file["path"] in chosen], len(files) - len(chosen)


def marks(text):
    """What tells duplicates, in hexadecimal: the exact key (16 bytes) and the signature."""
    return exact_key(text).hex() + array.array("I", signature(text)).tobytes().hex()


def unmarked(marked):
    data = bytes.fromhex(marked)
    return data[:16], tuple(array.array("I", data[16:]))


def kept_file(package, out):
    return os.path.join(out, "packages", package.replace("/", "__") + ".jsonl")


def recorded(package, out):
    """The package's entry, then its records, of OUT/packages/PACKAGE.jsonl."""
    path, kind, pattern = kept_file(package, out), "a package's file of build.py, which makes it again where it is not there", ENTRY
    with reading(path, kind, ValueError, RecursionError), open(path, encoding="utf8") as file:
        for line in file:
            yield fitting(json.loads(line), path, kind, pattern)
            pattern = RECORD
    if pattern is ENTRY:
        raise unlike(path, kind, "it is empty")


def fetch(packages, out):
    """Packages of one kind into OUT/packages. Returns (package, entry of the manifest or None, what went wrong) of each."""
    results, missing = [], []
    for package in packages:
        if os.path.exists(kept_file(package, out)):
            results.append((package, next(recorded(package, out)), ""))
        else:
            missing.append(package)
    folder = tempfile.mkdtemp(prefix="octet-corpus-")
    try:
        archives = registries.download(missing, folder)
        for number, package in enumerate(missing):
            try:
                results.append((package, keep(package, archives[package], os.path.join(folder, str(number)), out), ""))
            except (OSError, subprocess.SubprocessError, StopIteration, LookupError, ValueError) as error:
                results.append((package, None, str(getattr(error, "stderr", None) or error).strip()[-200:]))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return results


def keep(package, archive, folder, out):
    """Writes OUT/packages/PACKAGE.jsonl from a downloaded archive; returns the package's entry."""
    root, version, licence, permits = registries.unpack(package, archive, folder)
    files, refusals = read(root, permits) if licence else ([], {"licence": "the whole package"})
    shutil.rmtree(folder, ignore_errors=True)
    files, over = capped(files)
    entry = {"package": package, "version": version, "licence": licence, "files": len(files),
             "bytes": sum(len(file["text"].encode()) for file in files), "refused": {**refusals, **({"package's cap": over} if over else {})}}
    target = kept_file(package, out)
    with whole(target) as file:
        for record in [entry] + [{"package": package, **kept, "marks": marks(kept["text"])} for kept in files]:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    return entry


class Shards:
    """Writes records to OUT/shards, packed several packages at a time, a new file where one would pass `limit` compressed bytes."""

    def __init__(self, out, limit, jobs):
        self.folder, self.limit, self.count, self.file, self.gathered = os.path.join(out, "shards"), limit, 0, None, bytearray()
        self.pool, self.waiting = concurrent.futures.ThreadPoolExecutor(jobs), collections.deque()
        shutil.rmtree(self.folder, ignore_errors=True)
        make_folder(self.folder)

    def write(self, records):
        self.gathered += "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()
        if len(self.gathered) >= STREAM:
            self.compress()

    def compress(self):
        self.waiting.append(self.pool.submit(lzma.compress, bytes(self.gathered), preset=PRESET))       # lzma frees the lock
        self.gathered.clear()
        while len(self.waiting) > 8:
            self.append(self.waiting.popleft().result())

    def append(self, packed):
        """Streams of one xz file may follow each other."""
        with writing(self.folder):
            if self.file is None or self.file.tell() + len(packed) > self.limit:
                self.close()
                self.file = open(os.path.join(self.folder, f"{self.count:03}.jsonl.xz"), "wb")
                self.count += 1
            self.file.write(packed)

    def close(self):
        if self.file:
            self.file.close()

    def finish(self):
        if self.gathered:
            self.compress()
        while self.waiting:
            self.append(self.waiting.popleft().result())
        self.pool.shutdown()
        self.close()


def assemble(out, entries, options):
    """Duplicates out, held-out packages aside (they come first, so that no training file repeats them), shards written."""
    seen, shards, totals = Seen(), Shards(out, options.shard_mib << 20, options.jobs), {}
    shutil.rmtree(os.path.join(out, "heldout"), ignore_errors=True)
    for entry in sorted(entries, key=lambda e: (not is_heldout(e["package"], options.heldout), order(e["package"]))):
        held, records = is_heldout(entry["package"], options.heldout), []
        for record in itertools.islice(recorded(entry["package"], out), 1, None):
            repeats = seen.add(*unmarked(record.pop("marks")))
            entry["refused"].update({repeats: entry["refused"].get(repeats, 0) + 1} if repeats else {})
            records += [] if repeats else [record]
        entry.update(heldout=held, bytes=sum(len(r["text"].encode()) for r in records), files=len(records))
        for record in records:
            sums = totals.setdefault(f"{'heldout' if held else 'training'} {record['language']}", {"files": 0, "bytes": 0})
            sums["files"] += 1
            sums["bytes"] += len(record["text"].encode())
            if held:
                name = hashlib.sha256((record["package"] + record["path"]).encode()).hexdigest()[:12] + os.path.splitext(record["path"])[1]
                folder = os.path.join(out, "heldout", record["language"])
                make_folder(folder)
                with writing(folder), open(os.path.join(folder, name), "w", encoding="utf8") as file:
                    file.write(record["text"])
        if records and not held:
            shards.write(records)
    shards.finish()
    return totals


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--only", choices=("npm", "debian"))
    parser.add_argument("--offline", action="store_true", help="only what is in OUT/packages already")
    for name, default, kind in (("limit", 0, int), ("megabytes", 0, int), ("heldout", 0.02, float), ("jobs", 2, positive(int)),
                                ("shard-mib", 4, positive(int))):
        parser.add_argument(f"--{name}", type=kind, default=default)
    options = parser.parse_args()
    make_folder(os.path.join(options.out, "packages"))
    packages = sorted((p for kind in ("npm", "debian") if options.only in (None, kind) for p in listed(kind)), key=order)
    packages = packages[:options.limit] if options.limit else packages
    if options.offline:
        packages = [package for package in packages if os.path.exists(kept_file(package, options.out))]
    kinds = [[p for p in packages if p.startswith(kind)] for kind in ("npm:", "debian:")]
    batches = sorted((kind[at:at + TOGETHER] for kind in kinds for at in range(0, len(kind), TOGETHER)), key=lambda batch: order(batch[0]))
    entries, failures, total = [], [], 0
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        waiting, queue = set(), iter(batches)
        while True:
            while len(waiting) < options.jobs and not (options.megabytes and total > options.megabytes * 1e6) and (batch := next(queue, None)):
                waiting.add(pool.submit(fetch, batch, options.out))
            if not waiting:
                break
            done, waiting = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
            for package, entry, trouble in (result for future in done for result in future.result()):
                if entry is None:
                    failures.append(package)
                    print(f"{package}: {trouble}", file=sys.stderr, flush=True)
                    continue
                entries.append(entry)
                total += entry["bytes"]
                print(f"{len(entries)}/{len(packages)} {package}: {entry['bytes'] / 1e6:.2f} MB, {total / 1e6:.0f} in all", flush=True)
    if not entries:
        raise SystemExit("no package could be had: is the registry reached, and has apt-get update been run?")
    totals = assemble(options.out, entries, options)
    manifest = {"packages": sorted(entries, key=lambda e: e["package"]), "failed": sorted(failures),
                "languages": dict(sorted(totals.items()))}
    with whole(os.path.join(options.out, "manifest.json")) as file:
        json.dump(manifest, file, indent=1)
    print(json.dumps(manifest["languages"]), f"{len(failures)} packages failed")


if __name__ == "__main__":
    run(main)

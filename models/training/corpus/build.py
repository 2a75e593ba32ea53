"""Builds the corpus: downloads the listed npm and Debian packages, keeps their hand-written files, writes shards.

Usage: python3 corpus/build.py --out DIR [--only npm|debian] [--limit PACKAGES] [--megabytes N] [--heldout 0.02] [--jobs 2]

OUT/packages/*.jsonl    one package's kept files, one {"package", "path", "language", "text"} a line; a rerun skips those there
OUT/shards/*.jsonl.xz   training packages without duplicates, at most --shard-mib each, a package's files side by side
OUT/heldout/LANGUAGE/   files of the held-out packages; OUT/manifest.json: version, licence, bytes kept and refusals of each
Exit code 0 with a list of packages that could not be had; 1 where none could.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import lzma
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from corpus import filters, licences, sourcemaps                                                    # noqa: E402
from corpus.duplicates import Seen                                                      # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
DECLARATIONS = 20            # most .d.ts files kept of one package


def is_heldout(package, share):
    """Whether a package is held out: by the hash of its name, so that no rerun or longer list moves it."""
    return int.from_bytes(hashlib.sha256(package.encode()).digest()[:4], "big") < share * 2**32


def listed(kind):
    with open(os.path.join(HERE, kind + ".txt"), encoding="utf8") as file:
        return [f"{kind}:{line.strip()}" for line in file if line.strip() and not line.startswith("#")]


def run(*command, cwd):
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, timeout=600).stdout


def unpack(package, folder):
    """Downloads and unpacks a package. Returns (root folder, version, licence, permits(path))."""
    kind, name = package.split(":", 1)
    if kind == "npm":
        archive = json.loads(run("npm", "pack", "--json", "--ignore-scripts", name, cwd=folder))[0]
        files = [entry for entry in os.listdir(folder) if entry.endswith(".tgz")]
        run("tar", "-xzf", files[0], "--no-same-owner", cwd=folder)
        root = next(entry.path for entry in os.scandir(folder) if entry.is_dir())
        with open(os.path.join(root, "package.json"), encoding="utf8") as file:
            stated = json.load(file).get("license", "")
        licence = stated if isinstance(stated, str) and licences.allows(stated) else ""
        return root, archive["version"], licence, lambda path: bool(licence)
    run("apt-get", "download", name, cwd=folder)
    archive = next(entry for entry in os.listdir(folder) if entry.endswith(".deb"))
    run("dpkg-deb", "-x", archive, "root", cwd=folder)
    root = os.path.join(folder, "root")
    statement = os.path.join(root, "usr/share/doc", name, "copyright")
    text = open(statement, encoding="utf8", errors="replace").read() if os.path.isfile(statement) else ""
    parsed = licences.DebianCopyright(text)
    return root, archive.split("_")[1], parsed.licence, parsed.permits


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


def fetch(package, out):
    """One package into OUT/packages. Returns its entry of the manifest."""
    target = os.path.join(out, "packages", package.replace("/", "__") + ".jsonl")
    if os.path.exists(target):
        with open(target, encoding="utf8") as file:
            return json.loads(file.readline())
    folder = tempfile.mkdtemp(prefix="octet-corpus-")
    try:
        root, version, licence, permits = unpack(package, folder)
        files, refusals = read(root, permits) if licence else ([], {"licence": "the whole package"})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    entry = {"package": package, "version": version, "licence": licence, "files": len(files),
             "bytes": sum(len(file["text"].encode()) for file in files), "refused": dict(refusals)}
    with open(target + ".part", "w", encoding="utf8") as file:
        for record in [entry] + [{"package": package, **kept} for kept in files]:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    os.replace(target + ".part", target)
    return entry


class Shards:
    """Writes records to OUT/shards, a new file before a package that would pass `limit` compressed bytes."""

    def __init__(self, out, limit, jobs):
        self.folder, self.limit, self.count, self.file = os.path.join(out, "shards"), limit, 0, None
        self.pool, self.waiting = concurrent.futures.ThreadPoolExecutor(jobs), collections.deque()
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)

    def write(self, records):
        data = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()
        self.waiting.append(self.pool.submit(lzma.compress, data, preset=6))       # nearly all of the time; lzma frees the lock
        while len(self.waiting) > 8:
            self.append(self.waiting.popleft().result())

    def append(self, packed):
        """Streams of one xz file may follow each other."""
        if self.file is None or self.file.tell() + len(packed) > self.limit:
            self.close()
            self.file = open(os.path.join(self.folder, f"{self.count:03}.jsonl.xz"), "wb")
            self.count += 1
        self.file.write(packed)

    def close(self):
        if self.file:
            self.file.close()

    def finish(self):
        while self.waiting:
            self.append(self.waiting.popleft().result())
        self.pool.shutdown()
        self.close()


def assemble(out, entries, options):
    """Duplicates out, held-out packages aside (they come first, so that no training file repeats them), shards written."""
    seen, shards, totals = Seen(), Shards(out, options.shard_mib << 20, options.jobs), collections.Counter()
    shutil.rmtree(os.path.join(out, "heldout"), ignore_errors=True)
    for entry in sorted(entries, key=lambda e: (not is_heldout(e["package"], options.heldout), e["package"])):
        held, records = is_heldout(entry["package"], options.heldout), []
        with open(os.path.join(out, "packages", entry["package"].replace("/", "__") + ".jsonl"), encoding="utf8") as file:
            for record in map(json.loads, list(file)[1:]):
                repeats = seen.add(record["text"])
                entry["refused"].update({repeats: entry["refused"].get(repeats, 0) + 1} if repeats else {})
                records += [] if repeats else [record]
        entry.update(heldout=held, bytes=sum(len(r["text"].encode()) for r in records), files=len(records))
        for record in records:
            totals[("heldout" if held else "training", record["language"])] += len(record["text"].encode())
            if held:
                name = hashlib.sha256((record["package"] + record["path"]).encode()).hexdigest()[:12] + os.path.splitext(record["path"])[1]
                os.makedirs(os.path.join(out, "heldout", record["language"]), exist_ok=True)
                with open(os.path.join(out, "heldout", record["language"], name), "w", encoding="utf8") as file:
                    file.write(record["text"])
        if records and not held:
            shards.write(records)
    shards.finish()
    return totals


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--only", choices=("npm", "debian"))
    for name, default, kind in (("limit", 0, int), ("megabytes", 0, int), ("heldout", 0.02, float), ("jobs", 2, int), ("shard-mib", 40, int)):
        parser.add_argument(f"--{name}", type=kind, default=default)
    options = parser.parse_args()
    os.makedirs(os.path.join(options.out, "packages"), exist_ok=True)
    packages = sorted((p for kind in ("npm", "debian") if options.only in (None, kind) for p in listed(kind)),
                      key=lambda p: hashlib.sha256(f"order {p}".encode()).digest())  # a part of the list is a fair part
    packages = packages[:options.limit] if options.limit else packages
    entries, failures, total = [], [], 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        waiting, queue = {}, iter(packages)
        while True:
            while len(waiting) < options.jobs and not (options.megabytes and total > options.megabytes * 1e6) and (package := next(queue, None)):
                waiting[pool.submit(fetch, package, options.out)] = package
            if not waiting:
                break
            for future in concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED).done:
                package = waiting.pop(future)
                try:
                    entries.append(future.result())
                    total += entries[-1]["bytes"]
                    print(f"{len(entries)}/{len(packages)} {package}: {entries[-1]['bytes'] / 1e6:.2f} MB, {total / 1e6:.0f} in all", flush=True)
                except (OSError, subprocess.SubprocessError, StopIteration, LookupError, ValueError) as error:
                    failures.append(package)
                    print(f"{package}: {str(getattr(error, 'stderr', None) or error).strip()[-200:]}", file=sys.stderr, flush=True)
    if not entries:
        raise SystemExit("no package could be had: is the registry reached, and has apt-get update been run?")
    totals = assemble(options.out, entries, options)
    manifest = {"packages": sorted(entries, key=lambda e: e["package"]), "failed": sorted(failures),
                "bytes": {f"{part} {language}": n for (part, language), n in sorted(totals.items())}}
    with open(os.path.join(options.out, "manifest.json.part"), "w", encoding="utf8") as file:
        json.dump(manifest, file, indent=1)
    os.replace(file.name, os.path.join(options.out, "manifest.json"))
    print(json.dumps(manifest["bytes"]), f"{len(failures)} packages failed")


if __name__ == "__main__":
    main()

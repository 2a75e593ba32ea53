"""Pieces, curves and source maps: what the recipe does with files. Standard library only."""
import json
import os
import sys
import tempfile
import unittest
import unittest.mock
import xml.dom.minidom

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import pieces                                                                           # noqa: E402
import plot                                                                             # noqa: E402
from corpus import build, sourcemaps                                                    # noqa: E402


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)


class Pieces(InFolder):
    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def test_split_and_join(self):
        for data in (b"", b"x", bytes(range(256)) * 10):
            index = pieces.split(self.write("model.bin", data), self.path("out"), 1000)
            pieces.join(index, self.path("whole.bin"))
            self.assertEqual(self.read("whole.bin"), data)
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["model.bin.000", "model.bin.001", "model.bin.002", "model.bin.json"])

    def test_refuses_a_missing_or_changed_piece_and_leaves_nothing(self):
        index = pieces.split(self.write("model.bin", b"abcdef"), self.path("out"), 3)
        self.write("out/model.bin.001", b"deX")
        with self.assertRaisesRegex(SystemExit, "model.bin.001 differs"):
            pieces.join(index, self.path("whole.bin"))
        os.remove(self.path("out", "model.bin.001"))
        with self.assertRaisesRegex(SystemExit, "model.bin.001 is missing"):
            pieces.join(index, self.path("whole.bin"))
        self.assertEqual(sorted(os.listdir(self.folder)), ["model.bin", "out"])


class Parts(InFolder):
    def test_every_file_is_in_one_part_within_the_limits(self):
        sizes = {f"model.{i:03}": 16 for i in range(7)} | {"draft.000": 10, "draft.json": 1, "log": 1}
        made = pieces.parts({name: sizes[name] for name in sorted(sizes)}, 60, 8)
        self.assertEqual(sorted(name for part in made for name in part), sorted(sizes))
        self.assertEqual([sum(sizes[name] for name in part) for part in made], [60, 48, 16])
        self.assertEqual([len(part) for part in pieces.parts({str(i): 0 for i in range(19)}, 60, 8)], [8, 8, 3])

    def test_spreads_a_folder(self):
        for name in "abc":
            self.write(f"from/{name}", b"1234")
        pieces.spread(self.path("from"), self.path("to"), 8)
        self.assertEqual([sorted(os.listdir(self.path("to", part))) for part in sorted(os.listdir(self.path("to")))], [["a", "b"], ["c"]])

    def take(self, number):
        """The names of a part of at most 8 bytes, by what was taken before."""
        out = tempfile.mkdtemp(dir=self.folder)
        pieces.take(self.path("from"), out, number, self.path("taken"), 8, 8)
        return sorted(os.listdir(out))

    def test_takes_a_part_and_refuses_one_that_is_not_there(self):
        for age, name in enumerate("cba"):
            os.utime(self.write(f"from/{name}", b"1234"), ns=(age, age))
        self.assertEqual([self.take(1), self.take(0), self.take("next"), self.take("next")], [["a"], ["b", "c"], ["b", "c"], ["a"]])
        for number in (2, "next"):
            with self.assertRaisesRegex(SystemExit, "has 2 parts, 0 to 1"):
                self.take(number)

    def test_takes_what_fits_beside_what_is_there_and_no_more(self):
        for age, name in enumerate("abcd"):
            os.utime(self.write(f"from/{name}", b"123"), ns=(age, age))
        out = os.path.dirname(self.write("out/there", b"12345"))
        took = []
        for limits in ((8, 8), (8, 8), (100, 3), (100, 3)):
            pieces.take(self.path("from"), out, "next", self.path("taken"), *limits)
            took.append("".join(sorted(os.listdir(out))))
        self.assertEqual(took, ["athere", "athere", "abthere", "abthere"])
        with self.assertRaisesRegex(SystemExit, "part 2 does not fit beside what"):
            pieces.take(self.path("from"), out, 2, self.path("taken"), 100, 3)
        pieces.take(self.path("from"), out, 1, self.path("taken"), 100, 3)          # once more, in its own place
        self.assertEqual(self.take("next"), ["c", "d"])

    def test_what_comes_after_a_part_was_taken_is_in_the_next_though_there_was_room(self):
        self.write("from/b", b"1234")
        self.assertEqual(self.take("next"), ["b"])
        for name in "ac":
            os.utime(self.write(f"from/{name}", b"1"), ns=(0, 0))
        self.assertEqual([self.take("next"), self.take(0), self.take(1)], [["a", "c"], ["b"], ["a", "c"]])

    def test_says_what_was_taken_and_is_gone(self):
        b = self.write("from/b", b"1234")
        self.take("next")
        os.remove(b)
        with self.assertRaisesRegex(SystemExit, "b was taken from .* and is no longer there"):
            self.take("next")

    def test_what_is_added_later_leaves_the_parts_before_as_they_were(self):
        for age, name in enumerate("cdab"):
            os.utime(self.write(f"from/{name}", b"1234"), ns=(age, age))
        self.assertEqual(pieces.parts(pieces.by_age(self.path("from")), 8, 8), [["c", "d"], ["a", "b"]])


class Curves(InFolder):
    def test_a_resumed_run_is_one_curve(self):
        lines = [(10, 100, 5.0), (20, 200, 4.0), (20, 200, 3.5), (30, 300, 3.0)]
        lines = [json.dumps(dict(step=s, tokens=t, heldout=h)).encode() + b"\n" for s, t, h in lines]
        log = self.write("a.log.jsonl", b"".join([*lines[:2], b'{"step": 20, "tok\n', *lines[2:]]))     # killed while it wrote
        self.assertEqual(plot.read(log, "heldout"), [(100, 5.0), (200, 3.5), (300, 3.0)])

    def test_draws_every_curve(self):
        document = xml.dom.minidom.parseString(plot.draw({"a < b": [(0, 5.0), (1e6, 3.0)], "flat": [(5e5, 4.0)]}, "Loss & more"))
        lines = [line.getAttribute("points").split() for line in document.getElementsByTagName("polyline")]
        self.assertEqual(lines, [["60.0,40.0", "700.0,350.0"], ["380.0,195.0"]])
        self.assertEqual(plot.ticks(3.1, 5.2), [3.5, 4.0, 4.5, 5.0])


class SourceMaps(InFolder):
    SOURCE = "".join(f"export function area{i}(width: number): number {{\n  return width * {i};\n}}\n" for i in range(20))

    def test_sources_and_what_is_none(self):
        given = dict(sources=["../../src/a.ts", "webpack://x/src/b.ts?1", None, "c.ts"], sourcesContent=["a", "b", "none", None])
        self.assertEqual(sourcemaps.sources(self.write("a.js.map", json.dumps(given).encode())), [("src/a.ts", "a"), ("x/src/b.ts", "b")])
        for bad in (b"{", b"[]", b'{"sources": ["a.ts"]}', b"\xff"):
            self.assertEqual(sourcemaps.sources(self.write("bad.js.map", bad)), [])

    def test_a_package_of_built_files_yields_its_sources_once(self):
        for name in ("build/esm/a.js.map", "build/cjs/a.js.map"):
            given = dict(sources=["../../src/a.ts", "../../node_modules/x/b.ts"], sourcesContent=[self.SOURCE] * 2)
            self.write("p/" + name, json.dumps(given).encode())
        kept, _ = build.read(self.path("p"), lambda path: True)
        self.assertEqual([(entry["path"], entry["text"]) for entry in kept], [("src/a.ts", self.SOURCE)])
        self.assertEqual(build.read(self.path("p"), lambda path: False)[0], [])


class Shards(InFolder):
    def test_packages_stay_in_order_and_a_full_shard_is_followed_by_another(self):
        self.enterContext(unittest.mock.patch.object(build, "STREAM", 100))
        shards = build.Shards(self.folder, 400, 2)
        for number in range(20):
            shards.write([{"package": f"npm:{number}", "text": str(number) * 50}])
        shards.finish()
        from tokenizer import read_shards
        paths = [self.path("shards", name) for name in sorted(os.listdir(self.path("shards")))]
        self.assertGreater(len(paths), 3)
        self.assertEqual([record["package"] for record in read_shards(paths)], [f"npm:{number}" for number in range(20)])


class Sizes(InFolder):
    def test_a_build_that_stops_at_a_size_is_a_part_of_the_whole_one_with_packages_of_both_kinds(self):
        names = {kind: [f"{kind}:p{number}" for number in range(40)] for kind in ("npm", "debian")}
        for package in names["npm"] + names["debian"]:
            text = "".join(f"{package} {line}\n" for line in range(200))
            entry = {"package": package, "version": "1", "licence": "MIT", "files": 1, "bytes": 100_000, "refused": {}}
            record = {"package": package, "path": "a.py", "language": "python", "text": text, "marks": build.marks(text)}
            self.write("packages/" + package + ".jsonl", "".join(json.dumps(line) + "\n" for line in (entry, record)).encode())

        def packages(*flags):
            words = ["build.py", "--out", self.folder, "--offline", "--jobs", "1", *flags]
            with unittest.mock.patch.object(build, "listed", names.get), unittest.mock.patch.object(sys, "argv", words), \
                    unittest.mock.patch("builtins.print"):
                build.main()
            with open(self.path("manifest.json"), encoding="utf8") as file:
                return {entry["package"] for entry in json.load(file)["packages"]}

        part, whole = packages("--megabytes", "2"), packages()
        self.assertEqual(len(whole), 80)
        self.assertTrue(20 < len(part) <= 21 + 2 * build.TOGETHER, len(part))
        self.assertEqual({name.split(":")[0] for name in part}, {"npm", "debian"})


if __name__ == "__main__":
    unittest.main()

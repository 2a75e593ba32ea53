"""The scripts of the recipe that read corpora, tables and reports, given files that are not there, are folders, empty, cut short or of another kind,
or places that cannot be written: one line that names the file, exit code 2."""
import json
import lzma
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TRAINING = os.path.dirname(HERE)
sys.path.insert(0, TRAINING)
sys.path.insert(0, HERE)
import pieces                                                                           # noqa: E402
import test_report                                                                      # noqa: E402
from refused import Refused                                                             # noqa: E402


class Corpus(Refused):
    def setUp(self):
        super().setUp()
        record = {"package": "npm:a", "path": "a.py", "language": "python", "text": "print(1)\n" * 30}
        self.shard = self.write("000.jsonl.xz", lzma.compress(json.dumps(record).encode() + b"\n"))
        self.others = [lzma.compress(data) for data in (b"{}\n", b"5\n", b"{\n", b"\xff\n", b'{"text": 1}\n')]

    def test_shards(self):
        self.refuses_each("tokenizer.py", ["--size", 300, "--out", self.path("t.json"), None], self.bad(self.shard, self.others))
        self.refuses_each("prepare.py", ["--jobs", 1, "--tokenizer", self.tokenizer(), "--out", self.path("data"), None],
                          self.bad(self.shard, self.others))

    def test_tokenizers(self):
        given = [json.dumps(of).encode() for of in ({}, [], {"vocab": ["a"], "merges": ["a b"]}, {"vocab": ["a"], "merges": ["a"]},
                                                   {"vocab": ["a"], "merges": []}, {"vocab": "ab", "merges": []})]
        paths = list(self.bad(self.tokenizer(), given))
        self.write("manifest.json", {"languages": {}, "packages": [], "failed": []})
        self.refuses_each("prepare.py", ["--tokenizer", None, "--out", self.path("data"), self.shard], paths)
        self.refuses_each("corpus/figures.py", [self.folder, "--tokenizer", None], paths)

    def test_places(self):
        self.refuses_each("tokenizer.py", ["--size", 300, "--out", None, self.shard], self.places(), "cannot be written")
        for place in (self.path("file"), self.path("file/out")):
            self.refuses("prepare.py", ["--tokenizer", self.tokenizer(), "--out", place, self.shard], place, "cannot be written")
            self.refuses("corpus/build.py", ["--offline", "--out", place], place, "cannot be written")
            self.refuses("heldout.py", [self.path("heldout"), place], place, "cannot be written")
        self.write("manifest.json", {"languages": {}, "packages": [], "failed": []})
        self.refuses_each("corpus/figures.py", [self.folder, "--tokenizer", self.tokenizer(), "--packages", None], self.places(), "cannot be written")

    def test_numbers(self):
        for words in (["--size", "262"], ["--size", "many"], ["--size", "-1"]):
            self.assertEqual(self.run_script("tokenizer.py", *words, "--out", self.path("t.json"), self.shard)[0], 2)
        self.assertEqual(self.run_script("prepare.py", "--jobs", "0", "--tokenizer", self.tokenizer(), "--out", self.path("data"), self.shard)[0], 2)
        self.assertEqual(self.run_script("corpus/build.py", "--jobs", "0", "--out", self.path("data"))[0], 2)

    def test_manifests_and_held_out_files(self):
        package = {"package": "npm:a", "licence": "MIT", "files": 1, "bytes": 9, "heldout": True, "refused": {}}
        good = {"languages": {"training python": {"files": 1, "bytes": 9}}, "packages": [package], "failed": []}
        words, manifest = [self.folder, "--tokenizer", self.tokenizer()], self.path("manifest.json")
        self.refuses("corpus/figures.py", words, manifest)
        for data in (b"", b"{}", json.dumps(good).encode()[:-9], {**good, "packages": [{}]}, {**good, "failed": None}):
            self.write("manifest.json", data)
            self.refuses("corpus/figures.py", words, manifest)
        self.write("manifest.json", good)
        self.assertEqual(self.run_script("corpus/figures.py", *words), (0, ""))
        held = self.write("heldout/python/a.py", b"\xff")
        self.refuses("corpus/figures.py", words, held)
        os.remove(held)
        self.refuses("corpus/figures.py", words, self.path("heldout"), "no held-out file")
        self.refuses("heldout.py", [self.path("nowhere"), self.path("out")], self.path("nowhere"), "cannot be read")
        self.refuses("heldout.py", [self.path("file"), self.path("out")], self.path("file"), "cannot be read")
        os.makedirs(held)
        self.refuses("heldout.py", [self.path("heldout"), self.path("out")], held, "cannot be read")

    def test_what_was_kept_of_a_package(self):
        from corpus import build
        package = build.listed("npm")[0]
        os.makedirs(self.path("packages"))
        kept = build.kept_file(package, self.folder)
        entry = json.dumps({"package": package, "licence": "MIT", "files": 1, "bytes": 9, "refused": {}}) + "\n"
        for text in ("", "{", "{}\n", entry + "{}\n", entry + entry):
            self.write(kept, text.encode())
            self.refuses("corpus/build.py", ["--offline", "--jobs", 1, "--out", self.folder], kept)


class Files(Refused):
    def test_pieces(self):
        self.refuses_each("pieces.py", ["split", None, self.path("out")], [self.path("nowhere"), self.path("folder")], "cannot be read")
        model = self.write("model.bin", bytes(range(100)))
        self.refuses("pieces.py", ["split", model, self.path("file/out")], self.path("file/out"), "cannot be written")
        for number in ("0", "-1", "nan", "few"):
            self.assertEqual(self.run_script("pieces.py", "split", model, self.path("out"), "--mib", number)[0], 2)
        index = pieces.split(model, self.path("pieces"), 40)
        self.refuses_each("pieces.py", ["join", None, self.path("whole")], self.bad(index))
        self.refuses_each("pieces.py", ["join", index, None], self.places(), "cannot be written")
        os.remove(self.path("pieces/model.bin.001"))
        self.refuses("pieces.py", ["join", index, self.path("whole")], "model.bin.001", "is missing")
        for words in (["take", self.path("nowhere"), self.folder, 0, "--taken", self.path("taken")],
                      ["take", self.path("pieces"), self.path("nowhere"), 0, "--taken", self.path("taken")],
                      ["put", self.path("nowhere"), self.folder], ["put", model, self.path("nowhere")],
                      ["spread", self.path("nowhere"), self.path("o")]):
            self.refuses("pieces.py", words, self.path("nowhere"), "cannot be read")
        taken = ["take", self.path("pieces"), self.path("folder")]
        self.refuses("pieces.py", [*taken, 7, "--taken", self.path("taken")], "has 1 parts, 0 to 0")
        self.refuses("pieces.py", [*taken, 0, "--taken", self.path("heldout")], self.path("heldout"), "cannot be read")
        self.refuses("pieces.py", [*taken, 0, "--taken", self.write("text", b"\xff\n")], self.path("text"), "is not whole, or not")
        self.refuses("pieces.py", [*taken, "next", "--taken", self.path("nowhere/taken")], self.path("nowhere/taken"), "cannot be written")
        self.refuses("pieces.py", ["spread", self.path("pieces"), self.path("file")], self.path("file/0"), "cannot be written")

    def test_curves(self):
        entry = json.dumps({"step": 1, "tokens": 2, "heldout": 3.0}) + "\n"
        good = self.write("a.log.jsonl", (entry * 2).encode())
        self.assertEqual(self.run_script("plot.py", self.path("a.svg"), good), (0, ""))
        others = self.bad(wrong=(b"{}", b"[]", b"5", b'{"step": 1, "tokens": 2, "heldout": null}'))
        self.refuses_each("plot.py", [self.path("out.svg"), good, None], others)
        self.refuses_each("plot.py", [None, good], self.places(), "cannot be written")

    def test_reports(self):
        for suite, made in test_report.pair(1000, 0.6).items():
            with self.subTest(suite=suite):
                os.makedirs(self.path(suite))
                path, words = self.path(f"{suite}/{suite}.json"), [self.path("out.md"), "--pair", f"a={self.path(suite)}"]
                self.write(path, made)
                self.assertEqual(self.run_script("report.py", *words), (0, ""))
                other = test_report.pair(1000, 0.6)["infill" if suite == "loss" else "loss"]
                changed = {**made, "models": {}}, {**made, "complete": False}
                for data in (b"", b"\xff", b"[]", b"{}", json.dumps(made).encode()[:-30], other, *changed):
                    self.write(path, data)
                    self.refuses("report.py", words, path)
                os.remove(path)
                os.makedirs(path)
                self.refuses("report.py", words, path, "cannot be read")
        self.refuses("report.py", [self.path("out.md"), "--pair", f"a={self.path('nowhere')}"], self.path("nowhere"), "has none of")
        self.assertEqual(self.run_script("report.py", self.path("out.md"), "--pair", "folder")[0], 2)

    def test_what_reports_are_given_besides(self):
        os.makedirs(self.path("pair"))
        self.write("pair/loss.json", test_report.pair(1000, 0.6)["loss"])
        pair = ["--pair", f"a={self.path('pair')}"]
        figures = {"files": 1, "acceptance": {"0": 0.5, "0.2": 0.5, "0.8": 0.5}}
        good = self.write("evaluation.json", {"languages": {"python": figures}, "all": figures})
        self.assertEqual(self.run_script("report.py", self.path("out.md"), *pair, "--evaluation", good), (0, ""))
        self.refuses_each("report.py", [self.path("out.md"), *pair, "--evaluation", None], self.bad(good))
        self.refuses_each("report.py", [self.path("out.md"), *pair, "--logs", None], self.bad())
        self.refuses_each("report.py", [None, *pair], self.places(), "cannot be written")

    def test_exports_to_check(self):
        files = {"python/a.py": {"bytes": 9, "tokens": 4, "target": 20.0, "draft": 25.0}}
        good, model = self.write("evaluation.json", {"files": files}), self.write("model.gguf", b"")
        held = self.path("heldout")
        self.refuses_each("check_export.py", ["--expected", None, "--files", held, "--gguf", model, model],
                          self.bad(good, (b"{}", b'{"files": []}', b'{"files": {"a": {}}}')))
        for path in (self.path("nowhere"), self.path("file")):
            self.refuses("check_export.py", ["--expected", good, "--files", path, "--gguf", model, model], path, "cannot be read")
        for path in (self.path("nowhere"), self.path("folder")):
            self.refuses("check_export.py", ["--expected", good, "--files", held, "--gguf", model, path], path, "cannot be read")
        os.remove(self.path("heldout/python/a.py"))
        self.refuses("check_export.py", ["--expected", good, "--files", held, "--gguf", model, model], held, "has no file that")


if __name__ == "__main__":
    unittest.main()

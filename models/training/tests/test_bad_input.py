"""Every script of the recipe, given files that are not there, are folders, empty, cut short or of another kind, or places that cannot be written:
one line that names the file, exit code 2. Scripts that want PyTorch run with a played one where it is not here."""
import argparse
import contextlib
import ctypes
import dataclasses
import io
import json
import lzma
import os
import pickle
import runpy
import signal
import struct
import sys
import tempfile
import types
import unittest
import unittest.mock
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
TRAINING = os.path.dirname(HERE)
sys.path.insert(0, TRAINING)
sys.path.insert(0, HERE)
import gguf                                                                             # noqa: E402
import pieces                                                                           # noqa: E402
import test_report                                                                      # noqa: E402
from tokenizer import train                                                             # noqa: E402
try:
    import numpy
except ImportError:
    numpy = None
try:
    import torch
except ImportError:
    torch = None

SHAPE = dict(dim=64, layers=1, heads=1, kv_heads=1, hidden=64, vocabulary=16_384, context=64, head=64)


class Anything:
    """An object or decorator of the played PyTorch, of which nothing is computed."""

    def __call__(self, *given, **_):
        return given[0] if given and callable(given[0]) else self

    def __getattr__(self, name):
        return self

    def __bool__(self):
        return False


def played_torch():
    """Modules that get a script as far as its input's being refused."""
    played = types.ModuleType("torch")
    played.nn, played.nn.functional = types.SimpleNamespace(Module=object), Anything()
    played.optim, played.autograd = types.SimpleNamespace(Optimizer=object), types.SimpleNamespace(Function=object)
    played.__getattr__ = lambda name: Anything()

    def load(path, map_location):
        with zipfile.ZipFile(path) as archive:
            return pickle.loads(archive.read("a/data.pkl"))

    played.load = load
    return {"torch": played, "torch.nn": played.nn, "torch.nn.functional": played.nn.functional}


class Refused(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.write("file", b"")
        os.makedirs(self.path("folder"))
        os.makedirs(self.path("heldout/python"))
        self.write("heldout/python/a.py", b"print(1)\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data if isinstance(data, bytes) else json.dumps(data).encode())
        return self.path(name)

    def tokenizer(self, size=300):
        train(["some text to train on, some more text"], size).save(self.path("tokenizer.json"))
        return self.path("tokenizer.json")

    def checkpoint(self, state, name="data.pkl"):
        if torch and name == "data.pkl":
            torch.save(state, self.path("good.pt"))
            return self.path("good.pt")
        with zipfile.ZipFile(self.path("good.pt"), "w") as archive:
            archive.writestr("a/" + name, pickle.dumps(state))
        return self.path("good.pt")

    def bad(self, good=None, wrong=(b"{}", b"[]", b"5")):
        """Paths of what a good file is not. wrong: what is whole, but of another kind."""
        yield self.path("nowhere")
        yield self.path("folder")
        yield self.write("empty", b"")
        yield self.write("text", b"no such file, \xff\n" * 20)
        for number, data in enumerate(wrong):
            yield self.write(f"wrong{number}", data)
        if good:
            with open(good, "rb") as file:
                data = file.read()
            yield self.write("cut", data[:len(data) // 2])

    def places(self):
        """Where no file can be written."""
        yield self.path("nowhere/out")
        yield self.path("file/out")
        yield self.path("folder")

    def run_script(self, script, *words):
        """(exit code, standard error) of a script run in this process."""
        argv, said = [os.path.join(TRAINING, script), *map(str, words)], io.StringIO()
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        before = os.getcwd()
        try:
            os.chdir(self.folder)
            with unittest.mock.patch.object(sys, "argv", argv), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
                runpy.run_path(argv[0], run_name="__main__")
            return 0, said.getvalue()
        except SystemExit as ended:
            return ended.code, said.getvalue()
        finally:
            os.chdir(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def refuses(self, script, words, named, why=""):
        """That the script ends with a line that names the file, says why, and what to do."""
        with self.subTest(script=script, words=words):
            code, said = self.run_script(script, *words)
            self.assertEqual((code, said.count("\n")), (2, 1), said)
            self.assertTrue(said.startswith(os.path.basename(script) + ": "), said)
            self.assertIn(named, said)
            self.assertIn(why, said)
            self.assertIn("; ", said)
            self.assertEqual([name for name in os.listdir(self.folder) if name.endswith(".part")], [])

    def refuses_each(self, script, words, paths, why=""):
        """words: with None in the place of the path."""
        for path in paths:
            self.refuses(script, [path if word is None else word for word in words], path, why)


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


class Models(Refused):
    def model(self, **changed):
        metadata = {"general.architecture": "llama", "llama.context_length": 2048, "llama.embedding_length": 32, "llama.block_count": 1,
                    "llama.feed_forward_length": 32, "llama.attention.head_count": 1, "llama.attention.head_count_kv": 1,
                    "tokenizer.ggml.tokens": ["a"], "tokenizer.ggml.scores": [0.5]}
        tensors = [("token_embd.weight", (64, 32), gguf.F32, bytes(64 * 32 * 4)), ("output_norm.weight", (32,), gguf.F32, bytes(128))]
        gguf.write(self.path("good.gguf"), {**metadata, **changed}, tensors)
        return self.path("good.gguf")

    def kinds(self):
        """Of GGUF files: cut everywhere, and with what no file has."""
        with open(self.model(), "rb") as file:
            data = file.read()
        unknown = data.replace(b"llama.block_count\x04", b"llama.block_count\x0f")
        return [b"GGUF", b"GGUF" + bytes(100), b"GGUF" + b"\xff" * 100, data[:100], data[:300], data[:-64], unknown,
                data[:24] + struct.pack("<QI", 2**63, 9)]

    def test_stretched(self):
        self.refuses_each("stretch.py", [None, self.path("out.gguf"), "--trained", 512], self.bad(self.model(), self.kinds()))
        self.refuses_each("stretch.py", [self.model(), None, "--trained", 512], self.places(), "cannot be written")
        for changed in ({"general.architecture": ["a"]}, {"llama.context_length": "long"}):
            model = self.model(**changed)
            self.refuses("stretch.py", [model, self.path("out.gguf"), "--trained", 512], model, "it declares no context")
        self.assertFalse(os.path.exists(self.path("out.gguf")))

    @unittest.skipUnless(numpy, "NumPy is not here")
    def test_blown_up(self):
        shape = ["--width", 64, "--layers", 2, "--feed-forward", 64, "--heads", 2, "--kv-heads", 1]
        self.refuses_each("expand.py", [None, self.path("out.gguf"), *shape], self.bad(self.model(), self.kinds()))
        self.refuses_each("expand.py", [self.model(), None, *shape], self.places(), "cannot be written")
        self.refuses("expand.py", [self.model(), self.path("out.gguf"), *shape], "blk.0", "it has no tensor")
        with open(self.model(), "rb") as file:
            data = file.read()
        large = struct.pack("<I", 4) + struct.pack("<I", 2048), struct.pack("<I", 5) + struct.pack("<i", -2048)
        negative = self.write("negative", data.replace(b"context_length" + large[0], b"context_length" + large[1]))
        self.refuses("expand.py", [negative, self.path("out.gguf"), *shape], negative, "is not whole, or not")
        for changed in ({"llama.block_count": [1, 2]}, {"llama.attention.head_count_kv": 0}):
            model = self.model(**changed)
            self.refuses("expand.py", [model, self.path("out.gguf"), *shape], model, "is not whole, or not")

    def test_the_small_pairs_scripts(self):
        played = {"gguf": types.ModuleType("gguf"), "regex": types.SimpleNamespace(compile=str)}
        if not numpy:
            self.skipTest("NumPy is not here")
        with unittest.mock.patch.dict(sys.modules, played):
            os.makedirs(self.path("sources"))
            self.refuses("small/prepare.py", ["--out", self.path("out"), self.path("nowhere")], self.path("nowhere"), "cannot be read")
            self.refuses("small/prepare.py", ["--out", self.path("out"), self.path("sources")], self.path("sources"), "0 files there")
            self.refuses("small/prepare.py", ["--out", self.path("file"), self.path("sources")], self.path("file"), "cannot be written")
            words = [self.path("a"), "title", self.path("out.gguf"), "q8_0"]
            self.refuses("small/to_gguf.py", words, self.path("a.json"), "cannot be read")
            self.write("a.json", {name: 1 for name in ("ctx", "D", "L", "FF", "H", "KVH", "V", "eps", "theta")})
            self.refuses("small/to_gguf.py", words, "tokenizer.json", "cannot be read")
            self.tokenizer()
            self.refuses("small/to_gguf.py", words, self.path("a.npz"), "cannot be read")
            for data in (b"", b"no archive", b"PK\x03\x04" + bytes(50)):
                self.write("a.npz", data)
                self.refuses("small/to_gguf.py", words, self.path("a.npz"))
            numpy.savez(self.path("a.npz"), emb=numpy.zeros(3))
            self.refuses("small/to_gguf.py", words, self.path("a.npz"), "it has no norm")
            self.assertEqual(self.run_script("small/to_gguf.py")[0], 2)


@unittest.skipUnless(numpy, "NumPy is not here")
class Training(Refused):
    def setUp(self):
        super().setUp()
        if not torch:
            self.enterContext(unittest.mock.patch.dict(sys.modules, played_torch()))

    def data(self):
        self.write("meta.json", {"vocabulary": 16_384})
        for name in ("train.bin", "heldout.bin"):
            self.write(name, bytes(2 * 5_000))

    def checkpoints(self):
        self.checkpoint({})
        others = []
        for state, name in (({}, "other"), ({}, "data.pkl"), ([], "data.pkl"), ({"model": {}, "shape": {**SHAPE, "dim": "wide"}}, "data.pkl")):
            with open(self.checkpoint(state, name), "rb") as file:
                others.append(file.read())
        return self.bad(self.checkpoint({"model": {}, "shape": SHAPE}), [b"PK\x03\x04", *others])

    def test_token_files(self):
        words = ["train.py", [self.path("new"), "--data", self.folder, "--shape", "target-80m", "--steps", 1]]
        self.refuses(*words, self.path("meta.json"), "cannot be read")
        for data in (b"", b"{}", b'{"vocabulary": "all"}'):
            self.write("meta.json", data)
            self.refuses(*words, self.path("meta.json"))
        self.write("meta.json", {"vocabulary": 300})
        self.refuses(*words, self.folder, "has a vocabulary of 300")
        for name in ("train.bin", "heldout.bin"):
            for data in (b"", b"odd", bytes(100)):
                self.data()
                self.write(name, data)
                self.refuses(*words, self.path(name))
            os.remove(self.path(name))
            self.refuses(*words, self.path(name), "cannot be read")
        self.data()
        for place in (self.path("nowhere/new"), self.path("file/new")):
            self.refuses("train.py", [place, *words[1][1:]], place + ".pt", "cannot be written")

    def test_checkpoints(self):
        self.data()
        tokenizer = self.tokenizer(16_384)
        for path in self.checkpoints():
            self.refuses("to_gguf.py", [path, tokenizer, self.path("out.gguf"), "--title", "a"], path)
            self.refuses("distill.py", [self.path("new"), "--target", path, "--data", self.folder, "--steps", 1], path)
            self.refuses("sample.py", ["--target", path, "--data", self.folder, "--out", self.path("mixed")], path)
            self.refuses("evaluate.py", ["--target", path, "--draft", path, "--tokenizer", tokenizer, "--files", self.path("heldout")], path)

    @unittest.skipUnless(torch, "PyTorch is not here")
    def test_checkpoints_of_another_model(self):
        import loop
        self.data()
        shape = dataclasses.asdict(loop.SHAPES["draft-7m"])
        weights = loop.Model(loop.SHAPES["draft-7m"]).state_dict()
        kept = {name: weights[name] for name in list(weights)[1:]}
        first = next(iter(weights))
        for model in ({}, kept, {**weights, "more": torch.zeros(3)}, {**weights, first: torch.zeros(3)}, {**weights, first: 5}):
            path = self.checkpoint({"model": model, "shape": shape, "step": 1, "minutes": 1, "calm": 1, "moved": 0})
            data = ["--data", self.folder, "--steps", 2]
            self.refuses("train.py", [path.removesuffix(".pt"), "--shape", "draft-7m", *data], path, "its tensor")
            self.refuses("distill.py", [self.path("new"), "--target", path, *data], path, "its tensor")

    @unittest.skipUnless(torch, "PyTorch is not here")
    def test_archives_of_other_objects(self):
        torch.save(argparse.Namespace(a=1), self.path("other.pt"))   # newer ones refuse to load it, older ones do
        self.refuses("to_gguf.py", [self.path("other.pt"), self.tokenizer(), self.path("out.gguf"), "--title", "a"], self.path("other.pt"))

    def test_what_else_is_given(self):
        path, tokenizer = self.checkpoint({"model": {}, "shape": SHAPE}), self.tokenizer()
        evaluate = ["evaluate.py", "--target", path, "--draft", path]
        held = self.path("heldout")
        for files in (self.path("nowhere"), self.path("file"), self.path("folder")):
            self.refuses(evaluate[0], [*evaluate[1:], "--tokenizer", tokenizer, "--files", files], files)
        self.refuses_each(evaluate[0], [*evaluate[1:], "--tokenizer", None, "--files", held], self.bad(tokenizer))
        self.refuses_each(evaluate[0], [*evaluate[1:], "--tokenizer", tokenizer, "--files", held, "--out", None], self.places(), "cannot be written")
        self.refuses_each("to_gguf.py", [path, None, self.path("out.gguf"), "--title", "a"], self.bad(tokenizer))
        self.refuses_each("to_gguf.py", [path, tokenizer, None, "--title", "a"], self.places(), "cannot be written")
        self.refuses("to_gguf.py", [path, tokenizer, self.path("out.gguf"), "--title", "a"], "the tokenizer has 300 tokens, the model 16384")
        for name in ("heldout.bin", "meta.json"):
            self.data()
            os.remove(self.path(name))
            self.refuses("sample.py", ["--target", path, "--data", self.folder, "--out", self.path("mixed")], self.path(name), "cannot be read")
        self.refuses("sample.py", ["--target", path, "--data", self.folder, "--out", self.path("file")], self.path("file"), "cannot be written")
        self.assertEqual(self.run_script("sample.py", "--target", path, "--data", self.folder, "--out", self.path("mixed"), "--share", "0")[0], 2)
        self.refuses("probe.py", [self.path("file"), "target-80m"], self.path("file"), "cannot be written")
        self.assertEqual((self.run_script("probe.py", self.folder, "huge")[0], self.run_script("probe.py")[0]), (2, 2))

    def test_models_to_go_on_from(self):
        gguf.write(self.path("good.gguf"), gguf.model_metadata("a", SHAPE), [("a", (32,), gguf.F32, bytes(128))])
        others = [b"GGUF" + bytes(100), b"GGUF" + b"\xff" * 50]
        self.refuses_each("from_gguf.py", [None, self.path("new.pt")], self.bad(self.path("good.gguf"), others))
        self.refuses_each("from_gguf.py", [self.path("good.gguf"), None], self.places(), "cannot be written")
        gguf.write(self.path("wide.gguf"), gguf.model_metadata("a", {**SHAPE, "dim": "wide"}), [("a", (32,), gguf.F32, bytes(128))])
        self.refuses("from_gguf.py", [self.path("wide.gguf"), self.path("new.pt")], self.path("wide.gguf"), "dim is 'wide'")
        gguf.write(self.path("llama.gguf"), {"general.architecture": "llama"}, [])
        self.refuses("from_gguf.py", [self.path("llama.gguf"), self.path("new.pt")], self.path("llama.gguf"), "a model of llama")

    def test_the_small_pairs_token_files(self):
        with unittest.mock.patch.object(ctypes, "CDLL"):
            self.refuses("small/train.py", [self.path("new"), "--data", self.folder], self.path("train.bin"), "cannot be read")
            self.write("train.bin", bytes(100))
            self.refuses("small/train.py", [self.path("new"), "--data", self.folder], self.path("train.bin"), "50 tokens")
            self.refuses("small/train.py", [self.path("nowhere/new"), "--data", self.folder], self.path("nowhere/new"), "cannot be written")


if __name__ == "__main__":
    unittest.main()

"""As test_bad_input.py, of the scripts that read models and checkpoints and that train. Those that want PyTorch run with a played one where it is not
here."""
import argparse
import ctypes
import dataclasses
import os
import struct
import sys
import types
import unittest
import unittest.mock

HERE = os.path.dirname(os.path.abspath(__file__))
TRAINING = os.path.dirname(HERE)
sys.path.insert(0, TRAINING)
sys.path.insert(0, HERE)
import gguf                                                                             # noqa: E402
from refused import Refused, played_torch, torch                                        # noqa: E402
try:
    import numpy
except ImportError:
    numpy = None

SHAPE = dict(dim=64, layers=1, heads=1, kv_heads=1, hidden=64, vocabulary=16_384, context=64, head=64)


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

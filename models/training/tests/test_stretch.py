"""stretch.py: YaRN's keys in a file that is otherwise what it was."""
import os
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TRAINING = os.path.dirname(HERE)
MODELS = os.path.dirname(TRAINING)
sys.path.insert(0, TRAINING)
import gguf                                                                             # noqa: E402


class Stretch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.metadata = {"general.architecture": "llama", "general.name": "tiny", "llama.context_length": 2048, "llama.rope.freq_base": 10000.0,
                         "tokenizer.ggml.tokens": ["a", "ä", ""], "tokenizer.ggml.token_type": [1, 1, 3], "tokenizer.ggml.add_bos_token": False}
        self.tensors = [("one.weight", (3, 5), gguf.F32, struct.pack("<15f", *range(15))), ("two", (7,), gguf.F32, struct.pack("<7f", *range(7)))]

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, **changed):
        gguf.write(self.path(name), {**self.metadata, **{key.replace("__", "."): value for key, value in changed.items()}}, self.tensors)

    def stretch(self, *words):
        return subprocess.run([sys.executable, os.path.join(TRAINING, "stretch.py"), *words], capture_output=True, text=True)

    def bytes(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def test_the_file_is_the_one_that_has_the_keys_from_the_start(self):
        self.write("in.gguf")
        self.write("want.gguf", llama__rope__scaling__type="yarn", llama__rope__scaling__factor=4.0, llama__rope__scaling__original_context_length=512)
        done = self.stretch(self.path("in.gguf"), self.path("out.gguf"), "--trained", "512")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.bytes("out.gguf"), self.bytes("want.gguf"))
        self.assertEqual(sorted(os.listdir(self.folder)), ["in.gguf", "out.gguf", "want.gguf"])

    def test_what_cannot_be_stretched_is_refused_in_one_line_and_nothing_is_written(self):
        self.write("in.gguf")
        self.write("again.gguf", llama__rope__scaling__type="linear")
        self.write("own.gguf", general__alignment=64)
        for name, data in (("cut.gguf", self.bytes("in.gguf")[:300]), ("text.gguf", b"no model")):
            with open(self.path(name), "wb") as file:
                file.write(data)
        for name, trained, why in (("again.gguf", "512", "stretched already"), ("in.gguf", "2048", "a context of 2048 tokens"),
                                   ("in.gguf", "0", "a context of 2048 tokens"), ("own.gguf", "512", "an alignment of its own"),
                                   ("cut.gguf", "512", "is not whole"), ("text.gguf", "512", "is no GGUF file"),
                                   ("nowhere.gguf", "512", "No such file")):
            with self.subTest(name=name, trained=trained):
                done = self.stretch(self.path(name), self.path("out.gguf"), "--trained", trained)
                self.assertEqual(done.returncode, 2)
                self.assertIn(why, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)
                self.assertFalse(os.path.exists(self.path("out.gguf")))

    def test_the_starter_pair_is_stretched(self):
        for name in ("octet-starter-6M-q8_0.gguf", "octet-starter-1M-draft-q8_0.gguf"):
            done = self.stretch(os.path.join(MODELS, name), self.path("out.gguf"), "--trained", "512")
            self.assertIn("stretched already", done.stderr)


if __name__ == "__main__":
    unittest.main()

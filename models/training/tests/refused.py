"""What the tests of bad input share: a folder of files that are wrong, a script run in it, and a played PyTorch where there is none."""
import contextlib
import io
import json
import os
import pickle
import runpy
import signal
import sys
import tempfile
import types
import unittest
import unittest.mock
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
TRAINING = os.path.dirname(HERE)
sys.path.insert(0, TRAINING)
from tokenizer import train                                                             # noqa: E402
try:
    import torch
except ImportError:
    torch = None


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

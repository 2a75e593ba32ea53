"""What the tests of the training loop share: a model of some thousand parameters, a text that repeats itself, a loop that is called."""
import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
try:
    import numpy as np
    import torch
except ImportError:
    torch = None
if torch:
    import loop
    from compiling import Compiling
    from model import SHAPES, Shape


@unittest.skipUnless(torch, "PyTorch is not here")
class Tiny(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.enterContext(unittest.mock.patch.dict(SHAPES, tiny=Shape(32, 2, 2, 1, 32, vocabulary=64, context=16, head=16)))
        tokens = (np.arange(4000) * 7 % 61).astype(np.uint16)
        tokens.tofile(self.path("train.bin"))
        (tokens + 3).tofile(self.path("heldout.bin"))                # 61 and more are in these alone
        with open(self.path("meta.json"), "w", encoding="utf8") as file:
            json.dump({"vocabulary": 64}, file)

    def path(self, name):
        return os.path.join(self.folder, name)

    def train(self, name, *flags, objective=None, compiling=None, **more):
        """Runs the loop; returns what it printed."""
        parser = argparse.ArgumentParser()
        loop.add_arguments(parser, "tiny")
        given = [self.path(name), "--data", self.folder, "--batch", "4", "--accumulate", "2", "--warmup", "5", "--report", "5", *map(str, flags)]
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            loop.run(parser.parse_args(given), objective or (lambda model, ids, progress: model.loss(ids)), compiling or Compiling("no"), **more)
        return out.getvalue()

    def state(self, name):
        return torch.load(self.path(name + ".pt"))

    def same(self, first, second, part="model"):
        """Whether two checkpoints have the same weights, or the same state of the optimisers."""
        first, second = (torch.load(self.path(name + ".pt"))[part] for name in (first, second))
        return all(torch.equal(one, other) for one, other in zip(tensors(first), tensors(second), strict=True))

    def curve(self, name):
        with open(self.path(name + ".log.jsonl"), encoding="utf8") as file:
            return [json.loads(line) for line in file]

    def losses(self, name):
        return [entry["heldout"] for entry in self.curve(name)]


def tensors(nested):
    """All tensors in dictionaries and lists, in their order."""
    if torch.is_tensor(nested):
        yield nested
    elif isinstance(nested, (dict, list, tuple)):
        for value in nested.values() if isinstance(nested, dict) else nested:
            yield from tensors(value)

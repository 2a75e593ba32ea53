"""Going on from a GGUF file: what to_gguf.py wrote is read as it was rounded, and trained on with a fresh optimiser."""
import contextlib
import io
import os
import sys
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tiny_training import Tiny, torch                                                   # noqa: E402
if torch:
    import dataclasses

    import numpy as np

    import from_gguf
    import gguf
    import gguf_tensors
    import to_gguf
    from model import Model, Shape
    from tokenizer import train


def run(program, *words):
    with unittest.mock.patch.object(sys, "argv", [program.__name__, *words]), contextlib.redirect_stdout(io.StringIO()) as said:
        program.main()
    return said.getvalue()


class FromGguf(Tiny):
    def setUp(self):
        super().setUp()
        tokenizer = train(["some text to train on, some more text"], 280)
        tokenizer.save(self.path("tokenizer.json"))
        self.shape = Shape(64, 2, 2, 1, 96, vocabulary=280, context=16, head=32)
        torch.manual_seed(3)
        self.model = Model(self.shape)
        torch.save({"model": self.model.state_dict(), "shape": dataclasses.asdict(self.shape)}, self.path("first.pt"))

    def export(self, name, kind):
        run(to_gguf, self.path(f"{name}.pt"), self.path("tokenizer.json"), self.path(f"{name}.gguf"), "--type", kind, "--title", "tiny")
        with open(self.path(f"{name}.gguf"), "rb") as file:
            return file.read()

    def test_the_file_made_again_is_the_same_and_its_weights_are_near(self):
        for kind, off in (("q8_0", 1 / 250), ("f16", 1 / 2000)):
            first = self.export("first", kind)
            said = run(from_gguf, self.path("first.gguf"), self.path("again.pt"))
            self.assertIn("0.1M parameters", said)
            state = self.state("again")
            self.assertEqual((state["shape"], state["step"], state["moved"]), (dataclasses.asdict(self.shape), 0, from_gguf.OTHER_TEXT))
            self.assertEqual(set(state["model"]), set(self.model.state_dict()))
            for name, tensor in self.model.state_dict().items():
                worst = (state["model"][name] - tensor).abs().max().item()
                self.assertLessEqual(worst, off * tensor.abs().max().item(), name)
                self.assertTrue(tensor.dim() == 1 or worst > 0, name)
            self.assertEqual(self.export("again", kind), first)

    def test_training_goes_on_from_it_with_a_warm_up_other_text_and_no_memory(self):
        self.train("tiny", "--steps", 30)
        before = self.losses("tiny")
        state = self.state("tiny")
        del state["optimiser"]
        torch.save({**state, "step": 0, "minutes": 0.0, "moved": from_gguf.OTHER_TEXT}, self.path("more.pt"))
        self.train("more", "--steps", 1, "--muon-rate", 0, "--adam-rate", 0)
        self.assertAlmostEqual(self.losses("more")[0], before[-1], delta=0.01)          # it is the model that was trained
        self.assertLess(self.losses("more")[0], before[0] - 0.5)
        self.assertEqual(self.state("more")["moved"], from_gguf.OTHER_TEXT)
        self.train("more", "--steps", 5)
        self.assertIn("optimiser", self.state("more"))

    def test_a_file_that_is_cut_or_of_another_kind_is_said_in_a_line(self):
        self.export("first", "q8_0")
        with open(self.path("first.gguf"), "rb") as file:
            whole = file.read()
        for data in (b"", b"GGUF", whole[:100], whole[:len(whole) // 2], whole[:-1], b"GGUF" + bytes(100), b"no such file" * 100):
            with open(self.path("cut.gguf"), "wb") as file:
                file.write(data)
            with self.assertRaises(SystemExit) as refused:
                run(from_gguf, self.path("cut.gguf"), self.path("cut.pt"))
            self.assertEqual(str(refused.exception).count("\n"), 0)
        with self.assertRaises(SystemExit):
            run(from_gguf, self.path("nowhere.gguf"), self.path("cut.pt"))
        self.assertFalse(os.path.exists(self.path("cut.pt")))

    def test_what_is_no_such_file_is_refused(self):
        with open(self.path("other.gguf"), "wb") as file:
            file.write(b"text, of some length, that is no model")
        with self.assertRaisesRegex(SystemExit, "is no GGUF file"):
            from_gguf.read(self.path("other.gguf"))
        gguf.write(self.path("llama.gguf"), {"general.architecture": "llama"}, [("a", (32,), gguf.F32, bytes(128))])
        metadata, tensors = from_gguf.read(self.path("llama.gguf"))
        self.assertEqual(tensors["a"].tolist(), [0.0] * 32)
        with self.assertRaisesRegex(SystemExit, "a model of llama"):
            from_gguf.shape_of(metadata)
        with self.assertRaisesRegex(SystemExit, "a tensor of type 12"):
            gguf_tensors.values(12, np.zeros(64, np.uint8), 32)


if __name__ == "__main__":
    unittest.main()

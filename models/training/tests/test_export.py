"""F16 and Q8_0 files against the training code's logits, by a model in NumPy that reads the files as they were written."""
import contextlib
import dataclasses
import io
import os
import sys
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tiny_training import Tiny, torch                                                   # noqa: E402
if torch:
    import numpy as np

    import from_gguf
    import reference
    import tiny_export
    import to_gguf
    from model import Model, Shape
    from tokenizer import train


class Export(Tiny):
    def setUp(self):
        super().setUp()
        self.shape, self.arrays = Shape(**tiny_export.SHAPE), tiny_export.noise(tiny_export.SHAPE)
        train(["some text to train on, some more text"], self.shape.vocabulary).save(self.path("tokenizer.json"))
        state = {name: torch.from_numpy(array) for name, array in self.arrays.items()}
        torch.save({"model": state, "shape": dataclasses.asdict(self.shape)}, self.path("noise.pt"))
        self.ids = torch.arange(40)[None] * 37 % self.shape.vocabulary
        model = Model(self.shape)
        model.load_state_dict(state)
        with torch.no_grad():
            self.logits = model(self.ids)[0].numpy()

    def off(self, arrays, shape):
        """The root mean square by which logits differ from the training code's, as a share of theirs."""
        differ = reference.logits(self.ids[0].numpy(), arrays, shape) - self.logits
        return np.sqrt((differ ** 2).mean() / (self.logits ** 2).mean())

    def exported(self, kind):
        given = ["to_gguf.py", self.path("noise.pt"), self.path("tokenizer.json"), self.path("noise.gguf"), "--type", kind, "--title", "noise"]
        with unittest.mock.patch.object(sys, "argv", given), contextlib.redirect_stdout(io.StringIO()):
            to_gguf.main()
        metadata, tensors = from_gguf.read(self.path("noise.gguf"))
        return {name.removesuffix(".weight"): array for name, array in tensors.items()}, from_gguf.shape_of(metadata)

    def test_the_training_code_computes_what_the_formulas_say(self):
        self.assertLess(self.off(self.arrays, dataclasses.asdict(self.shape)), 1e-5)

    def test_exported_files_hold_the_model_that_was_trained(self):
        f16, q8_0 = self.off(*self.exported("f16")), self.off(*self.exported("q8_0"))
        self.assertTrue(1e-5 < f16 < 3e-3, f16)
        self.assertTrue(f16 < q8_0 < 5e-2, q8_0)


if __name__ == "__main__":
    unittest.main()

"""What the draft learns from: text that the target wrote is the stated share of it, each sample as often as is said."""
import contextlib
import io
import os
import sys
import time
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tiny_training import Tiny, torch                                                   # noqa: E402
if torch:
    import numpy as np

    import distill
    import sample
    from model import Model
    from windows import Windows

WROTE = 63                                     # a token that is in no text


def call(program, *words):
    with unittest.mock.patch.object(sys, "argv", [program.__name__, *words]), contextlib.redirect_stdout(io.StringIO()) as said:
        program.main()
    return said.getvalue()


class Samples(Tiny):
    def setUp(self):
        super().setUp()
        tokens = (np.arange(40_000) * 7 % 61).astype(np.uint16)
        tokens.tofile(self.path("train.bin"))
        self.train("target", "--steps", 1)
        self.temperatures, self.pause = [], 0

    def mixed(self, *flags):
        """The text made with a target that writes nothing but WROTE: (its windows, what was said)."""
        def continued(model, ids, count, temperature):
            self.temperatures.append(temperature)
            time.sleep(self.pause)
            return torch.cat((ids, torch.full((len(ids), count), WROTE)), 1)

        with unittest.mock.patch.object(Model, "continued", continued):
            said = call(sample, "--target", self.path("target.pt"), "--data", self.folder, "--out", self.path("mixed"), *map(str, flags))
        tokens = np.fromfile(self.path("mixed/train.bin"), np.uint16)
        self.assertEqual(len(tokens) % 16, 1)                        # the last token is foretold only
        return tokens[:-1].reshape(-1, 16), said

    def written(self, windows):
        return (windows == WROTE).any(1)

    def test_the_share_of_what_the_target_wrote(self):
        for repeat, share in ((4, 0.2), (4, 0.5), (1, 0.2)):
            windows, _ = self.mixed("--minutes", 0, "--batch", 24, "--repeat", repeat, "--share", share)
            wrote = self.written(windows)
            self.assertEqual(wrote.sum(), 24 * repeat)
            self.assertAlmostEqual(wrote.mean(), share, delta=0.003)
            samples, counts = np.unique(windows[wrote], axis=0, return_counts=True)
            self.assertTrue((counts % repeat == 0).all())
            self.assertTrue((samples[:, :8] != WROTE).all() and (samples[:, 8:] == WROTE).all())       # half a window goes before

    def test_unasked_it_is_a_fifth_and_at_all_temperatures(self):
        self.pause = 0.2
        windows, said = self.mixed("--minutes", 0.02, "--batch", 4, "--length", 12)
        self.assertIn("4 times", said)
        self.assertEqual(self.temperatures, ([0.2, 0.8, 1.0] * 4)[:len(self.temperatures)])
        self.assertGreaterEqual(len(self.temperatures), 3)
        self.assertAlmostEqual((windows == WROTE).mean(), 0.1, delta=0.02)          # half of a sample is the prompt

    def test_the_draft_sees_them_in_that_share(self):
        self.mixed("--minutes", 0, "--batch", 24)
        seen, batch = [], Windows.batch

        def watched(windows, *given):
            ids = batch(windows, *given)
            if str(windows.tokens.filename).endswith("train.bin"):
                seen.extend(ids[:, :-1].tolist())
            return ids

        with unittest.mock.patch.object(Windows, "batch", watched):
            call(distill, self.path("draft"), "--target", self.path("target.pt"), "--shape", "tiny", "--data", self.path("mixed"), "--batch", "8",
                 "--accumulate", "2", "--steps", "30", "--warmup", "2")
        self.assertEqual(len(seen), 480)                             # once around: 96 windows of samples, 384 of the corpus
        self.assertAlmostEqual(self.written(np.array(seen)).mean(), 0.2, delta=0.003)


if __name__ == "__main__":
    unittest.main()

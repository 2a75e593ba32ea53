"""The training loop: cut and resumed, killed while it saves, out of memory, not compiling, not finite, diverging, out of time.
Without PyTorch these are left out."""
import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
import types
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
    import optimiser
    from distill import divergence
    from model import Model, SHAPES, Shape, cross_entropy
from health import Health                                                               # noqa: E402


class Healthy(unittest.TestCase):
    def test_noise_is_not_divergence(self):
        health = Health()
        for step in range(300):
            self.assertEqual(health.judge(2 + 0.2 * (step % 2), 1.0), "go on")
        self.assertTrue(health.well())

    def test_one_step_that_is_not_finite_is_left_out_three_set_back(self):
        health = Health()
        health.judge(2, 1)
        self.assertEqual([health.judge(loss, norm) for loss, norm in ((float("nan"), 1), (2, float("inf")), (2, 1))], ["skip", "skip", "go on"])
        self.assertEqual([health.judge(float("nan"), 1) for _ in range(2)], ["skip", "skip"])
        self.assertFalse(health.well())
        self.assertEqual(health.judge(float("nan"), 1), "back")

    def test_a_mean_that_rises_is_set_back_and_not_saved_before(self):
        health, said = Health(), []
        while len(said) < 30:
            health.judge(2, 1)
            said.append(health.well())
        self.assertTrue(all(said))
        while health.judge(4, 1) == "go on":
            said.append(health.well())
        self.assertLess(len(said), 40)
        self.assertFalse(said[-1])
        with self.assertRaisesRegex(SystemExit, "set back 5 times"):
            Health(5).back()


@unittest.skipUnless(torch, "PyTorch is not here")
class Training(unittest.TestCase):
    """On a model of some thousand parameters and a text that repeats itself."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.enterContext(unittest.mock.patch.dict(SHAPES, tiny=Shape(32, 2, 2, 1, 32, vocabulary=64, context=16, head=16)))
        tokens = (np.arange(4000) * 7 % 61).astype(np.uint16)
        for name in ("train", "heldout"):
            tokens.tofile(os.path.join(self.folder, name + ".bin"))
        with open(os.path.join(self.folder, "meta.json"), "w", encoding="utf8") as file:
            json.dump({"vocabulary": 64}, file)

    def path(self, name):
        return os.path.join(self.folder, name)

    def train(self, name, *flags, objective=None, compiling=None):
        """Runs the loop; returns what it printed."""
        parser = argparse.ArgumentParser()
        loop.add_arguments(parser, "tiny")
        given = [self.path(name), "--data", self.folder, "--batch", "4", "--accumulate", "2", "--warmup", "5", "--report", "5", *map(str, flags)]
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            loop.run(parser.parse_args(given), objective or (lambda model, ids, progress: model.loss(ids)), compiling or loop.Compiling("no"))
        return out.getvalue()

    def weights(self, name):
        return torch.load(self.path(name + ".pt"))["model"]

    def same(self, first, second):
        first, second = self.weights(first), self.weights(second)
        return all(torch.equal(first[key], second[key]) for key in first)

    def losses(self, name):
        with open(self.path(name + ".log.jsonl"), encoding="utf8") as file:
            return [json.loads(line)["heldout"] for line in file]

    def test_a_cut_run_goes_on_where_it_was(self):
        self.assertIn("the plan is over", self.train("whole", "--steps", 20))
        self.assertIn("not over yet", self.train("cut", "--steps", 20, "--stop-after", 7))
        self.assertIn("from step 7", self.train("cut", "--steps", 20))
        self.assertTrue(self.same("whole", "cut"))
        self.assertLess(self.losses("whole")[-1], self.losses("whole")[0] - 0.5)

    def test_killed_while_it_saves_the_checkpoint_before_is_there(self):
        self.train("killed", "--steps", 20, "--stop-after", 7)
        self.train("whole", "--steps", 20)

        def torn(state, path):
            with open(path, "wb") as file:
                file.write(b"half a checkpoint")
            raise KeyboardInterrupt

        with unittest.mock.patch.object(torch, "save", torn), self.assertRaises(KeyboardInterrupt):
            self.train("killed", "--steps", 20, "--stop-after", 12)
        self.assertIn("from step 7", self.train("killed", "--steps", 20))
        self.assertTrue(self.same("whole", "killed"))

    def test_out_of_memory_takes_smaller_batches_of_the_same_text(self):
        self.train("whole", "--steps", 12)
        seen = []

        def limited(model, ids, progress):
            seen.append(len(ids))
            if len(ids) > 1:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory")
            return model.loss(ids)

        said = self.train("small", "--steps", 12, objective=limited)
        self.assertIn("goes on with 8 passes of 1 windows", said)
        self.assertEqual(seen[:3], [4, 2, 1])
        self.assertAlmostEqual(self.losses("small")[-1], self.losses("whole")[-1], 4)

        def never(model, ids, progress):
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

        with self.assertRaises(torch.cuda.OutOfMemoryError):
            self.train("none", "--steps", 12, objective=never)

    def test_what_fails_compiled_goes_on_uncompiled_and_what_fails_anyway_is_told(self):
        compiling = loop.Compiling("no")
        compiling.on = True

        def fragile(model, ids, progress):
            if compiling.on:
                raise RuntimeError("no kernel image")
            return model.loss(ids)

        self.train("whole", "--steps", 12)
        self.assertIn("goes on uncompiled: RuntimeError: no kernel image", self.train("plain", "--steps", 12, objective=fragile, compiling=compiling))
        self.assertTrue(self.same("whole", "plain"))
        with self.assertRaisesRegex(RuntimeError, "no kernel image"):
            self.train("broken", "--steps", 12, objective=lambda *_: (_ for _ in ()).throw(RuntimeError("no kernel image")))

    def spoilt(self, when):
        calls = []

        def objective(model, ids, progress):
            calls.append(len(calls))
            return model.loss(ids) * (float("nan") if when(calls[-1] // 2) else 1)
        return objective

    def test_a_step_that_is_not_finite_leaves_the_weights_as_they_were(self):
        self.train("before", "--steps", 20, "--stop-after", 7)
        said = self.train("spoilt", "--steps", 20, "--stop-after", 8, objective=self.spoilt(lambda pair: pair == 9))
        self.assertIn("step 7: left out", said)                      # the held-out loss after steps 1 and 5 takes two calls each
        self.assertTrue(self.same("before", "spoilt"))

    def test_set_back_it_goes_on_from_the_checkpoint_with_half_the_rates_and_other_text(self):
        self.train("back", "--steps", 40, "--stop-after", 6)
        seen, counted = [], []

        def objective(model, ids, progress):
            counted.append(1)
            seen.append(ids[0, 0].item())
            return model.loss(ids) * (float("nan") if len(counted) <= 6 else 1)

        said = self.train("back", "--steps", 40, "--stop-after", 10, objective=objective)
        self.assertIn("back to step 6, with 0.5 of the rates", said)
        state = torch.load(self.path("back.pt"))
        self.assertEqual((state["step"], state["calm"], state["moved"]), (10, 0.5, 3))
        self.assertTrue(all(torch.isfinite(tensor).all() for tensor in state["model"].values()))
        windows = loop.Windows(self.path("train.bin"), 16)
        self.assertEqual(seen[6], windows.batch(9 * 2, 4, torch.device("cpu"))[0, 0].item())

    def test_set_back_before_any_checkpoint_it_begins_anew(self):
        said = self.train("anew", "--steps", 20, objective=self.spoilt(lambda step: 5 <= step < 9))
        self.assertIn("back to step 0", said)
        self.assertTrue(all(torch.isfinite(tensor).all() for tensor in self.weights("anew").values()))
        self.assertLess(self.losses("anew")[-1], self.losses("anew")[0])

    def test_by_the_clock_the_rate_decays_by_the_time_that_is_left(self):
        now = [loop.BEGAN]
        options = types.SimpleNamespace(steps=None, plan_minutes=None, until=loop.BEGAN + 600, minutes=9)
        with unittest.mock.patch.object(loop.time, "time", lambda: now[0]):
            clock = loop.Clock(options, 0)
            seen = []
            for now[0] in (loop.BEGAN, loop.BEGAN + 300, loop.BEGAN + 540, loop.BEGAN + 600, loop.BEGAN + 700):
                seen.append((round(clock.progress(0), 3), clock.over()))
            self.assertEqual(seen, [(0, False), (0.5, False), (0.9, True), (1, True), (1, True)])
            # Resumed after five minutes of training, with five more to go: half of the plan, however long the pause was.
            now[0] = loop.BEGAN
            self.assertEqual(loop.Clock(types.SimpleNamespace(**{**vars(options), "until": loop.BEGAN + 300}), 5).progress(0), 0.5)
        self.assertEqual([round(loop.rate(progress, 10**6, 100), 3) for progress in (0, 0.6, 0.8, 1)], [1, 1, 0.5, 0])

    def test_a_plan_that_is_over_trains_nothing(self):
        self.train("over", "--steps", 5)
        self.assertIn("at step 5", self.train("over", "--until", loop.BEGAN - 1))


@unittest.skipUnless(torch, "PyTorch is not here")
class Parts(unittest.TestCase):
    def test_muon_together_is_muon_one_by_one(self):
        """Against the update as it is written down, matrix by matrix."""
        torch.manual_seed(0)
        shapes = ((6, 4), (4, 6), (6, 4))
        together, alone = ([torch.nn.Parameter(torch.linspace(-1, 1, a * b).reshape(a, b) * (i + 1)) for i, (a, b) in enumerate(shapes)] for _ in range(2))
        muon, averages = optimiser.Muon(together, lr=0.1), [torch.zeros(shape) for shape in shapes]
        for _ in range(3):
            for parameter, other, average in zip(together, alone, averages):
                parameter.grad = torch.randn(parameter.shape)
                average.lerp_(parameter.grad, 0.05)
                update = optimiser.orthogonalised(parameter.grad.lerp(average, 0.95)[None])[0]
                scale = max(1, update.shape[0] / update.shape[1]) ** 0.5
                other.data.mul_(1 - 0.1 * 0.01).add_(update, alpha=-0.1 * scale)
            muon.step()
        for parameter, other in zip(together, alone):
            torch.testing.assert_close(parameter, other)

    def test_divergence_is_kl_and_one_less_the_accepted_share(self):
        p, q = torch.randn(5, 7), torch.randn(5, 7)
        kl = (p.softmax(-1) * (p.log_softmax(-1) - q.log_softmax(-1))).sum(-1).mean()
        kept = sum(torch.minimum((p / t).softmax(-1), (q / t).softmax(-1)).sum(-1).mean() for t in (0.2, 0.8)) / 2
        torch.testing.assert_close(divergence(p, q, torch.tensor(0.0)), kl)
        torch.testing.assert_close(divergence(p, q, torch.tensor(1.0)), 1 - kept)

    def test_the_model_sees_nothing_that_comes_later(self):
        torch.manual_seed(0)
        model = Model(Shape(32, 2, 2, 1, 32, vocabulary=64, context=16, head=16))
        ids = torch.randint(64, (2, 16))
        changed = ids.clone()
        changed[:, 9:] = 3
        torch.testing.assert_close(model(ids)[:, :9], model(changed)[:, :9])
        torch.testing.assert_close(cross_entropy(model(ids)[0], ids[0]), torch.nn.functional.nll_loss(model(ids)[0].log_softmax(-1), ids[0]))


if __name__ == "__main__":
    unittest.main()

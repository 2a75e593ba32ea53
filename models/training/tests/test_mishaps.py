"""The training loop where things go wrong: out of memory, not compiling, not finite, diverging."""
import os
import sys
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tiny_training import Tiny, torch                                                   # noqa: E402

if torch:
    import loop
    from compiling import Compiling
    from model import cross_entropy
    from windows import Windows


class Device(Tiny):
    def test_out_of_memory_takes_smaller_batches_of_the_same_text(self):
        self.train("whole", "--steps", 12)
        seen = []

        def limited(model, ids, progress):
            seen.append(len(ids))
            if len(ids) > 1 and seen.count(len(ids)) == 2:           # in a second pass: the first has left gradients
                raise torch.cuda.OutOfMemoryError("CUDA out of memory")
            return model.loss(ids)

        said = self.train("small", "--steps", 12, objective=limited)
        self.assertIn("goes on with 8 passes of 1 windows", said)
        self.assertEqual(seen[:5], [4, 4, 2, 2, 1])
        self.assertEqual(set(seen[4:]), {1})
        for small, whole in zip(self.curve("small"), self.curve("whole"), strict=True):
            self.assertAlmostEqual(small["heldout"], whole["heldout"], 4)
            self.assertAlmostEqual(small["loss"], whole["loss"], 4)

        def never(model, ids, progress):
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

        with self.assertRaises(torch.cuda.OutOfMemoryError):
            self.train("none", "--steps", 12, objective=never)

    @unittest.skipUnless(hasattr(torch, "compile") and hasattr(torch.nn.Module, "compile"), "this PyTorch does not compile")
    def test_what_fails_compiled_goes_on_uncompiled_and_what_fails_anyway_is_told(self):
        def broken(*_, **__):
            raise RuntimeError("no kernel image")

        self.train("whole", "--steps", 12)
        for which in ("blocks", "loss"):
            with unittest.mock.patch.object(torch, "compile", lambda *_, **__: broken):
                compiling = Compiling("yes")
                measure = compiling.function(cross_entropy) if which == "loss" else cross_entropy
            compile_blocks = compiling.model if which == "blocks" else lambda model: model
            with unittest.mock.patch.object(torch, "compile", lambda *_, **__: broken), \
                 unittest.mock.patch.object(compiling, "model", compile_blocks):
                said = self.train(which, "--steps", 12, objective=lambda model, ids, progress: model.loss(ids, measure), compiling=compiling)
            self.assertIn("goes on uncompiled: RuntimeError: no kernel image", said)
            self.assertTrue(self.same("whole", which))
        with self.assertRaisesRegex(RuntimeError, "no kernel image"):
            self.train("broken", "--steps", 12, objective=broken)


class Numbers(Tiny):
    def spoilt(self, when, spoil=lambda loss: loss * float("nan")):
        """An objective that is spoilt in the calls, two a step, in whose pair `when` holds."""
        calls = []

        def objective(model, ids, progress):
            calls.append(len(calls))
            return spoil(model.loss(ids)) if when(calls[-1] // 2) else model.loss(ids)
        return objective

    def test_a_step_that_is_not_finite_leaves_the_weights_as_they_were(self):
        self.train("before", "--steps", 20, "--stop-after", 7)
        said = self.train("spoilt", "--steps", 20, "--stop-after", 8, objective=self.spoilt(lambda pair: pair == 9))
        self.assertIn("step 7: left out", said)                      # the held-out loss after steps 1 and 5 takes two calls each
        self.assertTrue(self.same("before", "spoilt"))
        self.assertTrue(self.same("before", "spoilt", "optimiser"))
        self.train("spoilt", "--steps", 20, "--stop-after", 9)
        said = self.train("again", "--steps", 20, "--stop-after", 9, objective=self.spoilt(lambda pair: pair == 9))
        self.assertTrue(self.same("spoilt", "again"))                # no gradient of the step left out is in the next

    def test_set_back_it_goes_on_from_the_checkpoint_with_half_the_rates_and_other_text(self):
        self.train("back", "--steps", 40, "--stop-after", 6)
        seen, counted, rates = [], [], []

        def objective(model, ids, progress):
            counted.append(1)
            seen.append(ids[0, 0].item())
            return model.loss(ids) * (float("nan") if len(counted) <= 6 else 1)

        step = loop.Optimiser.step
        with unittest.mock.patch.object(loop.Optimiser, "step", lambda self, rate: rates.append(rate) or step(self, rate)):
            said = self.train("back", "--steps", 40, "--stop-after", 10, objective=objective)
            self.train("back", "--steps", 40, "--stop-after", 11, objective=objective)
        self.assertIn("back to step 6, with 0.5 of the rates", said)
        self.assertEqual(rates, [0.5] * 5)                           # in the next command too
        self.assertGreater(self.curve("back")[-1]["tokens_per_second"], 0)
        state = self.state("back")
        self.assertEqual((state["step"], state["calm"], state["moved"]), (11, 0.5, 3))
        self.assertTrue(all(torch.isfinite(tensor).all() for tensor in state["model"].values()))
        windows = Windows(self.path("train.bin"), 16)
        expected = [windows.batch(position, 4, torch.device("cpu"))[0, 0].item() for position in range(9 * 2, 14 * 2)]
        held = 2                                                     # calls of the held-out loss, after step 10
        self.assertEqual(seen[6:14] + seen[14 + held:], expected)

    def test_set_back_weights_and_optimiser_are_the_checkpoints_and_a_command_cut_then_keeps_it(self):
        self.train("good", "--steps", 40, "--stop-after", 6)
        self.train("bad", "--steps", 40, "--stop-after", 6)
        objective, calls = self.spoilt(lambda pair: True, lambda loss: loss + 20 * len(calls)), []

        def cut(model, ids, progress):
            calls.append(1)
            if len(calls) > 4:                                       # the first step is taken, the second found too bad
                raise KeyboardInterrupt
            return objective(model, ids, progress)

        with self.assertRaises(KeyboardInterrupt):
            self.train("bad", "--steps", 40, objective=cut)
        state = self.state("bad")
        self.assertEqual((state["step"], state["calm"], state["moved"]), (6, 0.5, 2))
        self.assertTrue(self.same("good", "bad"))
        self.assertTrue(self.same("good", "bad", "optimiser"))

    def test_set_back_before_any_checkpoint_it_begins_anew(self):
        said = self.train("anew", "--steps", 20, objective=self.spoilt(lambda step: 5 <= step < 9))
        self.assertIn("back to step 0", said)
        self.assertTrue(all(torch.isfinite(tensor).all() for tensor in self.state("anew")["model"].values()))
        self.assertLess(self.losses("anew")[-1], self.losses("anew")[0])

    def test_anew_nothing_of_what_diverged_is_left(self):
        calls = []

        def cut(model, ids, progress):
            calls.append(1)
            if len(calls) > 6:                                       # a step, the held-out loss, a step that is too bad
                raise KeyboardInterrupt
            return model.loss(ids) + 20 * len(calls)

        with self.assertRaises(KeyboardInterrupt):
            self.train("anew", "--steps", 40, objective=cut)
        state = self.state("anew")
        self.assertEqual((state["step"], state["moved"], [len(one["state"]) for one in state["optimiser"]]), (0, 2, [0, 0]))
        self.assertTrue(all((tensor == 1).all() for name, tensor in state["model"].items() if name.endswith("norm")))

    def test_it_gives_up_where_that_does_not_help(self):
        with self.assertRaisesRegex(SystemExit, "set back 5 times"):
            self.train("never", "--steps", 40, objective=self.spoilt(lambda pair: True))
        self.assertEqual(self.state("never")["calm"], 1 / 32)


if __name__ == "__main__":
    unittest.main()

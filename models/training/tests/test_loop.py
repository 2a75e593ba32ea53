"""The training loop as it should go: cut and resumed, killed, ended by a signal, by the clock, and what its curve says."""
import os
import signal
import sys
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tiny_training import Tiny, torch                                                   # noqa: E402

if torch:
    import clock
    import loop
    from inputs import BadInput
    from model import SHAPES


class Whole(Tiny):
    def test_a_cut_run_goes_on_where_it_was(self):
        self.assertIn("the plan is over", self.train("whole", "--steps", 20))
        self.assertIn("not over yet", self.train("cut", "--steps", 20, "--stop-after", 7))
        self.assertIn("from step 7", self.train("cut", "--steps", 20))
        self.assertTrue(self.same("whole", "cut"))
        self.assertTrue(self.same("whole", "cut", "optimiser"))
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

    def test_a_signal_ends_it_after_the_step_it_is_in(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.addCleanup(signal.signal, number, signal.getsignal(number))

            def objective(model, ids, progress):
                if progress == 0.5:
                    os.kill(os.getpid(), number)
                return model.loss(ids)

            name = number.name
            self.assertIn("at step 11", self.train(name, "--steps", 20, objective=objective))
            self.assertEqual(self.state(name)["step"], 11)

    def test_the_curve_is_of_held_out_text_and_of_all_commands_together(self):
        shown = []

        def objective(model, ids, progress):
            shown.append((progress == 1.0, ids.max().item() > 60))
            return model.loss(ids)

        for stop in (5, 10):
            self.train("curve", "--plan-minutes", 60, "--stop-after", stop, objective=objective)
        self.assertEqual({held for held, _ in shown}, {True, False})
        self.assertTrue(any(late for held, late in shown if held))
        self.assertFalse(any(late for held, late in shown if not held))
        self.assertEqual([(entry["step"], entry["tokens"]) for entry in self.curve("curve")], [(step, step * 4 * 2 * 16) for step in (1, 5, 10)])
        self.assertGreater(self.curve("curve")[2]["minutes"], self.curve("curve")[1]["minutes"])

    def test_what_does_not_fit_is_refused(self):
        self.train("fits", "--steps", 1)
        with unittest.mock.patch.object(SHAPES["tiny"], "hidden", 48), self.assertRaisesRegex(SystemExit, "of another shape"):
            self.train("fits", "--steps", 2)
        with unittest.mock.patch.object(SHAPES["tiny"], "vocabulary", 65), self.assertRaisesRegex(SystemExit, "has a vocabulary of 64"):
            self.train("new", "--steps", 2)

    def test_what_was_good_when_it_began_is_no_bad_input_later(self):
        def spoilt(model, ids, progress):
            if not os.path.exists(self.path("later.log.jsonl")):     # in the first step: the checkpoint and the curve come after it
                os.mkdir(self.path("later.log.jsonl"))
            return model.loss(ids)

        with self.assertRaisesRegex(SystemExit, "later.log.jsonl cannot be written") as ended:
            self.train("later", "--steps", 2, objective=spoilt)
        self.assertNotIsInstance(ended.exception, BadInput)          # exit code 1: run_there.sh tries it again
        begun = []
        with self.assertRaisesRegex(BadInput, "later.log.jsonl cannot be written"):
            self.train("later", "--steps", 2, objective=lambda *_: begun.append(1))
        self.assertEqual(begun, [])


class ByTheClock(Tiny):
    """Every pass takes ten seconds of a clock that the test moves; a step of two, twenty."""

    def setUp(self):
        super().setUp()
        self.now, self.scale, self.rates, self.norms = clock.BEGAN, 1, [], []
        self.enterContext(unittest.mock.patch.object(clock.time, "time", lambda: self.now))
        step = loop.Optimiser.step

        def watched(optimiser, rate):
            self.rates.append(rate)
            self.norms.append(torch.stack([tensor.grad.norm() for tensor in self.running.parameters()]).norm().item())
            step(optimiser, rate)

        self.enterContext(unittest.mock.patch.object(loop.Optimiser, "step", watched))

    def objective(self, model, ids, progress):
        self.now, self.running = self.now + 10, model
        return self.scale * model.loss(ids)

    def call(self, *flags, pause, objective=None):
        """A command that begins after a pause; the minutes of a command count from its own beginning."""
        self.now += pause
        with unittest.mock.patch.object(clock, "BEGAN", self.now):
            return self.train("clocked", "--report", 1000, *flags, objective=objective or self.objective)

    def test_the_rate_decays_to_nothing_whatever_comes_between(self):
        until, killed_at, loaded = self.now + 3600, self.now + 1400, []

        def killed(model, ids, progress):
            if self.now > killed_at:
                raise KeyboardInterrupt
            return self.objective(model, ids, progress)

        flags = ("--until", until, "--save-minutes", 3)
        self.assertIn("not over yet", self.call(*flags, "--minutes", 9, pause=0))
        self.assertEqual(round(self.state("clocked")["minutes"] - 9), 0)
        with self.assertRaises(KeyboardInterrupt):
            self.call(*flags, "--minutes", 20, pause=120, objective=killed)
        state, made = self.state("clocked"), len(self.rates)
        self.assertGreater(state["minutes"], 9 + (1400 - 540 - 120) / 60 - 4)
        self.assertLess(state["minutes"], 9 + (1400 - 540 - 120) / 60 + 1)
        self.assertLess(state["step"], made)                         # the steps after the last checkpoint are lost
        self.assertGreater(state["step"], made - 11)                 # of three minutes at most
        said = self.call(*flags, "--minutes", 60, pause=900)
        self.assertIn(f"from step {state['step']}", said)
        self.assertIn("the plan is over", said)
        self.assertEqual(round((self.now - until) / 20), 0)
        after = self.rates[made:]
        self.assertEqual(after[0], 1)
        self.assertEqual(after, sorted(after, reverse=True))
        plan = state["minutes"] * 60 + (until - killed_at - 900)     # seconds of training that count
        self.assertLess(after[-1], 1.5 * 20 / plan / 0.4)            # what is left before the last step
        self.assertGreater(after[-1], 0)
        self.assertLess(abs(sum(rate < 1 for rate in after) * 20 - 0.4 * plan), 60)
        self.assertEqual(self.rates[:5], [0.2, 0.4, 0.6, 0.8, 1])

    def test_gradients_are_clipped(self):
        self.scale = 100
        self.call("--steps", 3, pause=0)
        self.assertLess(max(self.norms), 1.001)
        self.assertGreater(min(self.norms), 0.9)

    def test_a_plan_that_is_over_trains_nothing(self):
        self.call("--steps", 5, pause=0)
        self.assertIn("at step 5", self.call("--until", self.now - 1, pause=0))

    def test_checkpoints_come_by_the_minute_and_only_while_training_goes_well(self):
        steps, spoil = [], set()
        self.enterContext(unittest.mock.patch.object(loop, "save", lambda path, **state: steps.append(state["step"])))

        def objective(model, ids, progress):
            spoilt = round(progress * 30) in spoil and progress < 1
            return self.objective(model, ids, progress) * (float("nan") if spoilt else 1)

        self.call("--steps", 30, "--save-minutes", 3, "--minutes", 60, pause=0)
        first = [step for step in steps if step < 30]
        self.assertEqual({b - a for a, b in zip(first, first[1:])}, {10})
        steps.clear()
        spoil = {first[0] - 1}
        self.call("--steps", 30, "--save-minutes", 3, "--minutes", 60, pause=0, objective=objective)
        self.assertEqual(steps[0], first[0] + 1)


if __name__ == "__main__":
    unittest.main()

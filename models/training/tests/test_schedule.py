"""How long training goes on and at what rate, and whether it goes well: without PyTorch."""
import os
import sys
import types
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import clock                                                                            # noqa: E402
from clock import BEGAN                                                                 # noqa: E402
from health import Health                                                               # noqa: E402


class Healthy(unittest.TestCase):
    def test_noise_is_not_divergence(self):
        health = Health()
        for step in range(300):
            self.assertEqual(health.judge(2 + 0.2 * (step % 2), 1.0), "go on")
        self.assertTrue(health.well())
        health = Health()
        self.assertEqual({health.judge(2 + 0.9 * (step % 2), 1.0) for step in range(300)}, {"go on"})

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


class ByTheClock(unittest.TestCase):
    def setUp(self):
        self.now = BEGAN
        self.enterContext(unittest.mock.patch.object(clock.time, "time", lambda: self.now))

    def clock(self, earlier=0, **options):
        return clock.Clock(types.SimpleNamespace(**{"steps": None, "plan_minutes": None, "until": None, "minutes": 9, **options}), earlier)

    def test_the_rate_warms_up_stays_and_decays_to_nothing(self):
        self.assertEqual([round(clock.rate(progress, 10**6, 100), 3) for progress in (0, 0.6, 0.8, 1, 1.1)], [1, 1, 0.5, 0, 0])
        self.assertEqual([clock.rate(0, step, 4) for step in range(5)], [0.25, 0.5, 0.75, 1, 1])

    def test_progress_is_the_share_of_the_time_there_will_be(self):
        seen, one = [], self.clock(until=BEGAN + 600)
        for self.now in (BEGAN, BEGAN + 300, BEGAN + 540, BEGAN + 600, BEGAN + 700):
            seen.append((round(one.progress(0), 3), one.over()))
        self.assertEqual(seen, [(0, False), (0.5, False), (0.9, True), (1, True), (1, True)])
        # Resumed after five minutes of training, with five more to go: half of the plan, however long the pause was.
        self.now = BEGAN
        self.assertEqual(self.clock(5, until=BEGAN + 300).progress(0), 0.5)

    def test_a_command_has_its_own_minutes_and_a_plan_may_have_them_too(self):
        one = self.clock(30, plan_minutes=40)
        self.assertEqual((one.progress(0), one.over()), (0.75, False))
        self.now = BEGAN + 600
        self.assertEqual((one.progress(0), one.over(), one.minutes()), (1, True, 40))
        self.assertEqual(self.clock(30, steps=8).progress(2), 0.25)
        with self.assertRaisesRegex(SystemExit, "how long the plan is"):
            self.clock()


if __name__ == "__main__":
    unittest.main()

"""The stages of run_gpu.sh that train: how long each program gets, what it is called with, and what happens where one fails."""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from played_run import PLAYED, InRun                                                    # noqa: E402


class Target(InRun):
    def test_the_target_ends_in_time_for_what_comes_after_it(self):
        self.write("target.log.jsonl", "a curve\n")
        self.write("draft.log.jsonl", "another\n")
        code, _ = self.run_stage("target", LEFT="700", OUT=self.path("back"))
        call, = self.calls("train.py")
        self.assertEqual(code, 0)
        self.assertAlmostEqual(self.from_now(call), 700 / 60 - 3.8, delta=0.2)
        self.assertAlmostEqual(float(self.option(call, "minutes")), 9.7 - 0.6, delta=0.1)
        self.assertEqual(self.option(call, "compile"), "auto")
        self.assertEqual(self.read("back/target.log.jsonl"), "a curve\n")
        self.assertEqual(self.read("back/draft.log.jsonl"), "")

    def test_a_command_of_several_stages_does_them_in_order_and_ends_in_time(self):
        self.write("played", PLAYED.replace('[ "$1" != train.py ]', '[ "$1" != sample.py ] || sleep 5\n[ "$1" != train.py ]'))
        code, said = self.run_stage("draft", "target", LEFT="700", OUT=self.path("back"))
        self.assertEqual(code, 0, said)
        self.assertAlmostEqual(float(self.option(self.calls("train.py")[0], "minutes")), 9.7 - 0.6 - 0.1, delta=0.07)
        self.assertEqual([line.split()[0] for line in self.read("calls").splitlines() if not line.startswith("to_gguf")],
                         ["sample.py", "distill.py", "train.py"])
        self.write("calls", "")
        self.write("train.py.codes", "1\n" * 9)
        self.assertEqual(self.run_stage("target", "draft", TARGET_MINUTES="0.02")[0], 1)
        self.assertEqual(self.calls("distill.py"), [])

    def test_the_machine_is_there_for_13_minutes_from_the_first_call_unless_told(self):
        self.run_stage("prepare")
        ends = float(self.read("ends"))
        self.assertAlmostEqual((ends - time.time()) / 60, 13, delta=0.2)
        self.write("ends", str(ends - 300))
        self.run_stage("prepare")
        self.run_stage("target")
        self.assertAlmostEqual(self.from_now(self.calls("train.py")[0]), 13 - 5 - 3.8, delta=0.2)
        self.run_stage("target", LEFT="3600")
        self.assertAlmostEqual(self.from_now(self.calls("train.py")[1]), 60 - 3.8, delta=0.2)


class Failing(InRun):
    def test_what_fails_goes_on_from_its_checkpoint_the_second_time_uncompiled(self):
        self.write("train.py.codes", "1\n139\n")
        code, said = self.run_stage("target", LEFT="1200")
        self.assertEqual((code, said.count("again, from the last checkpoint")), (0, 2))
        self.assertIn("exit code 139", said)
        calls = self.calls("train.py")
        self.assertEqual([self.option(call, "compile") for call in calls], ["auto", "auto", "no"])
        minutes = [float(self.option(call, "minutes")) for call in calls]
        self.assertEqual(minutes, sorted(minutes, reverse=True))
        self.assertLess(minutes[2], minutes[0])
        self.run_stage("target", LEFT="1200")
        self.assertEqual(self.option(self.calls("train.py")[3], "compile"), "no")

    def test_what_fails_for_good_ends_with_the_commands_minutes(self):
        self.write("train.py.codes", "1\n" * 100)
        self.write("target.log.jsonl", "a curve\n")
        code, _ = self.run_stage("target", LEFT="1200", TARGET_MINUTES="0.03", OUT=self.path("back"))
        self.assertEqual(code, 1)
        self.assertIn(len(self.calls("train.py")), (1, 2, 3))
        self.assertEqual(self.read("back/target.log.jsonl"), "a curve\n")

    def test_what_fails_at_once_again_and_again_is_given_up(self):
        self.write("train.py.codes", "1\n" * 100)
        code, said = self.run_stage("target", LEFT="1200")
        self.assertEqual((code, len(self.calls("train.py"))), (1, 5))
        self.assertIn("given up", said)
        self.write("played", PLAYED.replace("printf", '[ "$1" != train.py ] || date +%N > "$2.pt"\nprintf', 1))     # each saves a step
        self.write("calls", "")
        self.write("train.py.codes", "1\n" * 6)
        self.assertEqual((self.run_stage("target", LEFT="1200")[0], len(self.calls("train.py"))), (0, 7))

    def test_what_is_refused_is_given_up_at_once_and_says_nothing_of_compiling(self):
        for stage, program in (("target", "train.py"), ("draft", "distill.py")):
            self.write(f"{program}.codes", "2\n" * 9)
            self.write(f"{stage}.log.jsonl", "a curve\n")
            code, said = self.run_stage(stage, "finish", LEFT="1200", OUT=self.path("back"))
            self.assertEqual((code, len(self.calls(program)), self.calls("evaluate.py")), (2, 1, []), said)
            self.assertIn(f"exit code 2: given up, since {program} would refuse the same again", said)
            self.assertEqual((self.read("compile"), self.read(f"back/{stage}.log.jsonl")), ("", "a curve\n"))
        self.write("train.py.codes", "1\n2\n")                       # refused later: what was wrong was tried again before
        code, said = self.run_stage("target", LEFT="1200")
        self.assertEqual((code, said.count("again, from the last checkpoint"), len(self.calls("train.py"))), (2, 1, 3))


class Draft(InRun):
    def test_the_draft_has_what_is_left_but_for_the_end(self):
        for left, minutes in ((1200, 4.2), (190, 1.97), (60, 0.5)):
            self.assertEqual(self.run_stage("draft", LEFT=str(left))[0], 0)
            self.assertAlmostEqual(self.from_now(self.calls("distill.py")[-1]), minutes, delta=0.2)
        samples = [float(self.option(call, "minutes")) for call in self.calls("sample.py")]
        for minutes, expected in zip(samples, (0.7, 0.13 * 1.97, -0.03), strict=True):
            self.assertAlmostEqual(minutes, expected, delta=0.05)
        self.assertEqual(self.option(self.calls("distill.py")[0], "data"), self.path("mixed"))

    def test_without_samples_the_draft_learns_from_the_corpus(self):
        self.write("sample.py.codes", "1\n")
        code, said = self.run_stage("draft", LEFT="1200")
        self.assertEqual(code, 0)
        self.assertIn("no samples", said)
        self.assertEqual(self.option(self.calls("distill.py")[0], "data"), self.path("data"))

    def test_a_draft_that_goes_on_takes_the_samples_that_are_there(self):
        os.makedirs(self.path("mixed"))
        for name in ("draft.pt", "mixed/meta.json"):
            self.write(name, "")
        self.run_stage("draft", LEFT="1200")
        self.assertEqual(self.calls("sample.py"), [])
        self.assertEqual(self.option(self.calls("distill.py")[0], "data"), self.path("mixed"))


if __name__ == "__main__":
    unittest.main()

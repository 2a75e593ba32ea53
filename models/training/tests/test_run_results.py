"""What comes back from a run of run_gpu.sh: evaluation, models in parts that fit their calls, taken once more, and joined at home."""
import os
import re
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from played_run import PLAYED, InRun                                                    # noqa: E402


class Results(InRun):
    def test_a_target_whose_plan_is_not_over_is_not_sent_home(self):
        self.assertEqual(self.run_stage("target", LEFT="3000", OUT=self.path("back"), NOT_OVER="yes")[0], 0)
        self.assertEqual((self.calls("to_gguf.py"), os.listdir(self.path("back"))), ([], []))

    def test_the_models_come_back_whole_without_an_evaluation_too(self):
        self.write("evaluate.py.codes", "1\n")
        for stages, out in ((["target"], "first"), (["draft", "finish"], "second")):
            os.makedirs(self.path(out))
            code, said = self.run_stage(*stages, LEFT="30", OUT=self.path(out), PIECE_MIB="1", TAKE_MIB="2.1")
            self.assertEqual(code, 0, said)
        self.assertEqual(len(self.calls("to_gguf.py")), 2)
        self.assertIn("no evaluation", said)
        self.assertIn("timeout --foreground --kill-after=5 20.000", self.read("limits"))      # though the machine goes sooner
        os.makedirs(self.path("third"))
        self.assertEqual(self.run_stage("take", "1", OUT=self.path("third"), TAKE_MIB="2.1")[0], 0)
        self.assertEqual(os.listdir(self.path("third")), os.listdir(self.path("second")))
        self.run_stage("take", "2", OUT=self.path("third"), TAKE_MIB="2.1")
        home = tempfile.mkdtemp(dir=self.folder)
        code, said = self.run_stage("join", *map(self.path, ("first", "second", "third")), W=home, PYTHON=sys.executable)
        self.assertIn("no evaluation came back", said)
        self.assertEqual([os.path.getsize(os.path.join(home, f"{name}.gguf")) for name in ("target", "draft")], [2**21] * 2)

    def test_pairs_of_any_size_come_back_in_two_calls_of_eight_files_and_64_mib(self):
        for target in (1000, 55_000_000, 87_200_000, 107_500_000):   # the last two: target-80m and target-100m as Q8_0, with their words
            for name in os.listdir(self.folder):
                if name.startswith(("out", "taken", "ends", "calls", "back", "then", "target", "draft")):
                    shutil.rmtree(self.path(name), ignore_errors=True) if os.path.isdir(self.path(name)) else os.remove(self.path(name))
            for name in ("target.log.jsonl", "draft.log.jsonl"):
                self.write(name, "{}\n")
            sizes = {"TARGET_BYTES": str(target), "DRAFT_BYTES": "10800000", "LEFT": "600"}
            self.write("played", PLAYED.replace("[ -s", '[ "$1" != evaluate.py ] || echo "{}" > "$W/out/evaluation.json"\n[ -s'))
            for stages, out in ((["target"], "back"), (["draft", "finish"], "then")):
                os.makedirs(self.path(out), exist_ok=True)
                code, said = self.run_stage(*stages, OUT=self.path(out), **sizes)
                self.assertEqual(code, 0, said)
                found = [os.path.getsize(self.path(os.path.join(out, name))) for name in os.listdir(self.path(out))]
                self.assertLessEqual(len(found), 8)
                self.assertLessEqual(max(found), 2**24)
                self.assertLessEqual(sum(found), 2**26)
            home = tempfile.mkdtemp(dir=self.folder)
            code, said = self.run_stage("join", self.path("back"), self.path("then"), W=home, PYTHON=sys.executable)
            self.assertEqual((code, said), (0, ""))
            self.assertEqual([os.path.getsize(os.path.join(home, f"{name}.gguf")) for name in ("target", "draft")], [target, 10_800_000])

    def test_all_stages_in_one_call_bring_what_it_holds_and_the_rest_comes_with_the_next(self):
        self.write("played", PLAYED.replace("[ -s", '[ "$1" != evaluate.py ] || echo "{}" > "$W/out/evaluation.json"\n[ -s'))
        for name in ("target.log.jsonl", "draft.log.jsonl"):
            self.write(name, "{}\n")
        calls = [["target", "draft", "finish"], ["take", "next"], ["take", "next"], ["take", "1"]]
        sizes = {"TARGET_BYTES": "87200000", "DRAFT_BYTES": "31000000", "LEFT": "600"}
        told = []
        for number, stages in enumerate(calls):
            os.makedirs(self.path(f"call{number}"))
            code, said = self.run_stage(*stages, OUT=self.path(f"call{number}"), **sizes)
            found = [os.path.getsize(self.path(os.path.join(f"call{number}", name))) for name in os.listdir(self.path(f"call{number}"))]
            self.assertLessEqual((len(found), sum(found)), (8, 2**26), said)
            told.append((code, "stay for the next call" in said))
        self.assertEqual(told, [(0, True), (0, False), (1, False), (0, False)])
        self.assertEqual(os.listdir(self.path("call2")), [])
        self.assertEqual(sorted(os.listdir(self.path("call3"))), sorted(os.listdir(self.path("call1"))))
        home = tempfile.mkdtemp(dir=self.folder)
        code, said = self.run_stage("join", self.path("call0"), self.path("call1"), W=home, PYTHON=sys.executable)
        self.assertEqual((code, said), (0, ""))
        self.assertEqual([os.path.getsize(os.path.join(home, f"{name}.gguf")) for name in ("target", "draft")], [87_200_000, 31_000_000])

    def test_a_curve_for_which_there_is_no_room_comes_with_the_next_call(self):
        self.write("target.log.jsonl", "{}\n")
        for number in range(8):
            self.write(os.path.join("back", str(number)), "")
        code, said = self.run_stage("target", LEFT="600", OUT=self.path("back"))
        self.assertEqual((code, len(os.listdir(self.path("back")))), (0, 8))
        self.assertIn("no room in this call for target.log.jsonl: it stays for the next", said)
        os.makedirs(self.path("then"))
        self.assertEqual(self.run_stage("take", "next", OUT=self.path("then"))[0], 0)
        self.assertEqual(sorted(os.listdir(self.path("then"))), ["target.gguf.000", "target.gguf.json", "target.log.jsonl"])

    def test_a_curve_that_is_all_that_is_left_comes_and_is_no_failure(self):
        self.write("target.log.jsonl", "{}\n")
        self.assertEqual(self.run_stage("target", LEFT="600", OUT=self.path("back"))[0], 0)
        self.write("curve.target.stays", "")
        for number, (code, brought) in enumerate([(0, ["target.log.jsonl"]), (1, [])]):
            os.makedirs(self.path(f"then{number}"))
            self.assertEqual(self.run_stage("take", "next", OUT=self.path(f"then{number}"))[0], code)
            self.assertEqual(os.listdir(self.path(f"then{number}")), brought)

    def test_a_finish_once_more_gives_the_draft_and_the_evaluation_once_more(self):
        self.write("played", PLAYED.replace("[ -s", '[ "$1" != evaluate.py ] || echo "{}" > "$W/out/evaluation.json"\n[ -s'))
        for stages, out in ((["target"], "back"), (["draft", "finish"], "then"), (["finish"], "again")):
            os.makedirs(self.path(out), exist_ok=True)
            code, said = self.run_stage(*stages, OUT=self.path(out), LEFT="600")
            self.assertEqual(code, 0, said)
        self.assertEqual(sorted(os.listdir(self.path("again"))), ["draft.gguf.000", "draft.gguf.json", "evaluation.json"])
        self.assertEqual(sorted(os.listdir(self.path("then"))), sorted(os.listdir(self.path("again"))))

    def test_a_target_trained_further_is_exported_and_taken_from_its_beginning_again(self):
        self.write("target.pt", "")
        first = self.run_stage("target", LEFT="600", OUT=self.path("back"), PIECE_MIB="1", TAKE_MIB="1.1")
        os.utime(self.path("out/target.gguf.json"), (0, 0))
        again = self.run_stage("draft", "finish", LEFT="600", OUT=self.path("back"), PIECE_MIB="1", TAKE_MIB="1.1")
        self.assertEqual((first[0], again[0]), (0, 0), again[1])
        self.assertEqual(len(self.calls("to_gguf.py")), 3)
        self.assertIn("part 0 of", again[1])

    def test_the_evaluation_has_what_is_left_and_five_minutes_at_most(self):
        for left, seconds in ((1200, 300), (145, 100)):
            self.write("limits", "")
            self.run_stage("finish", LEFT=str(left), OUT=self.path("back"), TAKE_MIB="2.1")
            self.assertAlmostEqual(float(re.search(r"kill-after=5 (\S+)", self.read("limits"))[1]), seconds, delta=8)


if __name__ == "__main__":
    unittest.main()

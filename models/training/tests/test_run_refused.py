"""What run_gpu.sh is asked wrongly, or beside a command at work, or without anything to do: said in a line, and nothing is called."""
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from played_run import RUN, InRun                                                       # noqa: E402


class Refused(InRun):
    def test_a_second_command_beside_one_that_is_at_work_is_refused(self):
        self.write("train.py.codes", "1\n" * 100)
        first = subprocess.Popen(["bash", RUN, "target"], env=self.environment(LEFT="600"), stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        self.addCleanup(first.wait)
        while not self.calls("train.py"):
            time.sleep(0.02)
        code, said = self.run_stage("draft")
        first.kill()
        self.assertEqual((code, said), (1, f"run_gpu.sh is at work in {self.folder} already: process {first.pid}\n"))
        self.assertEqual(self.calls("distill.py"), [])

    def test_a_folder_without_shards_prepares_nothing(self):
        code, said = self.run_stage("prepare")
        self.assertEqual((code, said), (0, f"no shards in {self.path('shards')}: nothing to prepare\n"))
        self.assertEqual(self.calls("prepare.py"), [])
        os.makedirs(self.path("shards/0"))
        self.write("shards/0/000.jsonl.xz", "")
        self.run_stage("prepare")
        self.assertTrue(self.calls("prepare.py")[0].endswith(self.path("shards/0/000.jsonl.xz")))

    def test_what_is_asked_wrongly_is_refused(self):
        self.assertEqual(self.run_stage()[0], 2)
        self.assertEqual(self.run_stage("tidy")[0], 2)
        self.assertEqual(self.run_stage("prepare", "tidy")[0], 2)
        self.assertEqual(self.run_stage("target", LEFT="soon"), (2, "LEFT is in seconds: soon\n"))
        self.assertEqual(self.run_stage("join")[0], 2)
        self.assertEqual(self.run_stage("join", "/nowhere"), (2, "there is no folder /nowhere\n"))
        code, said = self.run_stage("join", self.path("back"))
        self.assertEqual((code, said.count("\n")), (1, 1), said)
        self.assertIn("target.gguf.json did not come back", said)
        self.assertEqual(self.read("calls"), "")
        self.assertIn("which part", self.run_stage("take")[1])
        self.assertIn("a folder for the results", self.run_stage("take", "0")[1])

    def test_a_part_that_is_none_or_a_folder_that_is_not_there(self):
        for words, out in ((["take"], "back"), (["take", "x"], "back"), (["take", "0", "1"], "back"), (["take", "0"], "none")):
            code, said = self.run_stage(*words, OUT=self.path(out))
            self.assertEqual((code, len(said.splitlines())), (2, 1), said)

    def test_a_rehearsal_empties_no_folder_that_was_not_one_though_it_holds_a_run(self):
        for name in ("corpus/shards", "recipe/run"):
            os.makedirs(self.path(name))
        self.write("recipe/kept", "")
        words = ["bash", os.path.join(os.path.dirname(RUN), "rehearse.sh"), self.path("corpus"), self.path("recipe")]
        done = subprocess.run(words, env=self.environment(PATH="/usr/bin:/bin", PYTHON="false"), capture_output=True, text=True, timeout=100)
        self.assertEqual((done.returncode, sorted(os.listdir(self.path("recipe")))), (2, ["kept", "run"]), done.stderr)
        self.assertIn("holds something else than a rehearsal", done.stderr)


if __name__ == "__main__":
    unittest.main()

"""The probe of run_gpu.sh, which tries everything for a few steps in the background: once, waited for as far as needed, and heeded."""
import os
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from played_run import PLAYED, InRun                                                    # noqa: E402


class Probe(InRun):
    def test_where_the_probe_fails_or_compiles_nothing_the_run_is_done_without(self):
        self.assertEqual(self.run_stage("probe")[0], 0)
        self.assertEqual(self.read("compile"), "")
        self.assertEqual(len(self.calls("train.py")), 1)
        self.write("train.py.codes", "124\n")
        self.assertEqual(self.run_stage("probe")[0], 0)
        self.assertEqual(self.read("compile"), "no\n")
        self.assertEqual(self.option(self.calls("train.py")[2], "compile"), "no")
        self.assertEqual(self.option(self.calls("distill.py")[1], "compile"), "no")
        os.remove(self.path("compile"))
        self.write("played", PLAYED.replace("[ -s", '[ "$1" != train.py ] || echo "goes on uncompiled: for a reason"\n[ -s'))
        self.run_stage("probe")
        self.assertEqual(self.read("compile"), "no\n")

    def test_what_is_refused_says_nothing_of_compiling(self):
        self.write("train.py.codes", "2\n")
        code, said = self.run_stage("probe")
        self.assertEqual((code, len(self.calls("train.py")), self.calls("distill.py"), self.read("compile")), (2, 1, [], ""))
        self.assertNotIn("compiling does not work", said)

    def test_the_probe_begins_once_and_is_told_of_later(self):
        del_probe = {"NO_PROBE": ""}
        self.run_stage("prepare", **del_probe)
        code, said = self.run_stage("target", LEFT="1200")
        self.assertIn("probe:", said)
        self.assertEqual(len(self.calls("probe.py")), 1)
        self.run_stage("prepare", **del_probe)
        self.assertNotIn("probe:", self.run_stage("target", LEFT="1200")[1])
        self.assertEqual(len(self.calls("probe.py")), 1)

    def test_the_target_waits_for_its_own_part_of_the_probe_alone(self):
        self.write("probe.log", "so far\n")
        for mark, seconds in (("probed.target", 60), (None, 4)):
            waits = subprocess.Popen(["sleep", str(seconds)])
            self.addCleanup(waits.wait)
            self.addCleanup(waits.kill)
            self.write("probe.pid", str(waits.pid))
            if mark:
                self.write(mark, "")
            threading.Thread(target=waits.wait).start()              # a process that is waited for is gone when it ends
            said = self.run_stage("target" if mark else "draft", LEFT="600")[1]
            self.assertIn("probe:\nso far", said)
            self.assertEqual(waits.poll() is None, mark is not None)
            waits.kill()

    def test_the_probe_says_when_it_has_tried_the_target_and_when_the_rest(self):
        self.write("sample.py.codes", "1\n")
        self.assertEqual(self.run_stage("probe")[0], 1)
        self.assertEqual([os.path.exists(self.path(f"probed.{name}")) for name in ("target", "draft")], [True, False])
        self.assertEqual(self.run_stage("probe")[0], 0)
        self.assertTrue(os.path.exists(self.path("probed.draft")))


if __name__ == "__main__":
    unittest.main()

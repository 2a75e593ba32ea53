"""A call of run_gpu.sh that is killed: where PyTorch is installed, the target is trained, killed and resumed in earnest."""
import os
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from played_run import RUN, InRun                                                       # noqa: E402
from tiny_training import torch                                                         # noqa: E402


@unittest.skipUnless(torch, "PyTorch is not here")
class Killed(InRun):
    """What the rate does then depends on the machine's speed here: test_loop.py has it by a clock of its own."""

    def test_a_call_killed_at_its_limit_leaves_nothing_running_and_the_next_ends_the_plan(self):
        import numpy as np
        os.makedirs(self.path("data"))
        for name in ("train", "heldout"):
            (np.arange(40 * 512) * 7 % 4093).astype(np.uint16).tofile(self.path(f"data/{name}.bin"))
        self.write("data/meta.json", '{"vocabulary": 4096}')
        settings = self.environment(PYTHON=sys.executable, TARGET_SHAPE="proof-target", LATER_MINUTES="0",
                                    TARGET_FLAGS="--batch 1 --accumulate 1 --warmup 2 --report 1 --save-minutes 0")
        log, limit = self.path("target.log.jsonl"), ["timeout", "-s", "KILL", "100"]
        call = subprocess.Popen([*limit, "bash", RUN, "target"], env={**settings, "LEFT": "600"}, stdout=subprocess.DEVNULL)
        until = time.time() + 90
        while call.poll() is None and not (os.path.exists(log) and '"step": 4,' in self.read("target.log.jsonl")) and time.time() < until:
            time.sleep(0.05)
        os.killpg(call.pid, signal.SIGKILL)                          # as timeout does, whose group is its own
        self.assertEqual(call.wait(), -signal.SIGKILL)
        time.sleep(0.3)
        self.assertEqual(running(self.folder), [])
        done = subprocess.run([*limit, "bash", RUN, "target"], env={**settings, "LEFT": "15"}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreaterEqual(int(re.search(r"from step (\d+)", done.stdout)[1]), 3)
        self.assertIn("the plan is over", done.stdout)


def running(words):
    """Command lines of the processes that these words are in."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/cmdline", "rb") as file:
                line = file.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in line:
            found.append(line)
    return found


if __name__ == "__main__":
    unittest.main()

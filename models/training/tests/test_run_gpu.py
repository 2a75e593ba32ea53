"""The stages of run_gpu.sh: how long each program gets, what happens where one fails, and a call that is killed. Programs are played by
a script that writes down how it was called; where PyTorch is installed, the target is also trained, killed and resumed in earnest."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

TESTS = os.path.dirname(os.path.abspath(__file__))
RUN = os.path.join(os.path.dirname(TESTS), "run_gpu.sh")
sys.path.insert(0, TESTS)
from tiny_training import torch                                                         # noqa: E402

# Ends with the next of the exit codes in $W/NAME.codes, else 0; a GGUF file for to_gguf.py, of $TARGET_BYTES or $DRAFT_BYTES (two MiB), the
# target's after a second. The target says that its plan is over, unless NOT_OVER is set.
PLAYED = """#!/bin/bash
case $1 in pieces.py | -c) exec "$REAL" "$@" ;; esac
printf '%s\\n' "$*" >> "$W/calls"
[[ "$1 ${4:-}" != to_gguf.py*/target.gguf ]] || sleep 1
[ "$1" != train.py ] || [ -n "${NOT_OVER:-}" ] || echo "the plan is over"
size=${TARGET_BYTES:-2097152}
[[ "${4:-}" != */draft.gguf ]] || size=${DRAFT_BYTES:-2097152}
[ "$1" != to_gguf.py ] || truncate -s "$size" "$4"
[ "$1" != from_gguf.py ] || : > "$3"
[ "$1" != evaluate.py ] || ps -o args= $PPID >> "$W/limits"
[ -s "$W/$1.codes" ] || exit 0
code=$(head -n 1 "$W/$1.codes")
sed -i 1d "$W/$1.codes"
exit "$code"
"""


class InRun(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.join(folder.name, "run")
        os.makedirs(self.path("heldout"))
        os.makedirs(self.path("back"))
        self.write("played", PLAYED)
        os.chmod(self.path("played"), 0o755)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf8") as file:
            file.write(text)

    def read(self, name):
        if not os.path.exists(self.path(name)):
            return ""
        with open(self.path(name), encoding="utf8") as file:
            return file.read()

    def environment(self, **settings):
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**kept, "W": self.folder, "PYTHON": self.path("played"), "REAL": sys.executable, "NO_PROBE": "yes", **settings}

    def run_stage(self, *stage, **settings):
        """Exit code and output."""
        done = subprocess.run(["bash", RUN, *stage], env=self.environment(**settings), capture_output=True, text=True, timeout=100)
        return done.returncode, done.stdout + done.stderr

    def calls(self, program):
        return [line for line in self.read("calls").splitlines() if line.startswith(program)]

    def option(self, call, name):
        return re.search(rf"--{name} (\S+)", call)[1]

    def from_now(self, call):
        """Minutes until the plan's end."""
        return (float(self.option(call, "until")) - time.time()) / 60


class Stages(InRun):
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

    def test_a_target_whose_plan_is_not_over_is_not_sent_home(self):
        self.assertEqual(self.run_stage("target", LEFT="3000", OUT=self.path("back"), NOT_OVER="yes")[0], 0)
        self.assertEqual((self.calls("to_gguf.py"), os.listdir(self.path("back"))), ([], []))

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
        self.run_stage("target", LEFT="1200", TARGET_MINUTES="0.12")
        self.assertGreater(len(self.calls("train.py")), 5)

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

    def test_pairs_of_either_size_come_back_in_two_calls_of_eight_files_and_64_mib(self):
        for target in (87_200_000, 107_500_000):                     # target-80m and target-100m as Q8_0, with their words
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
            self.assertEqual(os.path.getsize(os.path.join(home, "target.gguf")), target)

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
        for mark, least, most in (("probed.target", 0, 3), (None, 3.5, 15)):
            waits = subprocess.Popen(["sleep", "4"])
            self.addCleanup(waits.wait)
            self.write("probe.pid", str(waits.pid))
            if mark:
                self.write(mark, "")
            began = time.time()
            threading.Thread(target=waits.wait).start()              # a process that is waited for is gone when it ends
            said = self.run_stage("target" if mark else "draft", LEFT="600")[1]
            self.assertIn("probe:\nso far", said)
            self.assertTrue(least <= time.time() - began <= most, time.time() - began)

    def test_the_probe_says_when_it_has_tried_the_target_and_when_the_rest(self):
        self.write("sample.py.codes", "1\n")
        self.assertEqual(self.run_stage("probe")[0], 1)
        self.assertEqual([os.path.exists(self.path(f"probed.{name}")) for name in ("target", "draft")], [True, False])
        self.assertEqual(self.run_stage("probe")[0], 0)
        self.assertTrue(os.path.exists(self.path("probed.draft")))

    def test_a_pair_that_was_carried_is_gone_on_from_and_one_not_whole_is_an_error(self):
        for name in ("target", "draft"):
            self.write(f"{name}.gguf", name * 500)
            self.pieces("split", self.path(f"{name}.gguf"), self.path("carried"), "--mib", "0.001")
        self.pieces("spread", self.path("carried"), self.path("shards"), "--mib", "0.0025")
        last = self.path("shards/" + max(os.listdir(self.path("shards")), key=int))
        os.rename(last, self.path("aside"))
        code, said = self.run_stage("target", LEFT="600")
        self.assertNotEqual(code, 0)
        self.assertIn("is missing", said)
        self.assertEqual(self.calls("train.py"), [])
        os.rename(self.path("aside"), last)
        self.assertEqual(self.run_stage("target", "draft", LEFT="600")[0], 0)
        self.assertEqual(self.calls("from_gguf.py"), [f"from_gguf.py {self.path(f'from/{name}.gguf')} {self.path(f'{name}.pt')}"
                                                      for name in ("target", "draft")])
        self.assertEqual(self.read("from/target.gguf"), "target" * 500)
        self.run_stage("target", LEFT="600")                         # its checkpoint is there now
        self.assertEqual(len(self.calls("from_gguf.py")), 2)

    def pieces(self, *words):
        subprocess.run([sys.executable, os.path.join(os.path.dirname(RUN), "pieces.py"), *words], check=True, stdout=subprocess.DEVNULL)

    def test_a_second_command_beside_one_that_is_at_work_is_refused(self):
        self.write("train.py.codes", "1\n" * 100)
        first = subprocess.Popen(["bash", RUN, "target"], env=self.environment(LEFT="600"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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


class Pack(InRun):
    def setUp(self):
        super().setUp()
        for number in range(6):
            self.write(os.path.join("corpus", "shards", f"{number:03}.jsonl.xz"), "x" * 1000)
        self.write(os.path.join("corpus", "heldout", "python", "a.py"), "a = 1\n")
        self.write("tokenizer", "{}")

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        super().write(name, text)

    def pack(self, **settings):
        code, said = self.run_stage("pack", self.path("corpus"), PYTHON=sys.executable, TOKENIZER=self.path("tokenizer"),
                                    **{"CARRIED_MIB": "10000", "CARRY_MIB": "0.002", **settings})
        found = {number: sorted(os.listdir(self.path("shards/" + number))) for number in sorted(os.listdir(self.path("shards")))}
        return code, said, found

    def test_two_folders_are_carried_unless_more_are_wanted(self):
        code, said, found = self.pack()
        self.assertEqual(code, 0, said)
        self.assertEqual(found, {"0": ["text-000.jsonl.xz", "text-001.jsonl.xz"], "1": ["text-002.jsonl.xz", "text-003.jsonl.xz"]})
        self.assertEqual(sorted(self.pack(FOLDERS="3")[2]), ["0", "1", "2"])
        self.assertEqual(self.pack(SKIP="3")[2], {"0": ["text-003.jsonl.xz", "text-004.jsonl.xz"], "1": ["text-005.jsonl.xz"]})

    def test_what_is_not_there_is_said_and_what_was_packed_stays(self):
        self.pack()
        for words, settings, expected in (([], {}, "pack CORPUS"), (["/nowhere"], {}, "pack CORPUS"), ([self.path("shards")], {}, "pack CORPUS"),
                                          ([self.path("corpus")], {"FROM": "/nowhere"}, "there is no /nowhere/target.gguf"),
                                          ([self.path("corpus")], {"TOKENIZER": "/nowhere"}, "there is no /nowhere"),
                                          ([self.path("corpus")], {"SKIP": "6"}, "no shards behind the first 6"),
                                          ([self.path("corpus")], {"FOLDERS": "all"}, "are numbers: all, 0")):
            code, said = self.run_stage("pack", *words, PYTHON=sys.executable, **settings)
            self.assertEqual((code, said.count("\n")), (2, 1), said)
            self.assertIn(expected, said)
        self.assertEqual(sorted(os.listdir(self.path("shards"))), ["0", "1"])

    def test_paths_may_have_blanks(self):
        os.rename(self.path("corpus"), self.path("a corpus"))
        code, said = self.run_stage("pack", self.path("a corpus"), PYTHON=sys.executable, TOKENIZER=self.path("tokenizer"), CARRIED_MIB="10000",
                                    CARRY_MIB="0.002", W=self.path("a run"))
        self.assertEqual(code, 0, said)
        self.assertEqual(os.listdir(self.path("a run/shards/0"))[0][:5], "text-")
        os.rename(self.path("played"), self.path("a run/played"))
        code, said = self.run_stage("prepare", W=self.path("a run"), PYTHON=self.path("a run/played"))
        self.assertEqual(code, 0, said)

    def test_a_call_that_is_too_large_is_refused_with_advice(self):
        code, said, _ = self.pack(CARRIED_MIB="1")
        self.assertEqual(code, 1)
        self.assertIn("git restore models", said)

    def test_a_pair_to_go_on_from_comes_first_and_shards_behind_it(self):
        for name in ("target", "draft"):
            self.write(f"pair/{name}.gguf", name * 300)
        code, said, found = self.pack(FROM=self.path("pair"), PIECE_MIB="0.001", FOLDERS="1", CARRY_MIB="0.0025")
        self.assertEqual(code, 0, said)
        carried = [name for number in sorted(found, key=int) for name in found[number]]
        self.assertEqual([name for name in carried if ".gguf." in name], [f"draft.gguf.{n}" for n in ("000", "001", "json")] +
                         [f"target.gguf.{n}" for n in ("000", "001", "json")])
        self.assertGreaterEqual(len([name for name in carried if name.endswith(".xz")]), 2)
        self.assertLess(carried.index("target.gguf.json"), carried.index("text-000.jsonl.xz"))
        self.assertLessEqual(len(carried), 6 + 6)


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

"""What the tests of run_gpu.sh share: a folder for a run, and a script in the programs' place that writes down how it was called."""
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

RUN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "run_gpu.sh")

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

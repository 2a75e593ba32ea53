"""Scripts where PyTorch, NumPy or another package is not installed: one line that names it, exit code 2, and no traceback; those that need none
work."""
import glob
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TRAINING = os.path.dirname(HERE)
PYTORCH = {"distill.py", "evaluate.py", "from_gguf.py", "probe.py", "sample.py", "train.py", "small/train.py"}
NUMPY = {"expand.py", "to_gguf.py", "small/prepare.py", "from_gguf.py", "probe.py", "sample.py", "small/train.py"}
WITHOUT = """
import runpy, sys
for name in sys.argv[1].split():
    sys.modules[name] = None
sys.argv = sys.argv[2:]
sys.path[0] = sys.argv[0].rpartition("/")[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def scripts():
    for path in sorted(glob.glob(TRAINING + "/*.py") + glob.glob(TRAINING + "/[cs]*/*.py")):
        with open(path) as file:
            if "__main__" in file.read():
                yield os.path.relpath(path, TRAINING)


class Missing(unittest.TestCase):
    def help(self, script, without):
        ended = subprocess.run([sys.executable, "-c", WITHOUT, without, f"{TRAINING}/{script}", "--help"], capture_output=True, text=True)
        return ended.returncode, ended.stderr

    def test_every_script_without_any_of_them(self):
        titles = {}
        for script in scripts():
            with self.subTest(script=script):
                code, said = self.help(script, "torch numpy regex")
                if (code, said) == (0, ""):
                    continue
                self.assertEqual((code, said.count("\n")), (2, 1), said)
                self.assertRegex(said, rf"^{os.path.basename(script)}: .* is not installed; install it, as by: pip install \w+$")
                titles[script] = said
        self.assertEqual(set(titles), PYTORCH | NUMPY | {"small/to_gguf.py"})

    def test_without_pytorch_alone(self):
        for script in sorted(PYTORCH):
            with self.subTest(script=script):
                self.assertEqual(self.help(script, "torch"), (2, f"{os.path.basename(script)}: PyTorch is not installed; install it, as by: pip install torch\n"))

    def test_a_package_that_lacks_something_itself_is_not_called_missing(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        with open(os.path.join(folder.name, "torch.py"), "w") as file:
            file.write("import nowhere_at_all\n")
        paths = os.pathsep.join([folder.name, TRAINING])
        ended = subprocess.run([sys.executable, "-c", "from packages import torch"], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
        self.assertEqual(ended.returncode, 1)
        self.assertIn("No module named 'nowhere_at_all'", ended.stderr)


if __name__ == "__main__":
    unittest.main()

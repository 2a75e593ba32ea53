"""What run_gpu.sh is carried: the folders that `pack` fills for the calls, and a pair to go on from, found whole where it trains."""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from played_run import RUN, InRun                                                       # noqa: E402


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
        for words, settings, expected in (([], {}, "pack CORPUS"), (["/nowhere"], {}, "pack CORPUS"),
                                          ([self.path("shards")], {}, "pack CORPUS"),
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
        code, said = self.run_stage("pack", self.path("a corpus"), PYTHON=sys.executable, TOKENIZER=self.path("tokenizer"),
                                    CARRIED_MIB="10000", CARRY_MIB="0.002", W=self.path("a run"))
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


class CarriedPair(InRun):
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


if __name__ == "__main__":
    unittest.main()

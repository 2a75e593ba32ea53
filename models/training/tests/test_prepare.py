"""Documents: fill-in-the-middle in both orders, file separators, weights, and the same tokens for the same seed."""
import contextlib
import io
import json
import lzma
import os
import random
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import prepare                                                                          # noqa: E402
from tokenizer import train                                                             # noqa: E402

TEXT = "".join(f"value_{i} = compute({i})\n" for i in range(60))
RECORDS = [{"package": "npm:a", "path": f"src/{i}.py", "language": "python", "text": TEXT + f"# {i}\n"} for i in range(40)]


class Documents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tokenizer = train([TEXT], 300)

    def test_splits_put_together_are_a_piece_of_the_text(self):
        for seed in range(200):
            prefix, middle, suffix = prepare.split_middle(TEXT, random.Random(seed))
            self.assertIn(prefix + middle + suffix, TEXT)
            self.assertTrue(middle)

    def test_both_orders(self):
        encode, special = self.tokenizer.encode, self.tokenizer.special
        pre, suf, mid = (special[f"<|fim_{name}|>"] for name in ("prefix", "suffix", "middle"))
        self.assertEqual(prepare.fim_ids(("ab", "cd", "ef"), True, self.tokenizer), [pre, *encode("ab"), suf, *encode("ef"), mid, *encode("cd")])
        self.assertEqual(prepare.fim_ids(("ab", "cd", "ef"), False, self.tokenizer), [pre, suf, *encode("ef"), mid, *encode("ab"), *encode("cd")])

    def test_shares(self):
        special = self.tokenizer.special
        made = list(prepare.documents(RECORDS, 0, self.tokenizer))
        self.assertEqual(made, list(prepare.documents(RECORDS, 0, self.tokenizer)))
        self.assertNotEqual(made, list(prepare.documents(RECORDS, 1, self.tokenizer)))
        self.assertTrue(all(ids.count(special["<|endoftext|>"]) == 1 and ids[-1] == special["<|endoftext|>"] for ids in made))
        flat = [i for ids in made for i in ids]
        alone = sum(ids[0] != special["<|repo_name|>"] for ids in made)
        self.assertEqual(alone + flat.count(special["<|file_sep|>"]), 2 * len(RECORDS))     # Python files are seen twice
        cut = flat.count(special["<|fim_prefix|>"])
        spm = sum(a == special["<|fim_prefix|>"] and b == special["<|fim_suffix|>"] for a, b in zip(flat, flat[1:]))
        self.assertTrue(25 <= cut <= 55 and cut / 4 <= spm <= cut * 3 / 4, (cut, spm))


class Shards(unittest.TestCase):
    def test_a_shard_is_tokenised_once_and_the_files_hold_them_all_in_order(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            at = lambda name: os.path.join(folder, name)
            train([TEXT], 300).save(at("tokenizer.json"))
            for number in range(2):
                with lzma.open(at(f"00{number}.jsonl.xz"), "wt") as file:
                    file.writelines(json.dumps({**record, "package": f"npm:{number}"}) + "\n" for record in RECORDS)
            command = ["prepare.py", "--tokenizer", at("tokenizer.json"), "--out", at("data"), "--jobs", "1"]

            def run(*shards):
                with unittest.mock.patch.object(sys, "argv", command + [at(name) for name in shards]):
                    prepare.main()
                with open(at("data/train.bin"), "rb") as file, open(at("data/meta.json"), encoding="utf8") as meta:
                    tokens = file.read()
                    self.assertEqual(json.load(meta)["train"], len(tokens) // 2)
                return tokens

            first = run("000.jsonl.xz")
            parts = {name: os.stat(at("data/parts/" + name)).st_mtime_ns for name in os.listdir(at("data/parts"))}
            both = run("000.jsonl.xz", "001.jsonl.xz")
            self.assertEqual({name: os.stat(at("data/parts/" + name)).st_mtime_ns for name in parts}, parts)
            self.assertEqual(both[:len(first)], first)
            self.assertEqual(len(os.listdir(at("data/parts"))), 4)
            self.assertEqual(both, run("001.jsonl.xz", "000.jsonl.xz"))


if __name__ == "__main__":
    unittest.main()

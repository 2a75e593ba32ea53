"""Documents: fill-in-the-middle in both orders, file separators, weights, and the same tokens for the same seed."""
import os
import random
import sys
import unittest

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


if __name__ == "__main__":
    unittest.main()

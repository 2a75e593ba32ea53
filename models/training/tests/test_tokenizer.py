"""The tokenizer: the pre-tokenizer's words, training, round trips, saving."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tokenizer import Tokenizer, train                                                  # noqa: E402

CODE = "def area(width, height):\n    return width * height\n\nclass Shape:\n    def area(self):\n        return 0\n" * 20


class Trained(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tokenizer = train([CODE], 330)

    def test_round_trips(self):
        for text in (CODE, "", "naïve café 漢字 🙂\r\n\t x", "a\x00b", "   \n\n  it's I'LL 12345 <|fim_prefix|>"):
            self.assertEqual(self.tokenizer.decode(self.tokenizer.encode(text)), text)

    def test_learns_and_is_deterministic(self):
        self.assertLess(len(self.tokenizer.encode(CODE)), len(CODE) / 2.5)
        self.assertEqual(train([CODE], 330).merges, self.tokenizer.merges)
        self.assertEqual(self.tokenizer.tokens[256], b"  ")

    def test_no_token_crosses_a_word(self):
        for token in self.tokenizer.tokens[256:]:
            self.assertNotRegex(token.decode("utf8", "replace"), r"[a-z] |\d\d|[a-z]\(")

    def test_special_tokens_are_last_and_never_text(self):
        self.assertEqual(self.tokenizer.special["<|file_sep|>"], 329)
        self.assertTrue(max(self.tokenizer.encode("<|endoftext|><|file_sep|>")) < 323)

    def test_saves_and_loads(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "tokenizer.json")
            self.tokenizer.save(path)
            loaded = Tokenizer.load(path)
        self.assertEqual((loaded.merges, loaded.vocabulary()), (self.tokenizer.merges, self.tokenizer.vocabulary()))

    def test_pieces_of_spaces(self):
        words = lambda text: [self.tokenizer.decode([i]) for i in train([], 263).encode(text)]
        self.assertEqual("".join(words("a  b")), "a  b")

    def test_a_vocabulary_too_small(self):
        with self.assertRaises(ValueError):
            Tokenizer(260, [])


if __name__ == "__main__":
    unittest.main()

"""The corpus's figures. Standard library only."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from corpus import figures                                                              # noqa: E402

MANIFEST = {"languages": {"training python": {"files": 2, "bytes": 6_000_000}, "training json": {"files": 1, "bytes": 1_000_000},
                          "heldout python": {"files": 3, "bytes": 9}},
            "packages": [{"licence": f"L{i}", "bytes": 1_000_000 * (i + 1)} for i in range(14)]
            + [{"licence": "MIT", "bytes": 0}, {"licence": "L13", "bytes": 1_000_000}]}


class Figures(unittest.TestCase):
    def test_tokens_are_bytes_by_rate_and_weight(self):
        rows = figures.languages(MANIFEST, {"python": 3.0, "json": None}, 2.0)
        self.assertEqual(rows, [["python", 2, 6.0, 3.0, 2, 4.0, 3], ["json", 1, 1.0, 2.0, 0.3, 0.15, 0], ["**all**", 3, 7.0, None, None, 4.15, 3]])
        self.assertIn("| json | 1 | 1.0 | 2.00 | 0.3 | 0.1 | 0 |", figures.markdown(["a"] * 7, rows, [0, 0, 1, 2, 1, 1, 0]))

    def test_licences_by_bytes_the_rare_together(self):
        rows = figures.licences(MANIFEST)
        self.assertEqual(rows[0], ["L13", 2, 15.0])
        self.assertEqual((len(rows), rows[-1][1:]), (13, [2, 3.0]))
        self.assertEqual(sum(row[1] for row in rows), 15)


if __name__ == "__main__":
    unittest.main()

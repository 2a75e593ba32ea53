"""The report: figures from octet eval's documents, and what must hold. Standard library only."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import report                                                                           # noqa: E402


def estimate(value):
    return {"value": value, "interval": {"low": value - 0.05, "high": value + 0.05}}


def model(parameters):
    return {"parameters": parameters, "architecture": "qwen3", "layers": 2, "vocabularySize": 16384, "trainedContext": 2048, "fileBytes": parameters}


def pair(bits, kept, draft=10e6):
    """The documents of a pretended pair: bits of two files of 1,000 and 2,000 bytes, and its acceptance per token at 0.2."""
    models = {"models": {"target": model(100e6), "draft": model(draft)}, "complete": True}
    rows = lambda language: [{"language": language, "temperature": t, "batch": 8, "places": 3, "acceptanceRate": estimate(kept / 2),
                              "perToken": estimate(kept), "tokensPerStep": 2.5} for t in (0, 0.2)]
    files = [{"file": f"{language}/a", "language": language, "bytes": size, "tokens": 300, "target": bits, "draft": 2 * bits}
             for language, size in (("python", 1000), ("typescript", 2000))]
    parameters = {"draftLength": "fixed:4", "topP": 0.95, "newTokens": 64, "budgetMs": 2500}
    judged = {"groups": {"kind": "single-line"}, "method": "bass", "problems": 9, "passFirst": estimate(0.25), "passAll": estimate(0.5),
              "passFinished": None, "finished": estimate(6), "tokensPerSecond": estimate(100)}
    return {"loss": {**models, "files": files},
            "infill": {**models, "summary": [judged, {**judged, "method": "regular", "passFirst": estimate(0.75)}]},
            "humaneval": {**models, "parameters": parameters, "device": {"description": "a GPU", "name": "gpu"}, "runtime": "cuda", "threads": 1,
                          "summary": [{**judged, "groups": {}}]},
            **{f"acceptance-{language}": {**models, "parameters": parameters, "summary": rows(language)} for language in ("python", "typescript")}}


class Report(unittest.TestCase):
    def test_the_page_holds_the_figures(self):
        text = report.page({"default": pair(800, 0.7), "small": pair(1200, 0.6)}, curves="x.svg")
        for line in ("| python | 1 | 1,000 | 0.800 | 1.600 | 1.200 | 2.400 |", "| **all** | 2 | 3,000 | 0.533 | 1.067 | 0.800 | 1.600 |",
                     "| python | 0.2 | 8 | 70.0 % [65–75] | 35.0 % [30–40] | 2.50 | 60.0 % [55–65] | 30.0 % [25–35] | 2.50 |",
                     "| default, single-line | all | 9 | 25.0 % [20–30] | 50.0 % [45–55] |", "within 2.5 s: a GPU, runtime cuda", "](x.svg)"):
            self.assertIn(line, text)
        self.assertNotIn("75.0 %", text)                        # of the methods, infilling shows bass alone
        self.assertNotIn("**no**", text)

    def test_what_does_not_hold_is_said(self):
        failing = lambda new: [claim for claim, _, holds in report.must_hold(new, pair(1000, 0.6)) if not holds]
        self.assertEqual(failing(pair(740, 0.66)), [])
        self.assertEqual(len(failing(pair(740, 0.64))), 2)      # Python and TypeScript
        self.assertIn("25 % below", failing(pair(760, 0.66))[0])
        self.assertIn("1/8", failing(pair(740, 0.66, draft=13e6))[0])

    def test_a_single_pair_and_missing_suites(self):
        text = report.page({"small": {"loss": pair(1000, 0.6)["loss"]}}, note="Measured so.")
        self.assertIn("figures\n\nMeasured so.\n\n|", text)
        self.assertIn("# Small pair: figures", text)
        self.assertNotIn("What must hold", text)
        self.assertNotIn("HumanEval", text)

    def test_a_language_without_held_out_files_is_named_and_divides_nothing(self):
        new, small = pair(740, 0.7), pair(1000, 0.6)
        small["loss"]["files"] = small["loss"]["files"][:1]                 # no TypeScript
        text = report.page({"default": new, "small": small})
        self.assertIn("| typescript | 1 | 2,000 | 0.370 | 0.740 | – | – |", text)
        self.assertIn("so that nothing is known of them: c, cpp, go, java, javascript, json, markdown, rust, shell, tsx.", text)
        small["loss"]["files"] = []
        self.assertNotIn("bits per byte at least", report.page({"default": new, "small": small}))
        evaluated = {"files": 1, "acceptance": {"0": 0.5, "0.2": 0.5, "0.8": 0.5}}
        languages = {language: evaluated for language in report.TRAINED_ON - {"java", "shell"}}
        self.assertIn("known of them: java, shell.", report.foretold_part({"languages": languages, "all": evaluated}))

    def test_a_document_cut_short_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(SystemExit, "has none of loss.json"):
                report.read(folder)
            with open(os.path.join(folder, "loss.json"), "w", encoding="utf8") as file:
                json.dump({"complete": False}, file)
            with self.assertRaisesRegex(SystemExit, "cut short"):
                report.read(folder)


if __name__ == "__main__":
    unittest.main()

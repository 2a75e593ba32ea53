"""measure.sh: what it asks of `octet eval`, by its options; a script in node's place writes down how it was called."""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Writes its arguments without the path of dist/cli.js, and the languages in --files' folder; ends with $CODE.
NODE = """#!/bin/bash
shift
files=
for ((i = 1; i < $#; i++)); do j=$((i + 1)); [ "${!i}" != --files ] || files=${!j}; done
echo "$* languages:$([ -z "$files" ] || ls "$files" | tr '\\n' ' ')" >> "$W/calls"
for out; do :; done
echo '{"complete": '"${WHOLE:-true}"'}' > "$out"
exit "${CODE:-0}"
"""


class Measure(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        for language in ("python", "typescript", "rust"):
            os.makedirs(self.path("heldout", language))
        os.makedirs(self.path("bin"))
        with open(self.path("bin", "node"), "w", encoding="utf8") as file:
            file.write(NODE)
        os.chmod(file.name, 0o755)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def measure(self, target="", draft="", expected=0, **settings):
        """The calls of octet, each {option: value}, suite and languages under names of their own."""
        if os.path.exists(self.path("calls")):
            os.remove(self.path("calls"))
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        environment = {**kept, "W": self.folder, "PATH": f"{self.path('bin')}:{os.environ['PATH']}", **settings}
        done = subprocess.run(["bash", os.path.join(HERE, "measure.sh"), target, draft, self.path("out")], env=environment, capture_output=True, text=True,
                              timeout=100)
        self.assertEqual(done.returncode, expected, done.stderr)
        if not os.path.exists(self.path("calls")):
            return []
        with open(self.path("calls"), encoding="utf8") as file:
            return [self.parsed(line) for line in file]

    def parsed(self, line):
        words, languages = line.strip().split(" languages:")
        command, suite, *words = words.split()
        self.assertEqual(command, "eval")
        return {"suite": suite, "languages": languages.split(), **{name: value for name, value in zip(words, words[1:]) if name.startswith("-")}}

    def names(self, calls):
        return [os.path.basename(call["--json"]) for call in calls]

    def test_every_suite_by_itself(self):
        calls = self.measure("/a/target.gguf", "/a/draft.gguf", HUMANEVAL="/a/problems.jsonl")
        self.assertEqual([call["suite"] for call in calls], ["loss", "acceptance", "acceptance", "infill", "humaneval"])
        self.assertEqual(self.names(calls), ["loss.json", "acceptance-python.json", "acceptance-typescript.json", "infill.json", "humaneval.json"])
        self.assertEqual([call["languages"] for call in calls],
                         [["python", "rust", "typescript"], ["python"], ["typescript"], ["python", "typescript"], []])
        self.assertEqual({(call["--target"], call["--draft"]) for call in calls}, {("/a/target.gguf", "/a/draft.gguf")})
        loss, first, second, infill, problems = calls
        self.assertNotIn("--limit", loss)
        for call in (first, second):
            self.assertEqual([call[name] for name in ("--limit", "--temperatures", "--batch")], ["20", "0,0.2,0.8", "1,8"])
        self.assertEqual([infill[name] for name in ("--holes", "--limit", "-n", "--results")], ["1", "60", "8", self.path("out", "infill.jsonl")])
        self.assertEqual([problems[name] for name in ("--problems", "-n", "--budget-ms", "--results")],
                         ["/a/problems.jsonl", "8", "2500", self.path("out", "humaneval.jsonl")])
        self.assertNotIn("--limit", problems)

    def test_how_many_of_each(self):
        loss, first, second, infill, problems = self.measure(HUMANEVAL="x", FILES="7", PLACES="5", HOLES="3", HUMANEVAL_LIMIT="4", BUDGET_MS="900")
        self.assertEqual([call["--limit"] for call in (loss, first, second, infill, problems)], ["7", "5", "5", "7", "4"])
        self.assertEqual((infill["--holes"], problems["--budget-ms"]), ("3", "900"))
        self.assertTrue(all("--target" not in call and "--draft" not in call for call in (loss, first, second, infill, problems)))

    def test_a_choice_of_suites_and_none_that_lacks_its_problems(self):
        self.assertEqual(self.names(self.measure(SUITES="infill loss")), ["infill.json", "loss.json"])
        self.assertEqual(self.measure(SUITES="humaneval"), [])

    def test_what_is_whole_is_not_done_again_and_what_was_cut_is(self):
        self.assertEqual(len(self.measure(SUITES="loss infill", WHOLE="false")), 2)
        self.assertEqual(len(self.measure(SUITES="loss infill")), 2)
        self.assertEqual(self.measure(SUITES="loss infill"), [])
        self.assertEqual(self.names(self.measure(SUITES="loss acceptance")), ["acceptance-python.json", "acceptance-typescript.json"])

    def test_a_language_without_held_out_files_is_left_out(self):
        os.rmdir(self.path("heldout", "typescript"))
        calls = self.measure(SUITES="acceptance infill")
        self.assertEqual([(call["suite"], call["languages"]) for call in calls], [("acceptance", ["python"]), ("infill", ["python"])])

    def test_a_suite_that_fails_ends_it(self):
        self.assertEqual(self.names(self.measure(SUITES="loss infill", CODE="3", WHOLE="false", expected=3)), ["loss.json"])

    def test_a_missing_word_is_said(self):
        done = subprocess.run(["bash", os.path.join(HERE, "measure.sh"), "a", "b"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (2, "measure.sh TARGET.gguf DRAFT.gguf OUT: three words, not 2\n"))

    def test_a_suite_that_there_is_not_is_refused_before_any_is_run(self):
        self.assertEqual(self.measure(SUITES="loss infil", expected=2), [])


if __name__ == "__main__":
    unittest.main()

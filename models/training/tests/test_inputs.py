"""What is wrong with a given file is a line and exit code 2; what is wrong with the program stays an error. Standard library only."""
import contextlib
import errno
import io
import os
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import inputs                                                                           # noqa: E402
from inputs import BadInput                                                             # noqa: E402


def fail(error):
    raise error


class Inputs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def test_bad_input_is_one_line_and_exit_code_2(self):
        with unittest.mock.patch.object(sys, "argv", ["/somewhere/script.py"]), contextlib.redirect_stderr(io.StringIO()) as said, \
                self.assertRaises(SystemExit) as ended:
            inputs.run(lambda: fail(BadInput("a\nb is no file; name one")))
        self.assertEqual((ended.exception.code, said.getvalue()), (2, "script.py: a b is no file; name one\n"))

    def test_other_errors_stay_what_they_are(self):
        for error in (KeyError("name"), OSError(5, "of the program's own"), SystemExit("diverged"), ValueError()):
            with self.assertRaises(type(error)) as raised:
                inputs.run(lambda: fail(error))
            self.assertIs(raised.exception, error)
        with self.assertRaises(KeyError), inputs.reading("a", "a file", ValueError):
            fail(KeyError("name"))
        with self.assertRaises(ValueError), inputs.writing("a"):
            fail(ValueError())

    def test_what_passes_is_not_the_files_fault(self):
        for number in (errno.EIO, errno.ENOMEM, errno.EMFILE):
            for around in (inputs.reading("a", "a file", ValueError), inputs.writing("a")):
                with self.assertRaises(OSError) as raised, around:
                    fail(OSError(number, os.strerror(number)))
                self.assertEqual(raised.exception.errno, number)
        with self.assertRaisesRegex(BadInput, "a cannot be written: No space left"), inputs.writing("a"):
            fail(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def test_a_file_is_there_whole_or_not_at_all(self):
        with inputs.whole(self.path("a")) as file:
            file.write("first")
        with self.assertRaises(ValueError), inputs.whole(self.path("a")) as file:
            file.write("second")
            fail(ValueError())
        with open(self.path("a"), encoding="utf8") as file:
            self.assertEqual(file.read(), "first")
        with self.assertRaisesRegex(BadInput, "cannot be written: .*; name another place"), inputs.whole(self.folder) as file:
            file.write("third")
        self.assertEqual((os.listdir(self.folder), os.path.exists(self.folder + ".part")), (["a"], False))

    def test_a_place_is_tried_before_the_work_and_nothing_is_left_there(self):
        inputs.check_writable(self.path("new"))
        self.assertEqual(os.listdir(self.folder), [])
        for path in (self.folder, self.path("nowhere/new")):
            with self.assertRaisesRegex(BadInput, f"{path} cannot be written"):
                inputs.check_writable(path)
        with unittest.mock.patch.object(inputs.tempfile, "TemporaryFile", lambda dir: fail(PermissionError(13, "Permission denied"))), \
                self.assertRaisesRegex(BadInput, f"{self.path('new')} cannot be written: Permission denied"):
            inputs.check_writable(self.path("new"))

    def test_where_a_document_differs(self):
        pattern = {"files": {str: {"bytes": int}}, "rows": [{"share": inputs.NUMBER}], "done": bool}
        good = {"files": {"a": {"bytes": 1}, "b": {"bytes": 2, "more": None}}, "rows": [{"share": 1}, {"share": 0.5}], "done": True}
        self.assertIsNone(inputs.differs(good, pattern))
        for changed, why in (({"files": []}, "files is no object"), ({"files": {"a": {}}}, "it has no files.a.bytes"),
                             ({"files": {"a": {"bytes": True}}}, "files.a.bytes is True"), ({"rows": {}}, "rows is no list"),
                             ({"rows": [{"share": 1}, {"share": "1"}]}, "rows.1.share is '1'"), ({"done": 1}, "done is 1")):
            self.assertEqual(inputs.differs({**good, **changed}, pattern), why)
        self.assertEqual(inputs.differs([], pattern), "it is no object")
        self.assertEqual(inputs.differs({"files": {}, "rows": []}, pattern), "it has no done")


if __name__ == "__main__":
    unittest.main()

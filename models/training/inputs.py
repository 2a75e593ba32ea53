"""Files, folders and numbers given on the command line. What is wrong with one is said in a line, `script: what is wrong; what to do`, and the
exit code is 2. Standard library only.

Only what goes wrong with what was given becomes such a line, around the place where it is read or written; any other error keeps its traceback
and exit code 1, also one of the machine's (PASSING): run_there.sh tries again what ended so, and not what ended with 2.
"""
import argparse
import contextlib
import errno
import json
import math
import os
import shutil
import sys
import tempfile


NUMBER, MISSING = (int, float), object()
# A file is not to blame for these, and what is asked again may go well.
PASSING = {errno.EAGAIN, errno.EINTR, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE, errno.ETIMEDOUT}


class BadInput(SystemExit):
    """What is wrong, and what to do. Ends the script, unless its main is called by something else."""


def run(main):
    """A script's main(), where BadInput is a line and exit code 2."""
    try:
        main()
    except BadInput as error:
        print(f"{os.path.basename(sys.argv[0])}: {error}".replace("\n", " "), file=sys.stderr)
        sys.exit(2)


@contextlib.contextmanager
def reading(path, kind, *wrong):
    """Around what reads a given file or folder. kind: what it has to be; wrong: what is raised where it holds something else."""
    try:
        yield
    except OSError as error:
        if error.errno in PASSING:
            raise
        raise BadInput(f"{path} cannot be read: {error.strerror or error}; name {kind}") from error
    except wrong as error:
        raise unlike(path, kind, error) from error


def unlike(path, kind, why):
    """BadInput for a file that is there and holds something else."""
    return BadInput(f"{path} is not whole, or not {kind}: {why}; name one that is")


@contextlib.contextmanager
def writing(path):
    """Around what writes to a given file or folder, and does nothing else with files."""
    try:
        yield
    except OSError as error:
        if error.errno in PASSING:
            raise
        raise BadInput(f"{path} cannot be written: {error.strerror or error}; name another place, or make it one that can be written") from error


def make_folder(path):
    with writing(path):
        os.makedirs(path, exist_ok=True)


def check_writable(path):
    """Raises BadInput where a file could not be written, before the work that makes it. Whole files only: see `whole`."""
    with writing(path):
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        tempfile.TemporaryFile(dir=os.path.dirname(path) or ".").close()


@contextlib.contextmanager
def whole(path, binary=False):
    """A file to write, which is there whole or not at all."""
    part = path + ".part"
    with writing(path), open(part, "wb") if binary else open(part, "w", encoding="utf8") as file:
        try:
            yield file
            file.close()
            os.replace(part, path)
        except BaseException:
            os.remove(part)
            raise


def check_readable(path, kind):
    """Raises BadInput where a given file cannot be read, before the work that comes first. kind: what it has to be."""
    with reading(path, kind):
        open(path, "rb").close()


def copy(path, folder, kind):
    """Copies a given file to a folder. kind: what it has to be."""
    check_readable(path, kind)
    with writing(os.path.join(folder, os.path.basename(path))):
        shutil.copy(path, folder)


def names_in(folder, kind):
    """The names in a given folder, in order. kind: what it has to be."""
    with reading(folder, kind):
        return sorted(os.listdir(folder))


def text_of(path, kind):
    """A given file's text, its line ends as they are. kind: what it has to be."""
    with reading(path, kind, UnicodeDecodeError), open(path, encoding="utf8", newline="") as file:
        return file.read()


def document(path, kind, pattern):
    """A given file's JSON. kind: what it has to be; pattern: see `differs`."""
    with reading(path, kind, ValueError, RecursionError), open(path, encoding="utf8") as file:
        value = json.load(file)
    return fitting(value, path, kind, pattern)


def fitting(value, path, kind, pattern):
    """The value, read from a given file. Raises BadInput where it does not have the pattern."""
    if why := differs(value, pattern):
        raise unlike(path, kind, why)
    return value


def differs(value, pattern, at=""):
    """Where a value of JSON does not have the pattern, in words, or None. A pattern is a type or a tuple of types; a list of one pattern, for all
    items; {str: pattern}, for all values; or {name: pattern, ...}, for an object that has at least these names."""
    if isinstance(pattern, dict):
        if not isinstance(value, dict):
            return f"{at or 'it'} is no object"
        inside = [(name, value.get(name, MISSING), pattern.get(name, pattern.get(str))) for name in (value if str in pattern else pattern)]
        found = (f"it has no {beneath(at, name)}" if item is MISSING else differs(item, wanted, beneath(at, name)) for name, item, wanted in inside)
    elif isinstance(pattern, list):
        if not isinstance(value, list):
            return f"{at or 'it'} is no list"
        found = (differs(item, pattern[0], beneath(at, number)) for number, item in enumerate(value))
    else:
        types = pattern if isinstance(pattern, tuple) else (pattern,)
        fits = isinstance(value, types) and (bool in types or not isinstance(value, bool))
        return None if fits else f"{at or 'it'} is {value!r:.40}"
    return next(filter(None, found), None)


def beneath(at, name):
    return f"{at}.{name}" if at else str(name)


def positive(kind):
    """For argparse: a number of a kind, above 0."""
    def number(text):
        value = kind(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value
    number.__name__ = kind.__name__            # what argparse calls it
    return number

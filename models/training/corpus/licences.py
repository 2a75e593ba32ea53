"""Which licences the corpus takes, and what a package's own statement of its licence says.

npm: the SPDX expression of package.json. Debian: the machine-readable copyright file of the package
(https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/); without one the package is refused.
"""
import fnmatch
import re

PERMISSIVE = re.compile(
    r"(mit(-0|-style)?|expat|x11|isc|0bsd|bsd(-[0-9]+(-clause)?)?(-[a-z]+)?|apache(-license)?-2(\.0)?|psf(-2(\.0)?)?|python(-2(\.0)?)?)$")


def is_permissive(name):
    """Whether one licence name, SPDX's or Debian's, is MIT, BSD, Apache-2.0, ISC or PSF."""
    return PERMISSIVE.match(name.strip().lower()) is not None


def allows(expression):
    """Whether an expression of names, 'and', 'or', commas and brackets leaves a permissive choice. Exceptions refuse."""
    tokens = re.findall(r"[()]|[^\s(),]+", expression or "")
    tokens = [t.lower() if t.lower() in ("and", "or") else t for t in tokens]
    if not tokens or any(t.lower() == "with" for t in tokens):
        return False

    def either(at):
        left, at = both(at)
        while at < len(tokens) and tokens[at] == "or":
            right, at = both(at + 1)
            left = left or right
        return left, at

    def both(at):
        left, at = one(at)
        while at < len(tokens) and tokens[at] == "and":
            right, at = one(at + 1)
            left = left and right
        return left, at

    def one(at):
        if at >= len(tokens) or tokens[at] in ("and", "or", ")"):
            raise ValueError(expression)
        if tokens[at] != "(":
            return is_permissive(tokens[at]), at + 1
        value, at = either(at + 1)
        if at >= len(tokens) or tokens[at] != ")":
            raise ValueError(expression)
        return value, at + 1

    try:
        value, end = either(0)
    except ValueError:
        return False
    return value and end == len(tokens)


class DebianCopyright:
    """A parsed debian/copyright. `licence` names what the kept files are under; '' where nothing may be kept."""

    def __init__(self, text):
        self.refused, kept = [], set()
        self.licence = ""
        if not re.search(r"^Format(-Specification)?:.*copyright-format", text, re.M | re.I):
            return
        for stanza in re.split(r"\n\s*\n", text):
            fields = {}
            for key, value in re.findall(r"^([A-Za-z-]+):((?:.*\n?)(?:[ \t].*\n?)*)", stanza + "\n", re.M):
                fields[key.lower()] = value
            if "files" not in fields or "license" not in fields:
                continue
            patterns = [p for p in fields["files"].split() if not p.startswith("debian/")]
            licence = fields["license"].split("\n")[0].strip()
            if allows(licence):
                kept.update([licence] if patterns else [])
            else:
                self.refused += patterns
        if kept and "*" not in self.refused:
            self.licence = " / ".join(sorted(kept))

    def permits(self, path):
        """Whether an installed file may be kept. Installed paths differ from the source's, so the tail of a refused
        pattern counts: its file name, or for a folder the folder's name anywhere in the path."""
        if not self.licence:
            return False
        parts = path.split("/")
        for pattern in self.refused:
            pieces = [p for p in pattern.rstrip("/").split("/") if p not in ("", ".")]
            if pieces[-1] == "*":
                named = [p for p in pieces if p != "*"]
                if not named or any(fnmatch.fnmatch(part, named[-1]) for part in parts[:-1]):
                    return False
            elif any(fnmatch.fnmatch(part, pieces[-1]) for part in parts):
                return False
        return True

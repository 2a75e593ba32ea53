"""The corpus's rules: licences, filters, cleaning, duplicates, the held-out split. Standard library only."""
import os
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from corpus import build, filters, licences, registries                                             # noqa: E402
from corpus.duplicates import Seen, signature                                           # noqa: E402

CODE = "".join(f"def area_{i}(width, height):\n    side_{i} = width * {i}\n    return side_{i} + height\n\n" for i in range(40))
COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2020 Someone
License: Expat

Files: src/gpl/* tools/helper.py
Copyright: 2020 Someone
License: GPL-2+

Files: debian/*
Copyright: 2020 Packager
License: GPL-3

License: Expat
 Permission is hereby granted.
"""


class Licences(unittest.TestCase):
    def test_expressions(self):
        for good in ("MIT", "ISC", "(MIT OR GPL-3.0)", "Apache-2.0 AND BSD-3-Clause", "Expat or GPL-2+", "BSD-3-clause", "PSF-2", "0BSD"):
            self.assertTrue(licences.allows(good), good)
        for bad in ("", None, "GPL-3.0", "MIT AND GPL-2.0", "MPL-2.0", "UNLICENSED", "SEE LICENSE IN x", "Apache-2.0 WITH LLVM-exception",
                    "(MIT", "MIT OR", "CC-BY-4.0", "LGPL-2.1"):
            self.assertFalse(licences.allows(bad), bad)

    def test_debian_copyright(self):
        parsed = licences.DebianCopyright(COPYRIGHT)
        self.assertEqual(parsed.licence, "Expat")
        self.assertTrue(parsed.permits("usr/lib/python3/dist-packages/thing/core.py"))
        self.assertFalse(parsed.permits("usr/lib/python3/dist-packages/thing/gpl/core.py"))
        self.assertFalse(parsed.permits("usr/lib/python3/dist-packages/tools/helper.py"))

    def test_refuses_what_it_cannot_read(self):
        self.assertEqual(licences.DebianCopyright("Licensed under the MIT licence.").licence, "")
        self.assertEqual(licences.DebianCopyright(COPYRIGHT.replace("Expat", "GPL-2", 1)).licence, "")


class Filters(unittest.TestCase):
    def test_paths(self):
        self.assertEqual(filters.language_of("package/src/a.ts"), "typescript")
        self.assertEqual(filters.language_of("package/src/a.tsx"), "tsx")
        for bad in ("package/dist/a.js", "a.min.js", "package/node_modules/x/a.ts", "package.json", "a.png", "x/vendor/a.go"):
            self.assertIsNone(filters.language_of(bad), bad)

    def test_refusals(self):
        self.assertIsNone(filters.refusal(CODE, "python"))
        self.assertEqual(filters.refusal("x = 1\n", "python"), "size")
        self.assertEqual(filters.refusal(CODE + "a" * 400 + "\n", "python"), "long lines")
        self.assertEqual(filters.refusal(CODE + "Привет " * 9 + "\n" + "é" * 90 + "\n", "python"), "not ASCII")
        self.assertEqual(filters.refusal("# @generated\n" + CODE, "python"), "generated")
        self.assertEqual(filters.refusal("12, 34, 56, 78, 90,\n" * 30, "python"), "data")
        self.assertEqual(filters.refusal("same_thing(again)\n" * 60, "python"), "repetitive")

    def test_cleaning(self):
        text = "#!/bin/sh\n# Copyright (c) 2020 Someone\n# All rights reserved\n\nmail someone@example.org\r\nkey=AKIAABCDEFGHIJKLMNOP  \n"
        self.assertEqual(filters.clean(text), "#!/bin/sh\nmail user@example.com\nkey=<SECRET>\n")
        self.assertEqual(filters.clean("/* Licensed under MIT */\n/* What this does */\nint a;\n"), "/* What this does */\nint a;\n")
        self.assertEqual(filters.clean("#include <a.h>\n"), "#include <a.h>\n")

    def test_licences_behind_other_comments_and_in_docstrings(self):
        words = "Copyright 2011 Someone. Licensed under MIT."
        for text, expected in (
                (f"// -*- C++ -*-\n\n// {words}\n// All of it.\n\n#ifndef A\n", "// -*- C++ -*-\n#ifndef A\n"),
                (f"#!/bin/bash\n\n# {words}\n\nset -e\n", "#!/bin/bash\nset -e\n"),
                (f"// +build linux\n\n/* {words} */\n\npackage a\n", "// +build linux\npackage a\n"),
                (f"#ifndef A_H\n#define A_H\n\n/*\n * a.h\n *\n * {words}\n */\nint a;\n", "#ifndef A_H\n#define A_H\nint a;\n"),
                (f"'use strict'\n// {words}\nconst a = 1\n", "'use strict'\nconst a = 1\n"),
                (f'"""\n{words}\nSPDX-License-Identifier: MIT\n"""\n\nimport a\n', "import a\n"),
                (f'"""\n    A lexer.\n    ~~~~~~~~\n\n    :copyright: {words}\n    :license: MIT.\n"""\nimport a\n',
                 '"""\n    A lexer.\n    ~~~~~~~~\n"""\nimport a\n'),
                (f'"""Tests of a."""\n\n# {words}\n\nimport a\n', '"""Tests of a."""\nimport a\n')):
            self.assertEqual(filters.clean(text), expected)
            self.assertEqual(filters.clean(expected), expected)
        for whole in ('// What it does.\n\n// And why.\nint a;\n', '"""What it does.\n\nAnd why."""\n\nx = """copyright"""\n',
                      f"int a;\n// {words}\n", "#ifndef A\n#define B\nint a;\n"):
            self.assertEqual(filters.clean(whole), whole)


class Duplicates(unittest.TestCase):
    def test_exact_and_near(self):
        seen = Seen()
        add = lambda text: seen.add(*build.unmarked(build.marks(text)))
        self.assertIsNone(add(CODE))
        self.assertEqual(add(CODE.replace("    ", "\t")), "exact")
        self.assertEqual(add(CODE.replace("area_7", "surface")), "near")
        self.assertIsNone(add("\n".join(f"const value{i} = other({i}) ?? fallback[{i}];" for i in range(80))))

    def test_signature_estimates_the_share_of_common_shingles(self):
        half = CODE[:len(CODE) // 2]
        agree = sum(map(int.__eq__, signature(CODE), signature(half)))
        self.assertTrue(20 <= agree <= 44, agree)
        self.assertEqual(signature(""), (2**32 - 1,) * 64)


class Packages(unittest.TestCase):
    def test_a_large_package_is_cut_to_the_cap_and_a_small_one_is_not(self):
        files = [{"path": f"{i}.py", "text": "x" * 1_000_000} for i in range(20)]
        kept, over = build.capped(files)
        self.assertEqual((len(kept), over), (12, 8))
        self.assertEqual(kept, [file for file in files if file in kept])
        self.assertNotEqual(kept, files[:12])
        self.assertEqual(build.capped(files[:3]), (files[:3], 0))

    def test_a_batch_with_a_missing_package_still_brings_the_others(self):
        with tempfile.TemporaryDirectory() as folder:
            client, archive = os.path.join(folder, "apt-get"), "python3-a_1%3a2-1_all.deb"
            with open(client, "w", encoding="utf8") as file:
                file.write(f'#!/bin/sh\ncase "$*" in *missing*) exit 100;; esac\n[ "$*" != "download -q python3-a" ] || touch "{archive}"\n')
            os.chmod(client, 0o755)
            with unittest.mock.patch.dict(os.environ, PATH=folder + os.pathsep + os.environ["PATH"]):
                found = registries.download(["debian:python3-a", "debian:python3-missing"], folder)
            self.assertEqual(found, {"debian:python3-a": os.path.join(folder, archive)})

    def test_shards_begin_with_a_fair_part(self):
        names = build.listed("npm") + build.listed("debian")
        first = sorted(names, key=build.order)[:400]
        share = lambda part: sum(name.startswith("npm:") for name in part) / len(part)
        self.assertAlmostEqual(share(first), share(names), delta=0.08)


class Split(unittest.TestCase):
    def test_by_package_name_alone(self):
        names = build.listed("npm") + build.listed("debian")
        held = [name for name in names if build.is_heldout(name, 0.02)]
        self.assertEqual(held, [name for name in names if build.is_heldout(name, 0.02)])
        self.assertTrue(0.01 <= len(held) / len(names) <= 0.03, held)
        for kind in ("npm:", "debian:python3-"):                                       # TypeScript and Python are both held out
            self.assertTrue(any(name.startswith(kind) for name in held), held)
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main()

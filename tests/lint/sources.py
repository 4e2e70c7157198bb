# SPDX-License-Identifier: Apache-2.0
"""What the lint tests share: which files are ours, and C++ text without comments and strings."""
import os
import re
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def files(folders, endings):
    """Paths relative to the root, sorted; build folders lie elsewhere."""
    found = []
    for folder in folders:
        for where, _, names in os.walk(os.path.join(ROOT, folder)):
            found += [os.path.relpath(os.path.join(where, n), ROOT) for n in names if n.endswith(endings)]
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


_TOKEN = re.compile(
    r'R"(?P<tag>[^\s()\\]{0,16})\(.*?\)(?P=tag)"'  # raw string
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])*'"  # not the separator in 1'000
    r"|//[^\n]*"
    r"|/\*.*?\*/",
    re.S,
)


def code_only(text):
    """Comments and the insides of strings blanked, line numbers and columns kept."""

    def blank(match):
        token = match.group()
        kept = re.sub(r"[^\n]", " ", token)
        return kept if token.startswith("/") else token[0] + kept[1:-1] + token[-1]

    return _TOKEN.sub(blank, text)


def finish(name, checked, problems):
    """Prints what is wrong and ends: a lint that looked at nothing has failed too."""
    for problem in problems:
        print(problem)
    if not checked:
        print(f"{name}: no files found")
    print(f"{name}: {checked} files, {len(problems)} problems")
    sys.exit(1 if problems or not checked else 0)

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Assertions of bats tests that can fail. bash's errexit, by which a test fails, sees neither '! command' nor anything but the last part
of '[ a ] && [ b ]': the first is written '! command || false', the second on two lines."""
import re

import sources

UNSEEN = [
    (re.compile(r"^\s*! (?!.*\|\| )"), "errexit does not see a command after '!': add '|| false'"),
    (re.compile(r"^\s*\[.*\]\]? && (?:\[|! )(?!.*\|\| )"), "errexit sees only what follows the last '&&': a line for each"),
]


def main():
    paths = sources.files(["tests"], (".bats",))
    problems = []
    for path in paths:
        for number, line in enumerate(sources.read(path).splitlines(), 1):
            problems += [f"{path}:{number}: {why}\n    {line.strip()}" for pattern, why in UNSEEN if pattern.search(line)]
    sources.finish("bats", len(paths), problems)


main()

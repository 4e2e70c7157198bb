#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every source file begins with its licence in one line and then says what it is for."""
import re

import sources

LICENCE = "SPDX-License-Identifier: Apache-2.0"


def problem_of(path):
    lines = sources.read(path).splitlines()
    if lines and lines[0].startswith("#!"):
        del lines[0]
    mark = "//" if path.endswith((".cc", ".hh", ".hpp")) else "#"
    if not lines or lines[0] != f"{mark} {LICENCE}":
        return f"the first line must be '{mark} {LICENCE}'"
    second = lines[1] if len(lines) > 1 else ""
    if not re.match(r'(//|#|""")\s*\S.{9,}', second):
        return "the second line must begin a comment that says what the file is for"
    code = next((line for line in lines if line and not line.startswith("//")), "")
    # A header that is compiled by itself, for all files of a target, is no place for it: the compiler says so.
    if path.endswith((".hh", ".hpp")) and "/pch/" not in path and code != "#pragma once":
        return "'#pragma once' must follow that comment"
    return None


def main():
    paths = sources.files(["src", "tests"], (".cc", ".hh", ".hpp", ".py", ".bats", ".bash", ".sh"))
    problems = []
    for path in paths:
        if problem := problem_of(path):
            problems.append(f"{path}: {problem}")
    sources.finish("spdx", len(paths), problems)


main()

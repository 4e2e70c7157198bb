#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The layout of C++ files is clang-format's. Its versions differ, so only the one of Debian 12 judges: contrib/check."""
import re
import subprocess
import sys

import sources

VERSION = "14"


def main():
    try:
        found = re.search(r"version (\d+)", subprocess.check_output(["clang-format", "--version"], text=True))
    except FileNotFoundError:
        found = None
    if not found or found[1] != VERSION:
        print(f"format: skipped: clang-format {VERSION} is not installed")
        sys.exit(77)
    paths = [path for path in sources.files(["src", "tests"], (".cc", ".hh")) if "catch2_v2" not in path]
    run = subprocess.run(["clang-format", "--dry-run", *paths], capture_output=True, text=True, cwd=sources.ROOT)
    sources.finish("format", len(paths), [line for line in run.stderr.splitlines() if "warning:" in line])


main()

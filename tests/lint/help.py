#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every command: --help on stdout with exit 0 and at most 80 columns; an unknown option on stderr with exit 125.

    help.py KIST
"""
import json
import subprocess
import sys


def run(*argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def problems_of(kist, words):
    result = run(kist, *words, "--help")
    if result.returncode != 0 or result.stderr:
        yield f"--help: exit {result.returncode}, stderr {result.stderr!r}"
    for line in result.stdout.splitlines():
        if len(line) > 80:
            yield f"--help: {len(line)} columns: {line}"
    result = run(kist, *words, "--no-such-option")
    if result.returncode != 125 or result.stdout or "--no-such-option" not in result.stderr:
        yield f"an unknown option: exit {result.returncode}, stdout {result.stdout!r}, stderr {result.stderr!r}"


def main(kist):
    commands = json.loads(subprocess.check_output([kist, "__dump-cli"]))["commands"]
    failures = 0
    for words in [[]] + [(c.get("name") or c["path"]).split() for c in commands]:
        if words and words[0].startswith("__"):
            continue
        for problem in problems_of(kist, words):
            print(f"kist {' '.join(words)}: {problem}")
            failures += 1
    print(f"{len(commands)} commands, {failures} problems")
    return 1 if failures or not commands else 0


sys.exit(main(sys.argv[1]))

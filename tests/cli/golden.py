#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the program as a user who makes mistakes and compares what it says with *.golden beside this file.

    golden.py KIST          UPDATE_GOLDEN=1 rewrites the files

A golden file is a list of cases: "$ kist ARGS", the exit code, stdout lines marked "1:" and stderr lines marked "2:".
No case needs root, an image or a container; @STORE@ stands for an empty folder that is removed again.
"""
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def run_case(kist, line, store):
    words = shlex.split(line.replace("@STORE@", store))
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    result = subprocess.run([kist, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, timeout=60, env=environment, cwd=store)
    lines = [f"$ kist {line}", f"exit {result.returncode}"]
    lines += [f"1: {text}".rstrip() for text in result.stdout.splitlines()]
    lines += [f"2: {text}".rstrip() for text in result.stderr.splitlines()]
    return "\n".join(lines).replace(store, "@STORE@")


def cases_of(text):
    return [line[len("$ kist "):] for line in text.splitlines() if line.startswith("$ kist ")]


def main(kist):
    failed = total = 0
    for golden in sorted(HERE.glob("*.golden")):
        expected = golden.read_text()
        found = []
        for line in cases_of(expected):
            with tempfile.TemporaryDirectory(prefix="kist-cli-") as store:
                (pathlib.Path(store) / "bad.json").write_text('{"debgu": true}\n')
                (pathlib.Path(store) / "good.json").write_text('{"debug": true, "dns": ["192.0.2.1"]}\n')
                found.append(run_case(kist, line, store))
        actual = "\n\n".join(found) + "\n"
        if os.environ.get("UPDATE_GOLDEN"):
            golden.write_text(actual)
            expected = actual
        total += len(found)
        for want, got in zip(expected.rstrip("\n").split("\n\n"), found, strict=True):
            if want != got:
                failed += 1
                print(f"{golden.name}: expected\n{want}\n--- but got\n{got}\n")
    print(f"{total} cases, {failed} failed")
    return 1 if failed or total == 0 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

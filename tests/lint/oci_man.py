#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page of kist-oci has every command and every option that its help has, and no other.

    oci_man.py KIST_OCI PAGE
"""
import re
import subprocess
import sys


def help_of(program, *words):
    return subprocess.check_output([program, *words, "--help"], text=True)


def options_of(text):
    """"-b, --bundle FOLDER" of each line under "Options:", without --help."""
    found = []
    for line in text.split("\nOptions:\n", 1)[1].splitlines():
        match = re.match(r"  (?:(-\w), |    )(--[\w-]+)(?: (\S+))?(?:\s{2,}|$)", line)
        if match and match[2] != "--help":
            found.append(" ".join(filter(None, [", ".join(filter(None, [match[1], match[2]])), match[3]])))
    return found


def options_in(page):
    return [re.sub(r"(?<!\\)[*_]", "", line).replace("\\", "") for line in page.splitlines() if re.match(r"\*-", line)]


# Commands whose section says that they take the options of another one, and names only their own.
LIKE = {"run": "create", "restore": "checkpoint"}


def main(program, path):
    with open(path, encoding="utf-8") as file:
        page = file.read()
    general = help_of(program)
    names = re.findall(r"^  (\w+) {2,}", general.split("Commands:\n")[1].split("\n\n")[0], re.MULTILINE)
    sections = {}
    for part in re.split(r"^## ", page.split("# COMMANDS", 1)[1].split("# EXAMPLES", 1)[0], flags=re.MULTILINE)[1:]:
        for title in part.splitlines()[0].split(","):
            sections[title.split()[0]] = part
    problems = [f"no section for '{name}'" for name in names if name not in sections]
    problems += [f"section for '{name}', which is no command" for name in sections if name not in names]
    for name in names:
        wanted = options_of(help_of(program, name))
        if name in LIKE:
            wanted = [option for option in wanted if option not in options_of(help_of(program, LIKE[name]))]
        if options_in(sections.get(name, "")) != wanted:
            problems.append(f"{name}: the page has {options_in(sections.get(name, ''))}, the command {wanted}")
    there = options_in(page.split("# OPTIONS", 1)[1].split("# COMMANDS", 1)[0])
    if there != options_of(general):
        problems.append(f"options: the page has {there}, the program {options_of(general)}")
    for problem in problems:
        print(f"{path}: {problem}")
    print(f"{len(names)} commands, {len(problems)} problems")
    return 1 if problems or not names else 0


sys.exit(main(sys.argv[1], sys.argv[2]))

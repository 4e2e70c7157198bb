#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every command has a man page, with the summary and the options of the command table, in its order.

    man.py KIST MAN_FOLDER
"""
import json
import os
import re
import subprocess
import sys


def page_name(command):
    return "kist-" + name_of(command).replace(" ", "-")


def name_of(command):
    return command.get("name") or command["path"]


def heading(option):
    names = ([f"-{option['letter']}"] if option["letter"] else []) + [f"--{name}" for name in option["names"]]
    return ", ".join(names) + (f" {option['value']}" if option["value"] else "")


def plain(line):
    """Without scdoc's marks for bold and underline."""
    return re.sub(r"(?<!\\)[*_]", "", line).replace("\\", "")


def section(text, title):
    match = re.search(rf"^# {title}\n(.*?)(?=^# |\Z)", text, re.MULTILINE | re.DOTALL)
    return match.group(1) if match else ""


def problems_of(command, text):
    wanted = f"{page_name(command)} - {command['summary']}"
    if plain(section(text, "NAME")).strip() != wanted:
        yield f"NAME is not '{wanted}'"
    there = [plain(line) for line in section(text, "OPTIONS").splitlines() if line.startswith("*-")]
    table = [heading(option) for option in command["options"]]
    for option in table:
        if option not in there:
            yield f"option missing: {option}"
    for option in there:
        if option not in table:
            yield f"option that the command does not have: {option}"
    if sorted(there) == sorted(table) and there != table:
        yield "the options are not in the order of the table"
    for title in ("SYNOPSIS", "DESCRIPTION", "EXAMPLES", "EXIT STATUS"):
        if not section(text, title).strip():
            yield f"section {title} is missing or empty"


def main(kist, folder):
    commands = [c for c in json.loads(subprocess.check_output([kist, "__dump-cli"]))["commands"] if not name_of(c).startswith("__")]
    failures = 0
    for command in commands:
        path = f"{folder}/{page_name(command)}.1.scd"
        if not os.path.exists(path):
            print(f"{path}: missing")
            failures += 1
            continue
        with open(path, encoding="utf-8") as file:
            for problem in problems_of(command, file.read()):
                print(f"{path}: {problem}")
                failures += 1
    known = {f"{page_name(command)}.1.scd" for command in commands} | {"kist.1.scd", "kist.json.5.scd", "kist-oci.1.scd"}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".scd") and name not in known:
            print(f"{folder}/{name}: no such command")
            failures += 1
    print(f"{len(commands)} commands, {failures} problems")
    return 1 if failures or not commands else 0


sys.exit(main(sys.argv[1], sys.argv[2]))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Counts the results in meson's testlog.json files (one JSON object a line). A test that speaks TAP counts each of its
# points; any other counts once. Prints failures and skips with their reasons, then "N passed, N failed, N skipped".
import json
import os
import re
import sys

POINT = re.compile(r"^(ok|not ok)\b\s*\d*\s*-?\s*(.*?)(?:\s*#\s*(skip|todo)\b\s*(.*))?$", re.IGNORECASE)


def points_of(test):
    """(outcome, name, reason) of every TAP point of a test, or of the test as a whole."""
    points = []
    for line in test.get("stdout", "").splitlines():
        match = POINT.match(line)
        if match:
            state, name, directive, reason = match.groups()
            outcome = "passed" if state == "ok" else "failed"
            if directive and directive.lower() == "skip":
                outcome = "skipped"
            points.append((outcome, name, reason or ""))
    whole = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}.get(test["result"], "failed")
    reason = ""
    if whole != "passed":
        text = (test.get("stderr", "") + test.get("stdout", "")).strip()
        reason = text.splitlines()[-1] if text else test["result"]
    # A test program that died after its last point has failed even when all its points passed.
    if not points or (whole == "failed" and all(outcome != "failed" for outcome, _, _ in points)):
        points.append((whole, "", reason))
    return points


def main(files):
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for file in files:
        if not os.path.exists(file):
            continue
        with open(file, encoding="utf-8") as lines:
            for line in lines:
                test = json.loads(line)
                for outcome, name, reason in points_of(test):
                    count[outcome] += 1
                    if outcome != "passed":
                        print(f"{outcome}: {test['name']}: {name} {('(' + reason + ')') if reason else ''}".rstrip())
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] or not count["passed"] else 0


sys.exit(main(sys.argv[1:]))

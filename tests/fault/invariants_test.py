#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks each invariant of a store by hand, to see that the fault tests would notice. --kist PATH. Speaks TAP."""
import argparse
import fcntl
import os
import subprocess
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from invariants import Report, Store, Violation, check, lost_names, nothing_left, remove_all  # noqa: E402


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def record_of(store, name="victim"):
    return f"{store.work}/root/containers/{store.inspect(name)['Id']}"


def torn_record(store):
    path = f"{record_of(store)}/config.json"
    with open(path, encoding="ascii") as file:
        text = file.read()
    write(path, text[:-5])
    return lambda: write(path, text)


def name_of_nobody(store):
    path = f"{store.work}/root/containers/names/nobody"
    os.symlink("0" * 64, path)
    return lambda: os.unlink(path)


def changed_file(path):
    def change(store):
        full = f"{store.work}/{path}"
        facts = os.stat(full)
        os.chmod(full, 0o777)
        return lambda: os.chmod(full, facts.st_mode & 0o7777)
    return change


def locked_file(path):
    def lock(store):
        file = open(f"{store.work}/{path}", "r+b")
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("@hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        return file.close
    return lock


def changed_layer(store):
    layer = next(os.scandir(f"{store.work}/root/layers")).path
    os.rename(f"{layer}/diff/bin/busybox", f"{layer}/diff/bin/moved")
    return lambda: os.rename(f"{layer}/diff/bin/moved", f"{layer}/diff/bin/busybox")


def populated_cgroup(store):
    store.ok("run", "--name", "ended", "busybox", "true")
    group = f"/sys/fs/cgroup/freezer{store.parent}/{store.inspect('ended')['Id']}"
    if not os.path.isdir("/sys/fs/cgroup/freezer"):
        group = group.replace("/freezer", "", 1)
    os.makedirs(group)
    process = subprocess.Popen(["sleep", "100"])
    write(f"{group}/cgroup.procs", str(process.pid))

    def undo():
        process.kill()
        process.wait()
        os.rmdir(group)
        store.ok("rm", "ended")
    return undo


BREAKS = {
    "I2 a torn record": torn_record,
    "I3 a process in an ended container's cgroup": populated_cgroup,
    "I4 a name of nobody": name_of_nobody,
    "I5 a layer that lacks a file": changed_layer,
    "I7 a volume's data": changed_file("root/volumes/kept/_data/file"),
    "I9 the tree outside": changed_file("canary/folder/file"),
    "I10 a lock that a dead command left": locked_file("root/images/lock"),
}


def check_both(store):
    check(store)
    lost = [*lost_names(f"{store.work}/root", f"{store.work}/run")]  # rm --all would mend that
    if lost:
        raise Violation(lost[0])
    remove_all(store, store.footprint())


def notices(store, check_it):
    try:
        check_it()
    except Violation as violation:
        return str(violation)
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kist", required=True)
    args = parser.parse_args()
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root")
        return 0
    store = Store(os.path.abspath(args.kist))
    report = Report("invariants", len(BREAKS) + 2)
    try:
        before = store.footprint()
        said = notices(store, lambda: check_both(store))
        report.case("a sound store", 1, [said] * bool(said))
        for title, break_it in BREAKS.items():
            if not store.exists():
                store.ok("create", "--name", "victim", "busybox", "true")
            undo = break_it(store)
            said = notices(store, lambda: check_both(store))
            undo()
            wrong = [] if title.split()[0] in said else [f"not noticed: {said!r}"]
            left = notices(store, lambda: check(store))
            report.case(title, 1, wrong + [left] * bool(left))
        store("create", "--name", "victim", "busybox", "true")
        said = notices(store, lambda: nothing_left(store, before, limit=0))
        report.case("I6 a container", 1, [] if "name victim" in said else [f"not noticed: {said!r}"])
    finally:
        store.close()
    return report.end()


if __name__ == "__main__":
    sys.exit(main())

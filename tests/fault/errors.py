#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets system calls fail, one at a time, and looks at what commands make of it (SECURITY F6 to F8).

    tests/fault/errors.py --kist PATH [--every N] [--only TEXT]

For commands that change something, strace makes the 1st, 2nd, 3rd … call of each system call fail: a full disk (ENOSPC, EDQUOT), a
broken one (EIO, EROFS), too many open files (EMFILE, ENFILE), no memory (ENOMEM), interruptions (EINTR, EAGAIN).
Each time the command ends in time, by itself and with a stated reason or success; it succeeds only if its result is there, and never
after a sync that failed; lists work; the same command succeeds afterwards; and nothing is left.
--every N tries each N-th point only (default 1: all). Speaks TAP; the last line counts points and violations.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from invariants import EVERY, Report, Store, Violation, arguments, chosen, nothing_left  # noqa: E402

CHANGES = ["mkdirat", "symlinkat", "linkat", "renameat", "renameat2", "unlinkat", "openat", "write", "pwrite64", "fchmod", "fchown", "ftruncate"]
FAULTS = {
    "full disk": [(call, "error=ENOSPC") for call in ["mkdirat", "symlinkat", "linkat", "renameat", "renameat2", "openat", "write", "pwrite64", "writev", "fallocate"]],
    "quota": [(call, "error=EDQUOT") for call in ["mkdirat", "symlinkat", "openat", "write", "renameat"]],
    "broken disk": [(call, "error=EIO") for call in CHANGES + ["fsync", "fdatasync", "syncfs", "read", "pread64", "getdents64", "statx", "newfstatat"]],
    "read-only disk": [(call, "error=EROFS") for call in CHANGES],
    "too many files": [(call, f"error={error}") for error in ("EMFILE", "ENFILE") for call in ("openat", "openat2", "socketpair", "pipe2", "memfd_create", "epoll_create1", "signalfd4", "pidfd_open")],
    "no memory": [(call, "error=ENOMEM") for call in ("openat", "mmap", "clone3", "vfork", "clone", "read", "mkdirat", "sendmsg", "recvmsg")],
    "interruptions": [(call, "error=EINTR") for call in ("read", "write", "openat", "wait4", "waitid", "flock", "recvmsg", "poll", "fcntl")]
                     + [(call, "error=EAGAIN") for call in ("openat2", "clone3", "vfork")],
}
SYNCS = ("fsync", "fdatasync", "syncfs")


class Case:
    """A command, what comes before and after it, and how its success is seen."""

    def __init__(self, words, seen, undo, prepare=()):
        self.words, self.seen, self.undo, self.prepare = words, seen, undo, prepare


def cases(store):
    return {
        "create": Case(["create", "--name", "victim", "-v", "vol:/v", "busybox", "true"], ["inspect", "victim"], [["rm", "-f", "victim"], ["volume", "rm", "-f", "vol"]]),
        "volume create": Case(["volume", "create", "vol"], ["volume", "inspect", "vol"], [["volume", "rm", "-f", "vol"]]),
        "tag": Case(["tag", "busybox", "other:name"], ["image", "exists", "other:name"], [["rmi", "-i", "other:name"]]),
        "import": Case(["import", "-q", f"{store.work}/small.tar", "small"], ["image", "exists", "small"], [["rmi", "-i", "small"]]),
        "load": Case(["load", "-q", "-i", f"{store.work}/load.tar"], ["image", "exists", "loaded"], [["rmi", "-i", "loaded"]]),
        "commit": Case(["commit", "-q", "written", "committed"], ["image", "exists", "committed"], [["rmi", "-i", "committed"]]),
        "cp": Case(["cp", f"{store.work}/small.tar", "written:/copy"], None, []),
        "rm": Case(["rm", "victim"], None, [["rm", "-f", "victim"]], [["create", "--name", "victim", "busybox", "true"]]),
        "run": Case(["run", "--rm", "--name", "victim", "busybox", "true"], None, [["rm", "-f", "victim"]]),
    }


def prepare_store(store):
    os.makedirs(f"{store.work}/tree/d")
    for name in ("a", "d/b", "d/c"):
        with open(f"{store.work}/tree/{name}", "w", encoding="ascii") as file:
            file.write(name * 1000)
    subprocess.run(["tar", "-C", f"{store.work}/tree", "-cf", f"{store.work}/small.tar", "."], check=True)
    store.ok("import", "-q", f"{store.work}/small.tar", "loaded")
    store.ok("save", "-o", f"{store.work}/load.tar", "loaded")
    store.ok("rmi", "loaded")
    store.ok("run", "--name", "written", "busybox", "sh", "-c", "echo x >/x; rm /bin/true")


def layers_and_images(store):
    found = store.footprint()
    for folder in ("layers", "images", "images/names", "content/sha256"):
        path = f"{store.work}/root/{folder}"
        found |= {f"{folder} {name}" for name in os.listdir(path)} if os.path.isdir(path) else set()
    return found


def undo(store, case):
    for words in case.undo:
        store(*words)


def fail_once(store, case, call, how, number):
    """Whether the fault was reached, the exit code, and what was said."""
    trace = f"{store.work}/trace"
    argv = ["strace", "-f", "-qq", "-o", trace, "-e", f"trace={call}", "-e", f"inject={call}:{how}:when={number}", *store.argv, *case.words]
    result = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)
    with open(trace, encoding="utf-8", errors="replace") as file:
        reached = "(INJECTED)" in file.read()
    return reached, result.returncode, result.stderr


def judge(store, case, call, how, code, said):
    if code not in (0, 1, 125, 126, 127):
        raise Violation(f"exit code {code}: {said.strip()}")
    # A failing write may be that of the reason itself; the loader of a program has its own words before ours.
    if code != 0 and call != "write" and not any(line.startswith("kist: ") for line in said.splitlines()):
        raise Violation(f"exit code {code} without a reason: {said.strip()!r}")
    if code == 0 and case.seen:
        if call in SYNCS and how == "error=EIO" and case.words[0] != "run":
            raise Violation("success was told though a sync failed")
        store.ok(*case.seen)
    store.ok("ps", "-a")
    store.ok("images")
    store.ok("volume", "ls")


def points(store, case, faults, every):
    tried, violations = 0, []
    undo(store, case)
    before = layers_and_images(store)
    for call, how in faults:
        number = 1
        while number < 150:
            for words in case.prepare:
                store.ok(*words)
            try:
                reached, code, said = fail_once(store, case, call, how, number)
                if reached:
                    tried += 1
                    judge(store, case, call, how, code, said)
                undo(store, case)
                if reached and not case.prepare:
                    store.ok(*case.words)
                    undo(store, case)
                try:
                    nothing_left_but(store, before)
                except Violation:
                    # Layers of an image that could not be stored go with the next removal of one, or so.
                    store("system", "check", "--repair")
                    nothing_left_but(store, before)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                violations.append(f"{call} {how} {number}: {error}")
                undo(store, case)
                store("system", "check", "--repair")
                before = layers_and_images(store)
            if not reached:
                break
            number += every
    return tried, violations


def nothing_left_but(store, before):
    class View:
        @staticmethod
        def footprint():
            return layers_and_images(store)
    nothing_left(View, before)


def main():
    args = arguments(__doc__, every=EVERY)
    store = Store(args.kist)
    try:
        prepare_store(store)
        todo = chosen(args, {f"{name}: {fault}": (case, faults) for name, case in cases(store).items() for fault, faults in FAULTS.items()})
        report = Report("errors", len(todo))
        for name, (case, faults) in todo.items():
            report.case(name, *points(store, case, faults, args.every), unit="faults")
    finally:
        store.close()
    return report.end()


if __name__ == "__main__":
    sys.exit(main())

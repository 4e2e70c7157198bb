#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills what takes part in a pull, a push or a change of a manifest list with SIGKILL, at the steps they take.

    tests/fault/kill_registry.py --kist PATH [--every N] [--only TEXT]

strace kills at the 1st, 2nd, 3rd … call of each system call that changes or sends something, in kist, kist-fetch or kist-unpack,
whichever makes that call first (SECURITY F1). After each kill no program of ours is left, `system check` has nothing to say that a
next command would not mend, the same command succeeds with the same image, and nothing temporary stays. The registry is Debian's
docker-registry on loopback. --every N tries each N-th point only (default 1: all). Speaks TAP.
"""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from invariants import EVERY, Report, arguments, chosen, held_locks, torn_records  # noqa: E402

CALLS = ["mkdirat", "symlinkat", "linkat", "renameat", "unlinkat", "fsync", "fdatasync", "syncfs", "write", "sendmsg", "splice", "tee", "sendto", "clone3", "chroot", "seccomp"]


class Bench:
    def __init__(self, kist):
        self.work = tempfile.mkdtemp(prefix="kist-fault-registry.", dir="/var/tmp")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.hub = f"127.0.0.1:{port}"
        with open(f"{self.work}/kist.json", "w", encoding="ascii") as file:
            file.write(f'{{"insecure-registries": ["{self.hub}"]}}')
        with open(f"{self.work}/registry.yml", "w", encoding="ascii") as file:
            file.write(f"{{version: 0.1, log: {{level: error}}, storage: {{filesystem: {{rootdirectory: {self.work}/registry}}}}, http: {{addr: '{self.hub}'}}}}")
        with open(f"{self.work}/registry.log", "w", encoding="ascii") as log:
            self.server = subprocess.Popen(["docker-registry", "serve", f"{self.work}/registry.yml"], stdout=log, stderr=log)
        self.kist = kist
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.1)
        self.make_image()

    def argv(self, store):
        return [self.kist, "--config", f"{self.work}/kist.json", "--root", f"{self.work}/{store}", "--runroot", f"{self.work}/{store}-run"]

    def __call__(self, store, *words):
        return subprocess.run(self.argv(store) + list(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)

    def ok(self, store, *words):
        result = self(store, *words)
        if result.returncode != 0:
            raise AssertionError(f"{' '.join(words)}: exit {result.returncode}: {result.stderr.strip()}")
        return result.stdout.strip()

    def make_image(self):
        """Two layers, one of them large enough to be kept when it is torn."""
        folder = f"{self.work}/files"
        os.mkdir(folder)
        for name in ("one", "two"):
            with open(f"{folder}/{name}", "wb") as file:
                file.write(os.urandom(2 << 20))
        subprocess.run(["tar", "-C", folder, "-cf", f"{self.work}/files.tar", "one", "two"], check=True)
        self.id = self.ok("local", "import", "-q", f"{self.work}/files.tar", "files")
        self.ok("local", "push", "-q", "files", f"{self.hub}/files:1")

    def close(self):
        self.server.terminate()
        self.server.wait()
        shutil.rmtree(self.work, ignore_errors=True)


def leftovers(bench, store):
    found = []
    for folder in ("tmp", "content/partial"):
        path = f"{bench.work}/{store}/{folder}"
        if os.path.isdir(path):
            found += [f"{folder}/{name}" for name in os.listdir(path) if name != "lock"]
    return found


def programs(bench):
    """Of this test that still run; those of a killed kist are given a moment."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                word = file.read().split(b"\0")[0]
            with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
                state = file.read().rsplit(")", 1)[1].split()[0]
            if state != "Z" and word.startswith(os.path.dirname(os.path.dirname(bench.kist)).encode()) and word.endswith((b"kist-fetch", b"kist-unpack")):
                found.append(f"{pid} {word.decode()}")
        except OSError:
            pass
    return found


def injected(bench, store, call, number, words):
    """True when somebody was killed, or the command failed."""
    command = ["strace", "-f", "-qq", "-o", f"{bench.work}/trace", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}", *bench.argv(store), *words]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    with open(f"{bench.work}/trace", encoding="utf-8", errors="replace") as file:
        return result.returncode != 0 or "killed by SIGKILL" in file.read()


def check(bench, store, words, good):
    for _ in range(40):
        if not programs(bench):
            break
        time.sleep(0.05)
    else:
        raise AssertionError(f"still there: {programs(bench)}")
    bench.ok(store, "images")
    bench.ok(store, *words)
    good()
    bench.ok(store, "system", "check", "--repair")
    bench.ok(store, "system", "check")
    root, run = f"{bench.work}/{store}", f"{bench.work}/{store}-run"
    faults = [*torn_records(root, run), *held_locks(root, run), *(f"left behind: {name}" for name in leftovers(bench, store))]
    if faults:
        raise AssertionError("; ".join(faults))


def kill_points(bench, store, words, prepare, good, every, most=60):
    tried, violations = 0, []
    for call in CALLS:
        number = 1
        while number <= most:
            prepare()
            if not injected(bench, store, call, number, words):
                break
            tried += 1
            try:
                check(bench, store, words, good)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                violations.append(f"{call} {number}: {error}")
            number += every
    return tried, violations


def pull_case(bench, every):
    def good():
        if bench.ok("fresh", "image", "inspect", "-f", "{{.Id}}", f"{bench.hub}/files:1") != bench.id:
            raise AssertionError("another image came")
    return kill_points(bench, "fresh", ["pull", "-q", f"{bench.hub}/files:1"], lambda: bench("fresh", "rmi", "-af"), good, every)


def push_case(bench, every):
    count = [0]

    def prepare():
        # the registry has nothing of it, and we know no compressed form
        count[0] += 1
        shutil.rmtree(f"{bench.work}/registry/docker/registry/v2", ignore_errors=True)
        for base, _, files in os.walk(f"{bench.work}/local/layers"):
            if "blobs.json" in files:
                os.unlink(f"{base}/blobs.json")

    def good():
        shutil.rmtree(f"{bench.work}/fresh", ignore_errors=True)
        if bench.ok("fresh", "pull", "-q", f"{bench.hub}/pushed:1") != bench.id:
            raise AssertionError("another image comes back")
    return kill_points(bench, "local", ["push", "-q", "files", f"{bench.hub}/pushed:1"], prepare, good, every)


def list_case(bench, every):
    def good():
        if bench.ok("local", "manifest", "inspect", "list").count('"digest"') != 1:
            raise AssertionError("the list is not whole")

    def prepare():
        bench("local", "manifest", "rm", "-i", "list")
        bench.ok("local", "manifest", "create", "list")
    files = f"{bench.work}/files/"
    tried, violations = kill_points(bench, "local", ["manifest", "add", "list", "files"], prepare, good, 1)
    more, worse = kill_points(bench, "local", ["manifest", "add", "--artifact", "list", files + "one", files + "two"], prepare, good, 1)
    return tried + more, violations + worse


def main():
    args = arguments(__doc__, every=EVERY)
    if not shutil.which("docker-registry"):
        print("1..0 # SKIP docker-registry is not installed")
        return 0
    cases = chosen(args, {"pull killed at each step": pull_case, "push killed at each step": push_case, "manifest add killed at each step": list_case})
    bench = Bench(args.kist)
    report = Report("kill_registry", len(cases))
    try:
        for name, case in cases.items():
            tried, violations = case(bench, args.every)
            report.case(name, tried, violations or ["nothing was tried"] * (tried == 0), unit="kills")
    finally:
        bench.close()
    return report.end()


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills the command and the monitor with SIGKILL at every step they take, and looks at what the next commands find.

    tests/fault/kill.py --kist PATH [--every N] [--rounds N] [--only TEXT]

For `create`, `run -d`, `run --rm`, `rm -f` and those of volumes, strace kills the command at the 1st, 2nd, 3rd … call of each system call
that changes something, until a run gets through unharmed (SECURITY F1). The monitor is killed at moments spread over a
start and a stop (F2), and at each call by which it sets up a network (F39). After each kill: `ps -a` works, the same command with the same name succeeds (or its container is
there), `rm -f` succeeds, and nothing is left: no mount, cgroup, record, name, volume, process.
--every N tries each N-th point only (default 1: all); --rounds is for the kills spread in time. Speaks TAP.
"""
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from invariants import EVERY, Report, Store, Violation, arguments, chosen, mend_and_check, monitors, nothing_left  # noqa: E402

CALLS = ["mkdirat", "mkdir", "symlinkat", "symlink", "linkat", "renameat", "renameat2", "rename", "unlinkat", "unlink",
         "fsync", "fdatasync", "write", "writev", "sendto", "sendmsg", "clone3", "vfork", "flock", "pwrite64"]
# What the monitor tells the kernel of networks: netlink, ports, namespaces, leases.
NETWORK_CALLS = ["sendto", "bind", "setns", "unshare", "setsockopt", "symlink", "unlinkat", "linkat"]


def make_again(store, *words):
    def again():
        if store("container", "exists", "victim").returncode == 0:
            store.ok("rm", "-f", "-t", "0", "victim")
        store.ok(*words)
    return again


def volume_victim(store):
    return lambda: store.ok("volume", "create", "--ignore", "victim")


def no_victim(store):
    return lambda: store.ok("volume", "rm", "-f", "victim")


def volume_again(store):
    """Whole or gone, and removed in the end."""
    def again():
        store.ok("volume", "create", "--ignore", "victim")
        store.ok("volume", "inspect", "victim")
        store.ok("volume", "rm", "victim")
    return again


def injected_everywhere(store, call, number, words):
    """The same for the command, its monitor and the container: whoever makes the call for the `number`th time first is killed."""
    with tempfile.NamedTemporaryFile(mode="r", encoding="ascii", errors="replace") as trace:
        subprocess.run(["strace", "-f", "-q", "-o", trace.name, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"]
                       + store.argv + list(words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20)
        return "killed by SIGKILL" in trace.read()


def injected(store, call, number, words):
    """True when the command was killed at that point; False when it got through without reaching it."""
    result = subprocess.run(["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"]
                            + store.argv + list(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            timeout=20)
    return result.returncode in (137, -9)


def kill_points(store, words, prepare, again, every, calls=tuple(CALLS), inject=injected):
    """Number of points tried and the violations found."""
    tried, violations = 0, []
    before = store.footprint()
    for call in calls:
        number = 1
        while number < 200:
            prepare()
            killed = inject(store, call, number, words)
            if not killed:
                store("rm", "-af", "-t", "0")
                store("volume", "rm", "-f", "victim")
                store("volume", "prune", "-f")
                nothing_left(store, before)
                break
            tried += 1
            try:
                mend_and_check(store, before, again)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                violations.append(f"{call} {number}: {error}")
                store("rm", "-af", "-t", "0")
                before = store.footprint()
            number += every
    return tried, violations


def monitor_of(store):
    result = store("inspect", "--format", "{{.State.MonitorPid}}", "victim")
    return int(result.stdout.strip() or 0) if result.returncode == 0 else 0


def kill_monitors(before):
    for pid in monitors():
        if f"process {pid}" not in before:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def monitor_in_time(store, options, rounds):
    """The monitor killed at moments spread over the first milliseconds of a start."""
    violations = []
    before = store.footprint()
    generator = random.Random(1)
    for _ in range(rounds):
        delay = generator.random() * 0.015
        command = subprocess.Popen(store.argv + ["run", "-d", "--name", "victim", *options, "busybox", "sleep", "1000"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        kill_monitors(before)
        try:
            command.wait(20)
            mend_and_check(store, before, make_again(store, "run", "-d", "--name", "victim", *options, "busybox", "sleep", "1000"))
        except (AssertionError, subprocess.TimeoutExpired) as error:
            violations.append(f"after {delay * 1000:.1f} ms: {error}")
            store("rm", "-af", "-t", "0")
            before = store.footprint()
    return rounds, violations


def monitor_while_running(store, _, rounds):
    """The monitor killed while the container runs: it lives on, and stop, logs, exec and rm work."""
    violations = []
    before = store.footprint()
    for _ in range(rounds):
        try:
            store.ok("run", "-d", "--name", "victim", "busybox", "sh", "-c", "echo before; trap 'exit 3' TERM; while :; do sleep 0.1; done")
            pid = monitor_of(store)
            if not pid:
                raise Violation("inspect names no monitor")
            os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
            if store.ok("inspect", "--format", "{{.State.Status}}", "victim") != "running":
                raise Violation("the container did not live on")
            store.ok("exec", "victim", "true")
            store.ok("stop", "-t", "5", "victim")
            if store.ok("inspect", "--format", "{{.State.Status}}", "victim") != "exited":
                raise Violation("not exited after stop")
            if store.ok("logs", "victim") != "before":
                raise Violation("the log is lost")
            store.ok("rm", "victim")
            nothing_left(store, before)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            violations.append(str(error))
            store("rm", "-af", "-t", "0")
            before = store.footprint()
    return rounds, violations


def main():
    args = arguments(__doc__, every=EVERY, rounds={"type": int, "default": 100})
    store = Store(args.kist)
    store.ok("network", "create", "victims")
    nothing = lambda: None
    create = ["create", "--name", "victim", "busybox", "true"]
    detached = ["run", "-d", "--name", "victim", "busybox", "sleep", "1000"]
    anonymous = ["run", "--rm", "--name", "victim", "-v", "/anon", "busybox", "true"]
    new_volume, no_volume = ["volume", "create", "victim"], ["volume", "rm", "victim"]
    published = ["run", "--rm", "--name", "victim", "-p", "18999:80", "--network", "victims", "busybox", "true"]
    vanishing = ["run", "--rm", "--name", "victim", "busybox", "true"]
    cases = {
        "create killed at each step": lambda: kill_points(store, create, nothing, make_again(store, *create), args.every),
        "run -d killed at each step": lambda: kill_points(store, detached, nothing, make_again(store, *detached), args.every),
        "run --rm killed at each step": lambda: kill_points(store, vanishing, nothing, make_again(store, *vanishing), args.every),
        "rm -f killed at each step": lambda: kill_points(store, ["rm", "-f", "-t", "0", "victim"],
                                                          make_again(store, *detached), make_again(store, *detached), args.every),
        "run --rm -v /anon killed at each step": lambda: kill_points(store, anonymous, nothing, make_again(store, *anonymous), args.every),
        "volume create killed at each step": lambda: kill_points(store, new_volume, no_victim(store), volume_again(store), args.every),
        "volume rm killed at each step": lambda: kill_points(store, no_volume, volume_victim(store), volume_again(store), args.every),
        "run -p, its monitor killed at each step of the network": lambda: kill_points(
            store, published, nothing, make_again(store, *published), args.every, NETWORK_CALLS + (["openat"] if args.every == 1 else []), injected_everywhere),
        "monitor killed during a start": lambda: monitor_in_time(store, [], args.rounds),
        "monitor killed during a start with --rm": lambda: monitor_in_time(store, ["--rm"], args.rounds),
        "monitor killed while the container runs": lambda: monitor_while_running(store, [], max(3, args.rounds // 5)),
    }
    cases = chosen(args, cases)
    report = Report("kill", len(cases))
    try:
        for name, case in cases.items():
            report.case(name, *case(), unit="kills")
    finally:
        store.close()
    return report.end()


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills the monitor at every step of its life, and looks at what the next commands make of its container (SECURITY F2, F4, F5, F42).

    tests/fault/kill_monitor.py --kist PATH --traced-monitor PATH [--every N] [--rounds N] [--only TEXT]

A container is taken through a life: start, health checks, pauses, restarts, stops, changes. One run under strace counts the system
calls of its monitor; then the monitor is killed before each of them in turn. After each kill the container lives on or its end is
recorded with the right code or none, its restart policy is obeyed by the next command, hooks that were owed have run, it
can be stopped, started and removed, and the invariants hold. --every N tries each N-th point (default 1: all). Speaks TAP.
"""
import datetime
import glob
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from invariants import EVERY, UNKNOWN_EXIT, Report, Store, Violation, arguments, check, chosen, eventually, is_alive, monitors, pids, proc, remove_all  # noqa: E402

# What changes something, and the waits, where the monitor is between two things.
CALLS = ["mkdirat", "symlinkat", "linkat", "renameat", "renameat2", "unlinkat", "write", "pwrite64", "writev", "sendto", "sendmsg", "splice",
         "clone3", "clone", "vfork", "fcntl", "setns", "unshare", "bind", "listen", "setsockopt", "ioctl", "kill", "pidfd_send_signal", "mount",
         "umount2", "ftruncate", "fchmod", "fchown", "accept4", "waitid", "wait4", "poll", "epoll_wait", "epoll_pwait"]
TRAPS = "trap 'exit 3' TERM; while :; do sleep 0.05; done"


class Traced(Store):
    """A store whose next monitor can be started under strace."""

    def __init__(self, kist, traced_monitor):
        top = os.path.dirname(os.path.dirname(kist))
        self.programs = tempfile.mkdtemp(prefix="kist-traced.", dir="/var/tmp")
        for program in ("cli/kist", "monitor/kist-monitor", "unpack/kist-unpack"):
            os.makedirs(os.path.dirname(f"{self.programs}/{program}"))
            shutil.copy(f"{top}/{program}", f"{self.programs}/{program}")
        self.monitor = f"{self.programs}/monitor/kist-monitor"
        os.mkdir(f"{self.programs}/monitor/real")
        os.rename(self.monitor, f"{self.programs}/monitor/real/kist-monitor")
        shutil.copy(traced_monitor, self.monitor)
        super().__init__(f"{self.programs}/cli/kist")
        self.trace = f"{self.work}/trace"
        os.mkdir(f"{self.work}/root/hooks")

    def order(self, *words):
        """The next monitor runs under strace."""
        with open(self.monitor + ".strace.new", "w", encoding="ascii") as file:
            file.write("\n".join(["-q", "-o", self.trace, "-e", "signal=none", *words]) + "\n")
        if os.path.exists(self.trace):
            os.unlink(self.trace)
        os.rename(self.monitor + ".strace.new", self.monitor + ".strace")

    def traced(self):
        """What that has written, when it has ended; its order is withdrawn if no monitor was started."""
        if os.path.exists(self.monitor + ".strace"):
            os.unlink(self.monitor + ".strace")
            return ""
        eventually("strace ends", lambda: not any(self.trace in proc(pid, "cmdline") for pid in pids()))
        with open(self.trace, encoding="ascii", errors="replace") as file:
            return file.read()

    def close(self):
        try:
            super().close()
        finally:
            shutil.rmtree(self.programs, ignore_errors=True)


class Life:
    """What is done with a container while its monitor may be killed at any moment, and what must be true of it afterwards."""

    def __init__(self, options, program, acts, codes=(), judge=None, prepare=None):
        self.options, self.program, self.acts, self.codes = options, program, acts, codes
        self.judge = judge or (lambda store, ran: None)
        self.prepare = prepare or (lambda store: None)

    def begin(self, store):
        """True when the start was acknowledged."""
        return store("run", "-d", "--name", "victim", *self.options, "busybox", "sh", "-c", self.program).returncode == 0

    def go_on(self, store):
        """A command whose monitor dies may fail, by itself and with a reason: Store sees to that."""
        for act in self.acts:
            if callable(act):
                act(store)
            else:
                store(*act)


def pause_for(seconds):
    return lambda store: time.sleep(seconds)


def end_is_right(store, life):
    """The code of an end is the right one, or unknown with a reason; killed is right when we have stopped it."""
    state = store.state()
    if state["Status"] != "exited" or state["ExitCode"] in life.codes or (state["ExitCode"] == 137 and life.acts):
        return
    if state["ExitCode"] == UNKNOWN_EXIT and "exit code" in state["Error"]:
        return
    if not state["Error"]:
        raise Violation(f"exited with {state['ExitCode']} and no reason, expected {life.codes}")


def freezer_agrees(store):
    """I3 of paused containers."""
    container = store.inspect()
    states = glob.glob(f"/sys/fs/cgroup/freezer{store.parent}/{container['Id']}/freezer.state") + glob.glob(f"/sys/fs/cgroup{store.parent}/{container['Id']}/cgroup.freeze")
    for path in states:
        with open(path, encoding="ascii") as file:
            frozen = file.read().strip() in ("FROZEN", "FREEZING", "1")
        if frozen != (container["State"]["Status"] == "paused"):
            raise Violation(f"I3: {container['State']['Status']}, but frozen is {frozen}")


def is_checked(store):
    """The kill may come only now, after the commands above: a monitor that waits for a check ends it in its own time."""
    store("container", "cleanup", "victim")
    return store.state()["Health"]["Status"] == "healthy"


def afterwards(store, life, ran, before):
    """The next commands, as a user would give them."""
    store.ok("ps", "-a")
    if store.exists():
        store("container", "cleanup", "victim")  # gone by now, perhaps, when it has --rm
    check(store)
    if store.exists():
        end_is_right(store, life)
        life.judge(store, ran)
        if store.state()["Status"] in ("running", "paused"):
            freezer_agrees(store)
            if store.state()["Status"] == "paused":
                store.ok("unpause", "victim")
            if "--health-cmd" in life.options:
                eventually("it is checked again", lambda: is_checked(store))
            if not life.codes and "--restart" not in life.options:
                store.ok("exec", "victim", "true")
        store("stop", "-t", "0", "victim")
    if store.exists():
        if store.state()["Status"] not in ("exited", "created") and "--rm" not in life.options:
            raise Violation(f"{store.state()['Status']} after stop")
        if "--hook-spec" in life.options:
            hooks_were_run(store)
        if "--rm" not in life.options:
            store.ok("start", "victim")
    elif ran and "--rm" not in life.options:
        raise Violation("its start was acknowledged, and it is gone")
    remove_all(store, before)


def hooks_were_run(store):
    """Each poststop that is owed; twice at most, as the monitor may be killed between its end and the record of that."""
    log = f"{store.work}/hooks.log"
    ran = 0
    if os.path.exists(log):
        with open(log, encoding="ascii") as file:
            ran = len(file.readlines())
        os.unlink(log)
    if ran not in (1, 2) and store.state()["StartedAt"][:4] != "0001":
        raise Violation(f"poststop ran {ran} times")


def restarts_as_told(store, _):
    """on-failure:2: three runs at most, and in the end it has ended."""
    eventually("it ends for good", lambda: store.state()["Status"] in ("exited", "created"))
    container = store.inspect()
    runs = store("logs", "victim").stdout.count("up")
    if container["RestartCount"] > 2 or runs > 3:
        raise Violation(f"on-failure:2 ran {runs} times, {container['RestartCount']} restarts")
    if container["State"]["Status"] == "exited" and container["RestartCount"] != 2 and container["State"]["ExitCode"] != 0:
        raise Violation(f"on-failure:2 ended after {container['RestartCount']} restarts: {container['State']}")


def log_is_whole(store, _):
    """Its lines are in order, none twice. What a killed monitor had read and not written is one batch at most."""
    numbers = [int(line) for line in store.ok("logs", "victim").split()]
    if any(later <= earlier for earlier, later in zip(numbers, numbers[1:])):
        raise Violation("lines of the log are out of order or there twice")


def with_hooks(store):
    folder, spec = f"{store.work}/root/hooks", f"{store.work}/hooks.json"
    with open(f"{folder}/poststop", "w", encoding="ascii") as file:
        file.write(f"#!/bin/sh\necho ran >>{store.work}/hooks.log\n")
    os.chmod(f"{folder}/poststop", 0o700)
    with open(spec, "w", encoding="ascii") as file:
        json.dump({"poststop": [{"path": f"{folder}/poststop", "args": ["poststop"], "env": []}]}, file)
    os.chmod(spec, 0o600)
    if os.path.exists(f"{store.work}/hooks.log"):
        os.unlink(f"{store.work}/hooks.log")


def lives(store):
    health = ["--health-cmd", "true", "--health-interval", "30ms", "--health-start-period", "0"]
    return {
        "started and stopped at once": Life([], TRAPS, [["stop", "-t", "0", "victim"]]),
        "a network and a port": Life(["--network", "victims", "-p", "18999:80"], TRAPS, [["stop", "-t", "0", "victim"]]),
        "networks joined and left": Life(["--network", "victims"], TRAPS, [["network", "connect", "bridge", "victim"], ["network", "disconnect", "bridge", "victim"]]),
        "stopped in time": Life([], TRAPS, [["stop", "-t", "3", "victim"]], codes=(3,)),
        "a short life": Life([], "echo up; exit 7", [["wait", "victim"]], codes=(7,)),
        "--rm": Life(["--rm", "-v", "/anonymous"], TRAPS, [["stop", "-t", "0", "victim"]]),
        "--rm, a short life": Life(["--rm"], "exit 7", [pause_for(0.05)], codes=(7,)),
        "restarted after failures": Life(["--restart", "on-failure:2"], "echo up; exit 3", [pause_for(0.45)], codes=(3,), judge=restarts_as_told),
        "stopped while it waits for its restart": Life(["--restart", "always"], "exit 3", [pause_for(0.15), ["stop", "-t", "0", "victim"]], codes=(3,)),
        "health checks": Life(health, TRAPS, [pause_for(0.15), ["healthcheck", "run", "victim"]]),
        "paused and thawed": Life([], TRAPS, [["pause", "victim"], ["unpause", "victim"], ["pause", "victim"], ["stop", "-t", "1", "victim"]], codes=(3,)),
        "paused": Life([], TRAPS, [["pause", "victim"]]),
        "thawed again": Life([], TRAPS, [["pause", "victim"], ["unpause", "victim"]]),
        "hooks": Life(["--hook-spec", f"{store.work}/hooks.json"], TRAPS, [["stop", "-t", "0", "victim"]], prepare=with_hooks),
        "a terminal": Life(["-it"], TRAPS, [["stop", "-t", "0", "victim"]]),
        "a log that rotates": Life(["--log-opt", "max-size=4k", "--log-opt", "max-file=50"], f"seq 1 500; {TRAPS}", [pause_for(0.03), ["stop", "-t", "0", "victim"]], judge=log_is_whole),
        "changed while it runs": Life(health, TRAPS, [["update", "--memory", "64m", "victim"], ["update", "--restart", "always", "victim"], ["update", "--restart", "no", "victim"], ["rename", "victim", "victim2"], ["rename", "victim2", "victim"]]),
    }


def cut_short(trace):
    """Its last call never returned."""
    return trace.endswith(" = ?\n")


def live_once(store, life, words):
    life.prepare(store)
    store.order(*words)
    ran = life.begin(store)
    life.go_on(store)
    return ran


def points_of(trace):
    """Each call in it, and its number among its like."""
    made = re.findall(r"^(\w+)\(", trace, re.MULTILINE)
    return [(call, number) for call in CALLS for number in range(1, made.count(call) + 1)]


def points_in(store, life, before):
    """Of an unharmed life."""
    ran = live_once(store, life, ["-e", f"trace={','.join(CALLS)}"])
    if not ran:
        raise Violation("it does not start under strace")
    afterwards(store, life, ran, before)
    return points_of(store.traced())


def kill_at_each(store, life, every, offset):
    tried, violations = 0, []
    before = store.footprint()
    for call, number in points_in(store, life, before)[offset % every::every]:
        ran = live_once(store, life, ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"])
        try:
            afterwards(store, life, ran, before)
            tried += cut_short(store.traced())
        except Violation as violation:
            violations.append(f"{call} {number}: {violation}")
            store("rm", "-af", "-t", "0")
            before = store.footprint()
    return tried, violations


def kill_the_next(store, every, _):
    """The monitor that takes over is killed, too."""
    life = Life(["--health-cmd", "true", "--health-interval", "30ms", "-p", "18999:80", "--network", "victims"], TRAPS, [])
    tried, violations = 0, []
    before = store.footprint()

    def once(words):
        life.begin(store)
        os.kill(store.state()["MonitorPid"], signal.SIGKILL)
        store.order(*words)
        store("container", "cleanup", "victim")
        time.sleep(0.04)
        eventually("it is there", lambda: store.exists())
        afterwards(store, life, True, before)
        return store.traced()
    for call, number in points_of(once(["-e", f"trace={','.join(CALLS)}"]))[::every]:
        try:
            tried += cut_short(once(["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"]))
        except Violation as violation:
            violations.append(f"{call} {number}: {violation}")
            store("rm", "-af", "-t", "0")
            before = store.footprint()
    return tried, violations


def both_killed_in_stop(store, rounds):
    """F4: who stops and the monitor both die; `stop -t 0` ends it."""
    violations, generator = [], random.Random(4)
    before = store.footprint()
    for _ in range(rounds):
        try:
            store.ok("run", "-d", "--name", "victim", "busybox", "sleep", "1000")  # does not mind SIGTERM
            monitor, init = store.state()["MonitorPid"], store.state()["Pid"]
            command = store.begin("stop", "-t", "5", "victim")
            time.sleep(generator.random() * 0.02)
            for pid in generator.sample([monitor, command.pid], 2):
                os.kill(pid, signal.SIGKILL)
            command.wait()
            if store.state()["Status"] not in ("running", "stopping") or not is_alive(init):
                raise Violation(f"after the kills it is {store.state()['Status']}")
            store.ok("stop", "-t", "0", "victim")
            state = store.state()
            if (state["Status"], state["ExitCode"]) != ("exited", 137) and "exit code" not in state["Error"]:
                raise Violation(f"after stop: {state}")
            check(store)
            remove_all(store, before)
        except Violation as violation:
            violations.append(str(violation))
            store("rm", "-af", "-t", "0")
    return rounds, violations


STORM = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGTSTP, signal.SIGTTIN,
         signal.SIGTTOU, signal.SIGCHLD, signal.SIGWINCH, signal.SIGCONT, signal.SIGSTOP]


def storm_on_monitor(store, rounds):
    """F5: what is sent to it besides SIGTERM and SIGKILL changes nothing, whenever it comes."""
    violations, generator = [], random.Random(5)
    before = store.footprint()
    store.ok("run", "-d", "--name", "victim", "--health-cmd", "true", "--health-interval", "50ms", "busybox", "sh", "-c", TRAPS)
    monitor = store.state()["MonitorPid"]
    for _ in range(rounds):
        command = store.begin("exec", "victim", "true")
        for number in generator.choices(STORM, k=20):
            os.kill(monitor, number)
            if number == signal.SIGSTOP:
                time.sleep(generator.random() * 0.005)
            os.kill(monitor, signal.SIGCONT)
        if command.wait(10) != 0:
            violations.append("exec failed")
    try:
        if store.state()["Status"] != "running" or store.state()["MonitorPid"] != monitor:
            raise Violation(f"the storm ended the monitor: {store.state()}")
        eventually("it is healthy", lambda: store.state()["Health"]["Status"] == "healthy")
        check(store)
        store.ok("stop", "-t", "5", "victim")
        if store.state()["ExitCode"] != 3:
            raise Violation(f"exit code {store.state()['ExitCode']}")
        remove_all(store, before)
    except Violation as violation:
        violations.append(str(violation))
        store("rm", "-af", "-t", "0")
    return 20 * rounds, violations


def storm_on_command(store, rounds):
    """F5: a command that is signalled ends or goes on; what it leaves is what a killed one leaves: nothing that matters."""
    violations, generator = [], random.Random(6)
    before = store.footprint()
    commands = [["run", "--name", "victim", "busybox", "sh", "-c", "sleep 0.05"], ["run", "-d", "--name", "victim", "busybox", "sleep", "1000"],
                ["create", "--name", "victim", "busybox", "true"], ["import", "-q", f"{store.work}/busybox.tar", "busybox"]]
    for number in range(rounds):
        command = store.begin(*commands[number % len(commands)])
        while command.poll() is None:
            time.sleep(generator.random() * 0.01)
            for sent in generator.choices(STORM + [signal.SIGTERM], k=3):
                command.send_signal(sent)
            command.send_signal(signal.SIGCONT)
        try:
            check(store)
            store.ok(*commands[-1])  # sweeps what its like has left
            remove_all(store, before)
        except Violation as violation:
            violations.append(f"{commands[number % len(commands)][0]}: {violation}")
            store("rm", "-af", "-t", "0")
            before = store.footprint()
    return rounds, violations


def killed_in_back_off(store, rounds):
    """F42: a crash loop whose monitor is killed again and again: each run is counted, none is started too often, stop is final."""
    violations, generator = [], random.Random(42)
    before = store.footprint()
    for _ in range(rounds):
        try:
            store.ok("run", "-d", "--name", "victim", "--restart", "always", "busybox", "sh", "-c", "echo up; exit 3")
            for _ in range(5):
                time.sleep(generator.random() * 0.15)
                for pid in monitors():
                    if f"process {pid}" not in before:
                        os.kill(pid, signal.SIGKILL)
                store.ok("start", "victim")
            store.ok("stop", "victim")
            count, runs = store.inspect()["RestartCount"], store.ok("logs", "victim").count("up")
            if runs > count + 1:
                raise Violation(f"{runs} runs, {count} restarts")
            time.sleep(0.3)
            if store.state()["Status"] != "exited" or store.inspect()["RestartCount"] != count:
                raise Violation("it was started after stop")
            check(store)
            remove_all(store, before)
        except (Violation, ProcessLookupError) as violation:
            violations.append(str(violation))
            store("rm", "-af", "-t", "0")
    return 5 * rounds, violations


def crash_loops(store, loops):
    """F42: many at once, to their end: each run is started once, no earlier than the back-off says, and the last code is kept."""
    violations, tries, before = [], 5, store.footprint()
    names = [f"loop{n}" for n in range(loops)]
    try:
        for name in names:
            store.ok("run", "-d", "--name", name, "--restart", f"on-failure:{tries}", "busybox", "sh", "-c", "echo up; exit 3")
        for name in names:
            eventually(f"{name} gave up", lambda name=name: store.state(name)["Status"] == "exited", limit=30)
            container = store.inspect(name)
            starts = [datetime.datetime.fromisoformat(line.split()[0][:26] + "+00:00") for line in store.ok("logs", "-t", name).splitlines()]
            if len(starts) != tries + 1 or container["RestartCount"] != tries or container["State"]["ExitCode"] != 3:
                violations.append(f"{name}: {len(starts)} runs, {container['RestartCount']} restarts, exit code {container['State']['ExitCode']}")
            for number, (start, following) in enumerate(zip(starts, starts[1:])):
                if (following - start).total_seconds() < 0.1 * 2 ** number - 0.01:
                    violations.append(f"{name}: run {number + 2} came {(following - start).total_seconds():.3f} s after the one before")
        check(store)
        remove_all(store, before)
    except Violation as violation:
        violations.append(str(violation))
        store("rm", "-af", "-t", "0")
    return loops * tries, violations


def main():
    args = arguments(__doc__, traced_monitor={"required": True}, every=EVERY, rounds={"type": int, "default": 100})
    store = Traced(args.kist, args.traced_monitor)
    try:
        store.ok("network", "create", "victims")
        few = max(2, args.rounds // 10)
        cases = [(f"killed at each step: {name}", lambda life=life, n=n: kill_at_each(store, life, args.every, n)) for n, (name, life) in enumerate(lives(store).items())]
        cases += [("killed at each step: taking over", lambda: kill_the_next(store, args.every, 0)),
                  ("F4 the monitor and who stops both killed", lambda: both_killed_in_stop(store, args.rounds)),
                  ("F5 a storm of signals on the monitor", lambda: storm_on_monitor(store, args.rounds)),
                  ("F5 a storm of signals on commands", lambda: storm_on_command(store, args.rounds)),
                  ("F42 killed in the back-off of a crash loop", lambda: killed_in_back_off(store, few)),
                  ("F42 crash loops to their end", lambda: crash_loops(store, args.rounds))]
        cases = chosen(args, dict(cases))
        report = Report("kill_monitor", len(cases))
        for name, case in cases.items():
            report.case(name, *case(), unit="points")
    finally:
        store.close()
    return report.end()


if __name__ == "__main__":
    sys.exit(main())

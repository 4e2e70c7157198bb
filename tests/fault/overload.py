#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Containers that misuse what they have, and processes that die or hang at the wrong moment (SECURITY F3, F15, F17, F19 to F21, F41).

    tests/fault/overload.py --kist PATH --attacker PATH [--rounds N] [--only TEXT]

Init, one process or all of them killed; the holder of a lock killed or stopped; process ids used again by others; fork bombs; memory
bombs; freezes that race with ends. Speaks TAP; each case prints its rounds, violations and figures.
"""
import argparse
import datetime
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from invariants import Report, Store, Violation, arguments, check, chosen, eventually, image_of, pids, proc, remove_all  # noqa: E402

POLITE = "trap 'exit 3' TERM; while :; do sleep 0.05; done"


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def in_rounds(store, rounds, act):
    """Violations of `rounds` calls, after each of which all is removed and looked at."""
    violations, before = [], store.footprint()
    for number in range(rounds):
        try:
            act(number)
            check(store)
            remove_all(store, before)
        except (Violation, OSError) as violation:
            violations.append(f"round {number}: {violation}")
            store("rm", "-af", "-t", "0")
    return violations


def cgroup_of(store, container, hierarchy):
    own = f"/sys/fs/cgroup/{hierarchy}{store.parent}/{container['Id']}"
    return own if os.path.isdir(own) else f"/sys/fs/cgroup{store.parent}/{container['Id']}"


def members(store, container):
    with open(f"{cgroup_of(store, container, 'pids')}/cgroup.procs", encoding="ascii") as file:
        return [int(pid) for pid in file.read().split()]


def hook_spec(store, name, script):
    """A poststop hook with that script; the option for it."""
    folder = f"{store.work}/root/hooks"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/{name}", "w", encoding="ascii") as file:
        file.write("#!/bin/sh\n" + script)
    os.chmod(f"{folder}/{name}", 0o700)
    spec = f"{store.work}/{name}.json"
    with open(spec, "w", encoding="ascii") as file:
        json.dump({"poststop": [{"path": f"{folder}/{name}", "args": [name], "env": ["PATH=/usr/bin:/bin"], "timeout": 5}]}, file)
    os.chmod(spec, 0o600)
    return ["--hook-spec", spec]


def killed_processes(store, rounds):
    """F3: from the death to its record."""
    log, took = f"{store.work}/poststop.log", []
    options = hook_spec(store, "once", f"echo ran >>{log}\n")
    generator = random.Random(3)

    def act(number):
        if os.path.exists(log):
            os.unlink(log)
        store.ok("run", "-d", "--name", "victim", "-p", "18998:80", *options, "busybox", "sh", "-c", "sleep 1000 & sleep 1000 & sleep 1000 & wait")
        container = store.inspect()
        init = container["State"]["Pid"]
        eventually("its processes run", lambda: len(members(store, container)) == 4)
        everybody = members(store, container)
        victims = [[init], [generator.choice([pid for pid in everybody if pid != init])], everybody][number % 3]
        start = time.monotonic()
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:  # it died with its init
                pass
        if init in victims:
            record = f"{store.work}/root/containers/{container['Id']}/exit.json"
            while not os.path.exists(record) and time.monotonic() < start + 5:
                time.sleep(0.0005)
            took.append(time.monotonic() - start)
            code = store.ok("wait", "victim")
        else:
            if store.state()["Status"] != "running":
                raise Violation("the death of one process ended the container")
            store.ok("stop", "-t", "0", "victim")
            code = str(store.state()["ExitCode"])
        if code != "137":
            raise Violation(f"exit code {code}")
        with open(log, encoding="ascii") as file:
            ran = len(file.readlines())
        if ran != 1:
            raise Violation(f"poststop ran {ran} times")
        deaths = store.ok("events", "--stream=false", "--since", "1m", "--filter", "container=" + container["Id"], "--filter", "event=die").splitlines()
        if len(deaths) != 1:
            raise Violation(f"{len(deaths)} events of its end")
    violations = in_rounds(store, rounds, act)
    return rounds, violations, f"from death to record p50 {percentile(took, 0.5) * 1000:.1f} ms, p99 {percentile(took, 0.99) * 1000:.1f} ms"


class StoppedCommand:
    """A command that strace stops at its number-th `call`; killed at the end."""

    def __init__(self, store, call, number, words):
        trace = f"{store.work}/stopped"
        self.tracer = subprocess.Popen(["strace", "-q", "-o", trace, "-e", f"trace={call}", "-e", f"inject={call}:signal=STOP:when={number}", *store.argv, *words],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def is_stopped():
            with open(trace, encoding="ascii", errors="replace") as file:
                return "stopped by SIGSTOP" in file.read()
        eventually("it is stopped", lambda: os.path.exists(trace) and is_stopped())
        os.unlink(trace)
        self.pid = next(pid for pid in pids() if proc(pid, "stat").rpartition(")")[2].split()[1:2] == [str(self.tracer.pid)])

    def __enter__(self):
        return self

    def kill(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            self.pid = 0

    def __exit__(self, *_):
        self.kill()
        self.tracer.wait()


def lock_holder_killed(store, rounds):
    """F15: who waits for a lock goes on as soon as its holder is dead."""
    waits = []

    def act(_):
        store.ok("create", "--name", "victim", "busybox", "true")
        with StoppedCommand(store, "renameat", 1, ["rename", "victim", "other"]) as holder:
            waiter = store.begin("rename", "victim", "third")
            time.sleep(0.05)
            if waiter.poll() is not None:
                raise Violation("the lock was not held")
            start = time.monotonic()
            holder.kill()
            if waiter.wait(10) != 0:
                raise Violation("it waited, and then failed")
            waits.append(time.monotonic() - start)
    violations = in_rounds(store, rounds, act)
    return rounds, violations, f"waited p99 {percentile(waits, 0.99) * 1000:.1f} ms after the death"


class StoppedHolder(threading.Thread):
    """F15: the holder of a lock hangs: who waits gives up after a minute, and names it. Runs beside the other cases."""

    def __init__(self, kist):
        super().__init__()
        self.store, self.violations, self.seconds = Store(kist), [], 0.0
        self.start()

    def run(self):
        store = self.store
        try:
            store.ok("create", "--name", "victim", "busybox", "true")
            with StoppedCommand(store, "renameat", 1, ["rename", "victim", "other"]) as holder:
                start = time.monotonic()
                result = store("start", "victim", timeout=90)
                self.seconds = time.monotonic() - start
                if result.returncode == 0 or f"pid {holder.pid} (" not in result.stderr or "rename victim other" not in result.stderr:
                    raise Violation(f"after {self.seconds:.0f} s: exit {result.returncode}: {result.stderr.strip()}")
                store.ok("ps", "-a", timeout=5)  # readers wait for nobody
                store.ok("inspect", "victim", timeout=5)
            store.ok("rm", "-af")
        except Violation as violation:
            self.violations.append(str(violation))

    def result(self):
        self.join()
        shutil.rmtree(self.store.work)  # the bridge is the other store's
        return 1, self.violations, f"gave up after {self.seconds:.0f} s"


def reuse(pid, tries=4000):
    """Forks until a process of ours has that number: a victim, alive."""
    for _ in range(tries):
        child = os.fork()
        if child == 0:
            if os.getpid() == pid:
                os.execvp("sleep", ["sleep", "1000"])
            os._exit(0)
        if child == pid:
            return child
        os.waitpid(child, 0)
    raise OSError(f"pid {pid} did not come back")


def reused_pids(store, rounds):
    """F17: init and monitor are dead, and their numbers are those of others: no command touches them."""
    for _ in range(400):  # numbers below 300 do not come back
        os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
    commands = [["stop", "-t", "0", "victim"], ["kill", "victim"], ["exec", "victim", "true"], ["rm", "-f", "-t", "0", "victim"], ["pause", "victim"], ["container", "cleanup", "victim"],
                ["ps", "-a"], ["restart", "-t", "0", "victim"], ["top", "victim"], ["logs", "victim"], ["stats", "--no-stream", "victim"], ["update", "--memory", "64m", "victim"], ["system", "check", "--repair"]]
    reused = [0]

    def act(number):
        store.ok("run", "-d", "--name", "victim", "--health-cmd", "true", "busybox", "sleep", "1000")
        state = store.state()
        for pid in (state["MonitorPid"], state["Pid"]):
            os.kill(pid, signal.SIGKILL)
        eventually("they are dead", lambda: not os.path.exists(f"/proc/{state['Pid']}") and not os.path.exists(f"/proc/{state['MonitorPid']}"))
        victims = [reuse(state["Pid"]), reuse(state["MonitorPid"])]
        reused[0] += len(victims)
        try:
            if store.state()["Status"] != "exited":
                raise Violation(f"a foreign process is taken for it: {store.state()}")
            store(*commands[number % len(commands)])
            store("container", "cleanup", "--all")
            store("rm", "-af", "-t", "0")
            for pid in victims:
                if os.waitpid(pid, os.WNOHANG) != (0, 0) or proc(pid, "stat").rsplit(")", 1)[1].split()[0] == "T":
                    raise Violation(f"{commands[number % len(commands)][0]} signalled a foreign process")
        finally:
            for pid in victims:
                os.kill(pid, signal.SIGKILL)
            for pid in victims:
                try:
                    os.waitpid(pid, 0)
                except ChildProcessError:
                    pass
    violations = in_rounds(store, rounds, act)
    return reused[0], violations, f"{reused[0]} numbers used again"


def with_small_pid_max(args):
    """The same program in a pid namespace of its own, whose numbers soon come round. Before Linux 6.14 pid_max is that of the whole host."""
    if tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2]) < (6, 14):
        return None
    inner = " ".join([sys.executable, os.path.abspath(__file__), "--kist", args.kist, "--attacker", args.attacker, "--rounds", str(args.rounds), "--in-small-namespace"])
    result = subprocess.run(["unshare", "-pfn", "--mount-proc", "--kill-child", "bash", "-c", f"ip link set lo up; echo 400 >/proc/sys/kernel/pid_max && {inner}; exit $?"], stdout=subprocess.PIPE, text=True)
    lines = result.stdout.splitlines()
    tried, violations, figures = json.loads(lines[-1]) if lines else (0, [], "")
    return tried, violations + [f"exit code {result.returncode}"] * (result.returncode != 0), figures


def fork_bombs(store, attacker, rounds):
    """F19: the limit of processes holds, the host answers, and stop works in time."""
    took, latency, counts = [], [], []
    image_of(store, attacker)

    def act(_):
        names = [f"bomb{n}" for n in range(3)]
        for name in names:
            store.ok("run", "-d", "--name", name, "--pids-limit", "200", "attacker", "attacker", "fork")
        time.sleep(0.5)
        for name in names:
            with open(f"{cgroup_of(store, store.inspect(name), 'pids')}/pids.current", encoding="ascii") as file:
                counts.append(int(file.read()))
            if counts[-1] > 200:
                raise Violation(f"{counts[-1]} processes")
        start = time.monotonic()
        subprocess.run(["true"], check=True)
        latency.append(time.monotonic() - start)
        for name in names:
            start = time.monotonic()
            store.ok("stop", "-t", "1", name)
            took.append(time.monotonic() - start)
            if took[-1] > 3:
                raise Violation(f"stop took {took[-1]:.1f} s")
    violations = in_rounds(store, rounds, act)
    return 3 * rounds, violations, f"{min(counts, default=0)} to {max(counts, default=0)} processes of 200, stop -t 1 took at most {max(took, default=0):.1f} s, `true` on the host {max(latency, default=0) * 1000:.0f} ms"


def memory_bombs(store, rounds):
    """F20: of init from its first moment, in its own memory or a tmpfs; of a child, of an exec."""
    reported, children = [0], [0]
    fill = "tail /dev/zero"
    fill_tmpfs = "dd if=/dev/zero of=/dev/shm/bomb bs=1M"

    def act(number):
        kind = number % 5
        if kind == 3:
            store.ok("run", "-d", "--name", "victim", "-m", "16m", "busybox", "sh", "-c", f"{fill}; exit 5")
            code = store.ok("wait", "victim")
            children[0] += 1
            if code != "5":
                raise Violation(f"a child's end made the exit code {code}")
        elif kind == 2:
            store.ok("run", "-d", "--name", "victim", "-m", "16m", "busybox", "sleep", "1000")
            children[0] += 1
            if store("exec", "victim", *fill.split()).returncode != 137:
                raise Violation("the exec was not killed")
            if store.state()["Status"] != "running":
                raise Violation("the end of an exec ended the container")
        else:
            store.ok("run", "-d", "--name", "victim", "-m", "16m", "busybox", *(fill_tmpfs if kind == 4 else fill).split())
            code = store.ok("wait", "victim")
            state = store.state()
            if code != "137" or not state["OOMKilled"]:
                raise Violation(f"exit code {code}, OOMKilled {state['OOMKilled']}")
            reported[0] += 1
    violations = in_rounds(store, rounds, act)
    return rounds, violations, f"{reported[0]} of {reported[0] + len(violations)} reported as OOMKilled, {children[0]} of a child or exec"


def freezes(store, rounds):
    """F21: pause and unpause at the same time as ends, stops and each other: nothing hangs, and stop ends it."""
    generator = random.Random(21)
    hogs = ["while :; do :; done", POLITE, "while :; do dd if=/dev/zero of=/big bs=1M count=8 conv=fsync; done"]
    verbs = [["pause", "victim"], ["unpause", "victim"], ["exec", "victim", "true"], ["stop", "-t", "1", "victim"], ["kill", "victim"], ["restart", "-t", "0", "victim"]]

    def act(number):
        store.ok("run", "-d", "--name", "victim", "busybox", "sh", "-c", hogs[number % len(hogs)])
        commands = [store.begin(*verbs[0]), store.begin(*verbs[1]), store.begin(*generator.choice(verbs)), store.begin(*generator.choice(verbs))]
        # An exec into a frozen container waits for its thaw.
        limit = time.monotonic() + 15
        while any(command.poll() is None for command in commands) and time.monotonic() < limit:
            if store.state()["Status"] == "paused":
                store("unpause", "victim")
            time.sleep(0.02)
        hung = [command.args[len(store.argv):] for command in commands if command.poll() is None]
        for command in commands:
            if command.poll() is None:
                command.kill()
                command.wait()
        if hung:
            raise Violation(f"hangs: {hung}")
        store("pause", "victim")
        start = time.monotonic()
        store.ok("stop", "-t", "1", "victim")
        if time.monotonic() - start > 3 or store.state()["Status"] != "exited":
            raise Violation(f"stop of a frozen one took {time.monotonic() - start:.1f} s: {store.state()['Status']}")
    return rounds, in_rounds(store, rounds, act), ""


def checks_under_load(store, rounds):
    """F41: while the container floods its log and has no processor to spare: no check is missed, none begins before the last has ended."""
    interval, most_kept = 0.2, 100  # of --health-max-log-count
    rounds = min(rounds, most_kept)

    def act(_):
        store.ok("run", "-d", "--name", "victim", "--health-cmd", "true", "--health-interval", f"{int(interval * 1000)}ms",
                 "--health-max-log-count", str(most_kept), "--log-opt", "max-size=1m", "busybox", "sh", "-c", "yes flood & while :; do :; done")
        time.sleep(interval * rounds)
        log = store.state()["Health"]["Log"]
        store.ok("stop", "-t", "0", "victim")
        times = [[datetime.datetime.fromisoformat(entry[name][:26] + "+00:00").timestamp() for name in ("Start", "End")] for entry in log]
        failed = [entry for entry in log if entry["ExitCode"] != 0]
        if failed:
            raise Violation(f"{len(failed)} of {len(log)} checks failed: {failed[0]}")
        overlaps = sum(later[0] < earlier[1] for earlier, later in zip(times, times[1:]))
        if overlaps:
            raise Violation(f"{overlaps} checks began before the last one had ended")
        took = sum(end - start for start, end in times)
        # From the end of one to the begin of the next it is one interval.
        late = [later[0] - earlier[1] - interval for earlier, later in zip(times, times[1:])]
        drift.append((percentile(late, 0.5), max(late), len(times), took))
        if len(times) < 2 or len(times) + took / interval < 0.5 * rounds:
            raise Violation(f"{len(times)} checks in {interval * rounds:.0f} s, which took {took:.1f} s")
    drift = []
    violations = in_rounds(store, 1, act)
    figures = "".join(f"{count} checks, begun {middle * 1000:.1f} ms late (p50), at most {most * 1000:.0f} ms" for middle, most, count, _ in drift)
    return rounds, violations, figures


def main():
    args = arguments(__doc__, attacker={"required": True, "help": "the program of tests/security"}, rounds={"type": int, "default": 200},
                     in_small_namespace={"action": "store_true", "help": argparse.SUPPRESS})
    kist = args.kist
    if args.in_small_namespace:
        store = Store(kist)
        try:
            print(json.dumps(reused_pids(store, args.rounds)))
        finally:
            store.close()
        return 0
    few = max(1, args.rounds // 10)
    cases = {
        "F3 init, one process or all of them killed": lambda: killed_processes(store, args.rounds),
        "F15 the holder of a lock killed": lambda: lock_holder_killed(store, few),
        "F17 process ids used again": lambda: with_small_pid_max(args),
        "F19 fork bombs": lambda: fork_bombs(store, args.attacker, max(1, few // 2)),
        "F20 memory bombs": lambda: memory_bombs(store, args.rounds),
        "F21 freezes that race": lambda: freezes(store, args.rounds // 2),
        "F41 health checks under load": lambda: checks_under_load(store, args.rounds),
        "F15 the holder of a lock hangs": lambda: hanging.result(),
    }
    cases = chosen(args, cases)
    store = Store(kist)
    hanging = StoppedHolder(kist) if any("hangs" in name for name in cases) else None
    report = Report("overload", len(cases))
    try:
        for name, case in cases.items():
            answer = case()
            if answer is None:
                report.skip(name, "this kernel has one pid_max for all namespaces")
            else:
                tried, violations, figures = answer
                report.case(name, tried, violations, figures=figures)
    finally:
        store.close()
    return report.end()


if __name__ == "__main__":
    sys.exit(main())

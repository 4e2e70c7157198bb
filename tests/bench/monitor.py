#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One container's monitor over a long life: what it weighs and how often it wakes up when nothing happens, and what is left of
many execs, health checks and gigabytes of log. Exits with 1 when a budget is broken.

    tests/bench/monitor.py --kist build-release/src/cli/kist [--times 10000] [--gigabytes 10] [--seconds 60]

Needs root.
"""
import argparse
import shutil
import sys
import time

import bench
from bench import check

#: The whole budget of an idle monitor, with its share of the program (bench.py memory).
MOST_KIB = 350
#: An allocator's and the page tables' share that may stay after much work.
MOST_GROWTH_KIB = 32


def wakeups(pid):
    """Times that the process has gone to sleep or was put aside, so far."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)


def own_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Pss_Anon:"))


class Measured:
    def __init__(self, engine, *options):
        self.engine = engine
        self.container = check(engine("run", "-d", "--stop-signal", "KILL", *engine.run_options, *options))
        time.sleep(1)  # what belongs to the start has gone to sleep
        self.pid = int(check(engine("inspect", "-f", "{{.State.MonitorPid}}", self.container)))

    def weight(self):
        """KiB that are its own: what the program's file takes is shared with all other monitors (bench.py has that)."""
        time.sleep(1)
        return own_kib(self.pid)

    def remove(self):
        check(self.engine("rm", "-f", "-t", "0", self.container))


def repeat(engine, words, times):
    for _ in range(times):
        check(engine(*words))


def measure_idle(engine, args):
    idle = Measured(engine, "busybox", "sleep", "100000")
    before = wakeups(idle.pid)
    time.sleep(args.seconds)
    woken = wakeups(idle.pid) - before
    weight = idle.weight()
    idle.remove()
    return "idle", weight, f"{woken} wake-ups in {args.seconds} s", woken == 0


def measure_execs(engine, args):
    busy = Measured(engine, "busybox", "sleep", "100000")
    first = busy.weight()
    repeat(engine, ["exec", busy.container, "true"], args.times)
    weight = busy.weight()
    busy.remove()
    return f"{args.times} execs", weight, f"{first} KiB before", weight <= first + MOST_GROWTH_KIB


def measure_checks(engine, args):
    checked = Measured(engine, "--health-cmd", "true", "--health-interval", "1h", "busybox", "sleep", "100000")
    check(engine("healthcheck", "run", checked.container))
    first = checked.weight()
    repeat(engine, ["healthcheck", "run", checked.container], args.times)
    weight = checked.weight()
    checked.remove()
    return f"{args.times} health checks", weight, f"{first} KiB before", weight <= first + MOST_GROWTH_KIB


def measure_log(engine, args):
    lines = args.gigabytes * 1000000000 // 72
    writer = f"head -c 72 /dev/zero | tr '\\0' x | sed 's/x$//' >/line; yes \"$(cat /line)\" | head -n {lines}; echo end >/end; sleep 100000"
    logged = Measured(engine, "busybox", "sh", "-c", writer)
    started, first = time.monotonic(), own_kib(logged.pid)
    while bench.run(engine("exec", logged.container, "test", "-e", "/end")).returncode != 0:
        time.sleep(1)
    seconds = time.monotonic() - started
    weight = logged.weight()
    logged.remove()
    return f"{args.gigabytes} GB of log", weight, f"in {seconds:.0f} s; {first} KiB under way", True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kist", default=f"{bench.TOP}/build-release/src/cli/kist")
    parser.add_argument("--times", type=int, default=10000)
    parser.add_argument("--gigabytes", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=60)
    args = parser.parse_args()
    work, tar = bench.begin(args)
    engine = bench.kist(args, work, tar)
    broken = False
    try:
        print("| after | own memory, KiB | |\n|---|---|---|")
        for measure in (measure_idle, measure_execs, measure_checks, measure_log):
            name, weight, remark, good = measure(engine, args)
            print(f"| {name} | {weight} | {remark} |", flush=True)
            broken = broken or not good or weight > MOST_KIB
    finally:
        engine.close()
        shutil.rmtree(work, ignore_errors=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

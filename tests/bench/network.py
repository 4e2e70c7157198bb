#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Networks of kist beside those of podman and docker, in one run: starts on a bridge, with ports, with 500 neighbours; the
name service under load; TCP through the bridge and through a published port.

    tests/bench/network.py --kist build-release/src/cli/kist [--rounds 20] [--only NAME,…] [--peers podman,docker] [--neighbours 500]

Needs root, iperf3, and nobody else's kist on the host. A network namespace behind a veth pair is the client outside.
"""
import argparse
import json
import shutil
import subprocess
import sys
import time

import bench
from bench import check, interleaved, run, timed

HOST, CLIENT = "198.51.100.1", "198.51.100.2"
# The host's iperf3 in the containers' busybox.
PROGRAMS = ["-v", "/usr:/usr:ro", "-v", "/lib:/lib:ro", "-v", "/lib64:/lib64:ro"]


def bridge_words(engine, *words):
    """`run` on the engine's default network, without the `--network none` of the other benches."""
    options = [word for word in engine.run_options if word not in ("--network", "none")]
    return engine.argv + ["run"] + options + list(words)


def bench_bridge(*options):
    def bench_it(engines, rounds, _):
        return interleaved({e.name: (lambda e=e: timed(bridge_words(e, "--rm", *options, "busybox", "true"))) for e in engines}, rounds)
    return bench_it


def bench_range(engines, rounds, _):
    """Docker starts a process for each port: twice is enough for the peers."""
    options = ["--rm", "-p", "30000-30999:30000-30999", "busybox", "true"]
    results = {}
    for engine in engines:
        job = {"job": lambda e=engine: timed(bridge_words(e, *options))}
        try:
            results[engine.name] = interleaved(job, rounds if engine.name == "kist" else 2)["job"]
        except RuntimeError as error:  # podman opens a socket a port, and hands its limit of open files on to crun
            print(f"left out: {engine.name}: {error}", file=sys.stderr)
    return results


def bench_crowded(engines, rounds, neighbours):
    """The same start beside containers that publish a port each. Of kist also the ratio to a start without them."""
    results = {}
    for engine in engines:
        count = neighbours if engine.name == "kist" else min(neighbours, 50)
        for i in range(count):
            check(bridge_words(engine, "-d", "--stop-signal", "KILL", "-p", f"{20000 + i}:80", "busybox", "sleep", "10000"))
        job = {"job": lambda e=engine: timed(bridge_words(e, "--rm", "-p", "18080:80", "busybox", "true"))}
        results[engine.name] = interleaved(job, rounds)["job"]
        engine.close()
    return results


def bench_names(engines, _rounds, _):
    """p99 in ms of 5000 questions, 1000 a second, for a neighbour's name."""
    asker = r"""
import os, socket, struct, sys, time
query = b"\1\0\0\1\0\0\0\0\0\0\6target\0\0\1\0\1"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2); s.connect((sys.argv[1], 53))
times, due = [], time.perf_counter()
for n in range(5000):
    due += 0.001
    while time.perf_counter() < due: pass
    start = time.perf_counter(); s.send(struct.pack(">H", n) + query); answer = s.recv(2048)
    times.append(time.perf_counter() - start)
    assert answer[6:8] != b"\0\0", "no answer"
print(sorted(times)[4950] * 1000)
"""
    results = {}
    for engine in engines:
        check(engine("network", "create", "bench-names"))
        for name in ("target", "asker"):
            check(bridge_words(engine, "-d", "--stop-signal", "KILL", "--network", "bench-names", "--name", name, "busybox", "sleep", "1000"))
        server = check(engine("exec", "asker", "sed", "-n", "s/^nameserver //p", "/etc/resolv.conf")).split()[0]
        pid = check(engine("inspect", "-f", "{{.State.Pid}}", "asker"))
        try:
            results[engine.name] = float(check(["nsenter", "-t", pid, "-n", "/usr/bin/python3", "-c", asker, server]))
        except RuntimeError:  # podman without its plugin for names asks the host's server
            print(f"left out: {engine.name}: knows no neighbours", file=sys.stderr)
        engine.close()
        run(engine("network", "rm", "bench-names"))
    return results


def gbits(argv):
    figures = json.loads(check(argv))
    return figures["end"]["sum_received"]["bits_per_second"] / 1e9


def bench_out(engines, rounds, _):
    """Container to the host outside, Gbit/s."""
    server = subprocess.Popen(["ip", "netns", "exec", "kist-bench", "iperf3", "-s", "-p", "5301"], stdout=subprocess.DEVNULL)
    time.sleep(0.5)
    try:
        return interleaved({e.name: (lambda e=e: gbits(bridge_words(e, "--rm", *PROGRAMS, "busybox", "/usr/bin/iperf3", "-J", "-t", "2", "-c", CLIENT, "-p", "5301")))
                            for e in engines}, max(3, rounds // 5))
    finally:
        server.kill()
        server.wait()


def bench_in(engines, rounds, _):
    """From outside through a published port, Gbit/s."""
    ports = {}
    for number, engine in enumerate(engines):
        ports[engine.name] = str(5311 + number)
        check(bridge_words(engine, "-d", "--stop-signal", "KILL", "-p", f"{ports[engine.name]}:5201", *PROGRAMS, "busybox", "/usr/bin/iperf3", "-s"))
    time.sleep(1)
    try:
        return interleaved({e.name: (lambda e=e: gbits(["ip", "netns", "exec", "kist-bench", "iperf3", "-J", "-t", "2", "-c", HOST, "-p", ports[e.name]]))
                            for e in engines}, max(3, rounds // 5))
    finally:
        for engine in engines:
            engine.close()


BENCHES = {
    "bridge": ("`run --rm busybox true` on the default bridge, ms", bench_bridge()),
    "port": ("the same with `-p 18080:80`, ms", bench_bridge("-p", "18080:80")),
    "range": ("the same with `-p 30000-30999:30000-30999`, ms", bench_range),
    "crowded": ("the same with `-p`, beside {} containers with a port each (peers: 50), ms", bench_crowded),
    "names": ("name of a neighbour, p99 at 1000 questions a second, ms", bench_names),
    "out": ("TCP from a container to another host, Gbit/s (more is better)", bench_out),
    "in": ("TCP from another host through a published port, Gbit/s (more is better)", bench_in),
}


def outside():
    for words in (["netns", "add", "kist-bench"], ["link", "add", "kbench", "type", "veth", "peer", "name", "eth0", "netns", "kist-bench"],
                  ["addr", "add", f"{HOST}/24", "dev", "kbench"], ["link", "set", "kbench", "up"],
                  ["-n", "kist-bench", "addr", "add", f"{CLIENT}/24", "dev", "eth0"], ["-n", "kist-bench", "link", "set", "eth0", "up"]):
        check(["ip", *words])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kist", default=f"{bench.TOP}/build-release/src/cli/kist")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--neighbours", type=int, default=500)
    parser.add_argument("--only", default=",".join(BENCHES))
    parser.add_argument("--peers", default="podman,docker")
    args = parser.parse_args()
    work, tar = bench.begin(args)
    engines, results = [bench.kist(args, work, tar)], {}
    try:
        outside()
        for name in filter(None, args.peers.split(",")):
            try:
                engines.append({"podman": bench.podman, "docker": bench.docker}[name](args, work, tar))
                check(bridge_words(engines[-1], "--rm", "busybox", "true"))
            except RuntimeError as error:
                print(f"left out: {name}: {error}", file=sys.stderr)
                engines = [engine for engine in engines if engine.name != name]
        for key in args.only.split(","):
            results[key] = BENCHES[key][1](engines, args.rounds, args.neighbours)
            print(f"{key}: " + ", ".join(f"{n} {v:.2f}" for n, v in results[key].items()), file=sys.stderr)
        titles = {key: (title.format(args.neighbours), job) for key, (title, job) in BENCHES.items()}
        bench.print_table(results, [e.name for e in engines], titles)
    finally:
        for engine in engines:
            engine.close()
        run(engines[0]("network", "prune", "-f"))
        run(["ip", "netns", "del", "kist-bench"])
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kist beside the programs it is measured against, in one run: interleaved rounds, medians, ratios to kist.

    tests/bench/bench.py --kist build-release/src/cli/kist [--rounds 20] [--only NAME,…] [--json FILE] [--peers podman,crun]

Needs root. Each contestant gets its own store in a temporary folder and the same busybox root filesystem. A contestant
that is missing or cannot run here is named with the reason and left out.
"""
import argparse
import ctypes
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run(argv, **kwargs):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs)


def check(argv, **kwargs):
    result = run(argv, **kwargs)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {result.stderr.strip() or result.returncode}")
    return result.stdout.strip()


def begin(args):
    """What every bench starts with: a folder (in TMPDIR or /var/tmp), which the caller removes, and busybox's root as an archive in it. SIGTERM
    ends it by way of its clean-up."""
    args.kist = os.path.abspath(args.kist)
    if os.geteuid() != 0:
        sys.exit(f"{os.path.basename(sys.argv[0])}: must be run as root")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    work = tempfile.mkdtemp(prefix="kist-bench.", dir=os.environ.get("TMPDIR", "/var/tmp"))
    tar = f"{work}/busybox.tar"
    check(["bash", "-c", f". {TOP}/contrib/lib.sh; busybox_tar {tar}"])
    return work, tar


class Engine:
    """A contestant that speaks the docker command line: a name and the words its commands start with."""

    def __init__(self, name, argv, run_options):
        self.name = name
        self.argv = argv
        self.run_options = run_options

    def __call__(self, *words):
        return self.argv + list(words)

    def run_words(self, *words):
        return self.argv + ["run"] + self.run_options + list(words)

    def close(self):
        run(self("rm", "-af") if self.name != "docker" else ["sh", "-c", "docker ps -aq | xargs -r docker rm -f"])


def kist(args, work, tar):
    engine = Engine("kist", [args.kist, "--root", f"{work}/kist", "--runroot", f"{work}/kist-run"], ["--network", "none"])
    check(engine("import", "--quiet", tar, "busybox"))
    return engine


def podman(args, work, tar):
    if not shutil.which("podman"):
        raise RuntimeError("not installed")
    # Without CAP_SYS_RESOURCE Podman's own default of 1048576 open files cannot be set.
    config = f"{work}/containers.conf"
    with open(config, "w", encoding="utf-8") as file:
        file.write('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n')
    os.environ["CONTAINERS_CONF"] = config
    runtime = ["--runtime", args.podman_runtime] if getattr(args, "podman_runtime", "") else []
    engine = Engine("podman", ["podman", *runtime, "--root", f"{work}/podman", "--runroot", f"{work}/podman-run", "--storage-driver", "overlay"],
                    ["--network", "none", "--security-opt", "apparmor=unconfined"])
    check(engine("import", "--quiet", tar, "busybox"))
    check(engine.run_words("--rm", "busybox", "true"))
    return engine


def docker(_, work, tar):
    if run(["docker", "info"]).returncode != 0:
        raise RuntimeError("no docker daemon answers")
    engine = Engine("docker", ["docker"], ["--network", "none"])
    check(engine("import", tar, "busybox"))
    check(engine.run_words("--rm", "busybox", "true"))
    return engine


class Runtime:
    """A bare OCI runtime: `run` of a bundle, nothing else."""

    def __init__(self, name, work, tar, program=None):
        self.program = program or name
        if not shutil.which(self.program):
            raise RuntimeError("not installed")
        self.name = name
        self.bundle = f"{work}/{name}-bundle"
        os.makedirs(f"{self.bundle}/rootfs")
        check(["tar", "-C", f"{self.bundle}/rootfs", "-xf", tar])
        check([self.program, "spec"], cwd=self.bundle)
        with open(f"{self.bundle}/config.json", encoding="utf-8") as file:
            spec = json.load(file)
        spec["process"]["terminal"] = False
        spec["process"]["args"] = ["true"]
        spec["process"].pop("rlimits", None)
        with open(f"{self.bundle}/config.json", "w", encoding="utf-8") as file:
            json.dump(spec, file)
        self.root = f"{work}/{name}-state"
        result = run(self.run_argv("probe"))
        if result.returncode != 0:
            raise RuntimeError(result.stderr.strip().splitlines()[-1] if result.stderr.strip() else "failed")

    def run_argv(self, name):
        return self("run", "--bundle", self.bundle, f"{name}-{os.getpid()}")

    def configure(self, *, args=("true",), seccomp=None):
        with open(f"{self.bundle}/config.json", encoding="utf-8") as file:
            spec = json.load(file)
        spec["process"]["args"] = list(args)
        spec["linux"].pop("seccomp", None)
        if seccomp:
            spec["linux"]["seccomp"] = seccomp
        with open(f"{self.bundle}/config.json", "w", encoding="utf-8") as file:
            json.dump(spec, file)

    def __call__(self, *words):
        return [self.program, "--root", self.root, *words]

    def close(self):
        shutil.rmtree(self.bundle, ignore_errors=True)


def mount_hugetlb():
    """crun 1.8 refuses a hybrid host whose v2 tree has a controller: lends it hugetlb as a v1 hierarchy while we run."""
    try:
        with open("/sys/fs/cgroup/unified/cgroup.controllers", encoding="ascii") as file:
            if file.read().split() != ["hugetlb"]:
                return False
    except OSError:
        return False
    os.makedirs("/sys/fs/cgroup/hugetlb", exist_ok=True)
    if run(["mount", "-t", "cgroup", "-o", "hugetlb", "cgroup", "/sys/fs/cgroup/hugetlb"]).returncode != 0:
        os.rmdir("/sys/fs/cgroup/hugetlb")
        return False
    print("hugetlb is mounted as a v1 hierarchy for this run: crun 1.8 needs it", file=sys.stderr)
    return True


def unmount_hugetlb():
    run(["find", "/sys/fs/cgroup/hugetlb", "-mindepth", "1", "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"])
    run(["umount", "/sys/fs/cgroup/hugetlb"])
    os.rmdir("/sys/fs/cgroup/hugetlb")


def timed(argv):
    start = time.perf_counter()
    result = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    elapsed = time.perf_counter() - start
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {result.stderr.decode().strip()}")
    return elapsed * 1000


def interleaved(jobs, rounds):
    """jobs: name → function that returns milliseconds. One of each per round, so that load hits all alike."""
    times = {name: [] for name in jobs}
    for round_ in range(rounds + 1):
        for name, job in jobs.items():
            elapsed = job()
            if round_ > 0:  # the first one warms the caches
                times[name].append(elapsed)
    return {name: statistics.median(values) for name, values in times.items()}


def bench_version(engines, _, rounds):
    return interleaved({e.name: (lambda e=e: timed(e("--version"))) for e in engines}, rounds)


def bench_run(engines, runtimes, rounds):
    jobs = {e.name: (lambda e=e: timed(e.run_words("--rm", "busybox", "true"))) for e in engines}
    jobs.update({r.name: (lambda r=r: timed(r.run_argv("bench"))) for r in runtimes})
    return interleaved(jobs, rounds)


def default_filter():
    """kist's default profile, which is Docker's, as the linux.seccomp of a container with the default capabilities."""
    with open(f"{TOP}/src/oci/run/default_seccomp.json", encoding="utf-8") as file:
        profile = json.load(file)
    machine = next(entry for entry in profile["archMap"] if entry["architecture"] == "SCMP_ARCH_" + os.uname().machine.upper())
    name = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)

    def holds(rule):
        wanted = rule.get("includes", {})
        return "caps" not in wanted and name in wanted.get("arches", [name])
    return {"defaultAction": profile["defaultAction"], "defaultErrnoRet": profile["defaultErrnoRet"],
            "architectures": [machine["architecture"], *machine["subArchitectures"]],
            "syscalls": [{key: rule[key] for key in ("names", "action", "errnoRet", "args") if key in rule}
                         for rule in profile["syscalls"] if holds(rule)]}


def bench_filtered(cached):
    """kist-oci keeps what it has made of a filter (the first round, which fills the cache, is not counted); crun and runc 1.1 do not."""
    def job(runtime):
        if not cached:
            shutil.rmtree(f"{runtime.root}/.seccomp", ignore_errors=True)
        return timed(runtime.run_argv("filtered"))

    def bench(_engines, runtimes, rounds):
        for runtime in runtimes:
            runtime.configure(seccomp=default_filter())
        try:
            return interleaved({r.name: (lambda r=r: job(r)) for r in runtimes}, rounds)
        finally:
            for runtime in runtimes:
                runtime.configure()
    return bench


def reap_orphans():
    """What a runtime leaves to us, its supervisor."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def bench_create(_engines, runtimes, rounds):
    def job(runtime):
        name = f"created-{os.getpid()}"
        start = time.perf_counter()
        check_quiet(runtime("create", "--bundle", runtime.bundle, name))
        check_quiet(runtime("start", name))
        check_quiet(runtime("delete", "--force", name))
        elapsed = (time.perf_counter() - start) * 1000
        reap_orphans()
        return elapsed
    return interleaved({r.name: (lambda r=r: job(r)) for r in runtimes}, rounds)


def bench_waiting(_engines, runtimes, _rounds):
    """KiB (PSS) of the process of a created container, which is all that a runtime leaves behind."""
    results = {}
    for runtime in runtimes:
        name = f"waiting-{os.getpid()}"
        pid_file = f"{runtime.bundle}/pid"
        check_quiet(runtime("create", "--pid-file", pid_file, "--bundle", runtime.bundle, name))
        with open(pid_file, encoding="ascii") as file:
            results[runtime.name] = pss_kib(file.read().strip())
        check_quiet(runtime("delete", "--force", name))
        reap_orphans()
    return results


def check_quiet(argv):
    """Without pipes, which a container's process would hold open."""
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def bench_detached(engines, _, rounds):
    def job(engine):
        start = time.perf_counter()
        # With the stop signal KILL Podman's rm -f does not wait ten seconds for a sleep that ignores TERM as pid 1.
        check(engine.run_words("-d", "--stop-signal", "KILL", "--name", "bench", "busybox", "sleep", "1000"))
        check(engine("rm", "-f", "bench"))
        return (time.perf_counter() - start) * 1000
    return interleaved({e.name: (lambda e=e: job(e)) for e in engines}, rounds)


def bench_exec(engines, runtimes, rounds):
    name = f"target-{os.getpid()}"
    for engine in engines:
        check(engine.run_words("-d", "--stop-signal", "KILL", "--name", name, "busybox", "sleep", "1000"))
    for runtime in runtimes:
        runtime.configure(args=["sleep", "1000"])
        check_quiet(runtime("run", "--detach", "--bundle", runtime.bundle, name))
    try:
        return interleaved({e.name: (lambda e=e: timed(e("exec", name, "true"))) for e in engines + runtimes}, rounds)
    finally:
        for engine in engines:
            run(engine("rm", "-f", name))
        for runtime in runtimes:
            check_quiet(runtime("delete", "--force", name))
            runtime.configure()
        reap_orphans()


def bench_inspect(engines, _, rounds):
    for engine in engines:
        check(engine("create", "--name", "target", "busybox", "true"))
    try:
        return interleaved({e.name: (lambda e=e: timed(e("inspect", "target"))) for e in engines}, rounds)
    finally:
        for engine in engines:
            run(engine("rm", "-f", "target"))


def bench_ps(count):
    def bench(engines, _, rounds):
        chosen = engines if count <= 50 else [e for e in engines if e.name == "kist"]
        for engine in chosen:
            for _i in range(count):
                check(engine("create", "busybox", "true"))
        try:
            return interleaved({e.name: (lambda e=e: timed(e("ps", "-a"))) for e in chosen}, rounds)
        finally:
            for engine in chosen:
                engine.close()
    return bench


def bench_parallel(engines, runtimes, _):
    """200 `run --rm`, 8 at a time: milliseconds for all."""
    results = {}
    for engine in engines:
        words = " ".join(engine.run_words("--rm", "busybox", "true"))
        start = time.perf_counter()
        result = run(["sh", "-c", f"seq 200 | xargs -P 8 -I+ {words}"])
        if result.returncode != 0:
            raise RuntimeError(f"{engine.name}: {result.stderr.strip()[-300:]}")
        results[engine.name] = (time.perf_counter() - start) * 1000
    return results


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def monitors(engine):
    word = {"kist": "kist-monitor", "podman": "conmon", "docker": "containerd-shim"}[engine.name]
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if word.encode() in file.read().split(b"\0")[0]:
                    found.append(pid)
        except OSError:
            pass
    return found


def bench_memory(engines, _runtimes, _rounds):
    """KiB (PSS) that one idle container's monitor costs, the mean of 20."""
    results = {}
    for engine in engines:
        for i in range(20):
            check(engine.run_words("-d", "--stop-signal", "KILL", "--name", f"idle{i}", "busybox", "sleep", "1000"))
        time.sleep(1)
        found = monitors(engine)
        results[engine.name] = sum(map(pss_kib, found)) / max(len(found), 1)
        for i in range(20):
            run(engine("rm", "-f", f"idle{i}"))
    return results


def bench_log(engines, _runtimes, rounds):
    """50 MB of 72-byte lines through the log: milliseconds until the container has ended and all is logged. From a file, since
    busybox's yes and head alone take longer than the log."""
    lines = tempfile.NamedTemporaryFile(dir="/tmp", prefix="kist-bench-lines-")
    lines.write((b"x" * 71 + b"\n") * (50_000_000 // 72))
    lines.flush()
    os.chmod(lines.name, 0o644)

    def job(engine):
        start = time.perf_counter()
        options = {"podman": ["--log-driver", "k8s-file"], "docker": ["--log-driver", "json-file"]}.get(engine.name, [])
        check(engine.run_words("-d", "--name", "chatty", *options, "-v", f"{lines.name}:/lines:ro", "busybox", "cat", "/lines"))
        check(engine("wait", "chatty"))
        elapsed = (time.perf_counter() - start) * 1000
        check(engine("rm", "-f", "chatty"))
        return elapsed
    return interleaved({e.name: (lambda e=e: job(e)) for e in engines}, max(3, rounds // 5))


BENCHES = {
    "version": ("`--version`, ms", bench_version),
    "run": ("`run --rm --network none busybox true` (runtimes: bare bundle), ms", bench_run),
    "filtered": ("`run` of a bare bundle with Docker's default filter, ms", bench_filtered(cached=True)),
    "filter_made": ("the same, the filter not in kist-oci's cache, ms", bench_filtered(cached=False)),
    "create": ("`create`, `start`, `delete` of a bare bundle, ms", bench_create),
    "waiting": ("process of a created container, KiB PSS", bench_waiting),
    "detached": ("`run -d` and `rm -f`, ms", bench_detached),
    "exec": ("`exec CONTAINER true`, ms", bench_exec),
    "inspect": ("`inspect`, ms", bench_inspect),
    "ps50": ("`ps -a` of 50, ms", bench_ps(50)),
    "ps1000": ("`ps -a` of 1000, ms", bench_ps(1000)),
    "parallel": ("200 `run --rm`, 8 at a time, ms for all", bench_parallel),
    "memory": ("monitor of an idle container, KiB PSS", bench_memory),
    "log": ("50 MB of log lines, ms", bench_log),
}


def print_table(results, names, benches):
    print("| what | " + " | ".join(names) + " |")
    print("|---|" + "---|" * len(names))
    for key, medians in results.items():
        reference = "kist" if "kist" in medians else "kist-oci"
        own = medians.get(reference)
        cells = []
        for name in names:
            if name not in medians:
                cells.append("–")
            elif name == reference or not own:
                cells.append(f"{medians[name]:.1f}")
            else:
                cells.append(f"{medians[name]:.1f} ({medians[name] / own:.1f}×)")
        print(f"| {benches[key][0]} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kist", default=f"{TOP}/build-release/src/cli/kist")
    parser.add_argument("--kist-oci", help="default: of the same build as --kist")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", default=",".join(BENCHES))
    parser.add_argument("--peers", default="kist-oci,crun,runc,podman,docker")
    parser.add_argument("--json")
    args = parser.parse_args()
    work, tar = begin(args)
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    lent = mount_hugetlb()
    engines, runtimes = [kist(args, work, tar)], []
    for name in args.peers.split(","):
        try:
            if name == "kist-oci":
                runtimes.append(Runtime(name, work, tar, args.kist_oci or f"{os.path.dirname(args.kist)}/../runtime/kist-oci"))
            elif name in ("crun", "runc"):
                runtimes.append(Runtime(name, work, tar))
            elif name:
                engines.append({"podman": podman, "docker": docker}[name](args, work, tar))
        except RuntimeError as error:
            print(f"left out: {name}: {error}", file=sys.stderr)
    names = [e.name for e in engines] + [r.name for r in runtimes]
    results = {}
    try:
        for key in args.only.split(","):
            results[key] = BENCHES[key][1](engines, runtimes, args.rounds)
            print(f"{key}: " + ", ".join(f"{n} {v:.2f}" for n, v in results[key].items()), file=sys.stderr)
        print_table(results, names, BENCHES)
        if args.json:
            with open(args.json, "w", encoding="utf-8") as file:
                json.dump({"rounds": args.rounds, "kernel": os.uname().release, "medians": results}, file, indent=2)
    finally:
        for engine in engines:
            engine.close()
        for runtime in runtimes:
            runtime.close()
        if lent:
            unmount_hugetlb()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()

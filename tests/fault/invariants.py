# SPDX-License-Identifier: Apache-2.0
"""A store of its own for a fault test, and what must hold in it after every fault (SECURITY 4.1, I1 to I10).

I1 every command ends in time, by itself and with a reason; I2 each record parses; I3 a container is in exactly one state, the one
the kernel knows; I4 each name has its container and each container its name; I5 the layers of listed images verify; I6 nothing is
left after `rm -af`; I7 volumes keep their data; I9 a tree outside the roots stays as it is; I10 no lock is held by nobody.
(I8, what was acknowledged outlives a power cut, needs a disk of its own: power_cut.py.)
"""
import argparse
import fcntl
import glob
import hashlib
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STATES = ("created", "running", "paused", "restarting", "stopping", "exited", "removing", "dead")
UNKNOWN_EXIT = 255
F_OFD_GETLK = 36


def arguments(doc, **own):
    """What every fault program takes, and its own: name=keywords of add_argument. Without root the program ends here, skipped."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--kist", type=os.path.abspath, default=os.environ.get("KIST", f"{TOP}/build-check/src/cli/kist"))
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    for name, keywords in own.items():
        parser.add_argument("--" + name.replace("_", "-"), **keywords)
    args = parser.parse_args()
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root")
        sys.exit(0)
    return args


EVERY = {"type": int, "default": 1, "help": "of the points only one of so many"}


class Violation(AssertionError):
    pass


def proc(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", encoding="latin-1") as file:
            return file.read()
    except OSError:
        return ""


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def is_alive(pid):
    stat = proc(pid, "stat")
    return bool(stat) and stat.rsplit(")", 1)[1].split()[0] not in "ZX"


def monitors():
    return {pid for pid in pids() if proc(pid, "cmdline").split("\0")[0].endswith("kist-monitor")}


def eventually(what, seen, limit=5.0):
    """Waits until `seen()`; its value."""
    end = time.monotonic() + limit
    while True:
        value = seen()
        if value:
            return value
        if time.monotonic() > end:
            raise Violation(f"not within {limit} s: {what}")
        time.sleep(0.01)


class Store:
    """kist with roots, a cgroup parent, a canary tree and a volume with data of its own."""

    def __init__(self, kist):
        self.work = tempfile.mkdtemp(prefix="kist-fault.", dir=os.environ.get("TMPDIR", "/var/tmp"))
        self.parent = "/kist-fault-" + os.path.basename(self.work).split(".")[1]
        config = f"{self.work}/kist.json"
        with open(config, "w", encoding="ascii") as file:
            file.write(f'{{"cgroup-parent": "{self.parent}"}}')
        self.argv = [kist, "--config", config, "--root", f"{self.work}/root", "--runroot", f"{self.work}/run"]
        tar = f"{self.work}/busybox.tar"
        subprocess.run(["bash", "-c", f". {TOP}/contrib/lib.sh; busybox_tar {tar}"], check=True)
        self.ok("import", "--quiet", tar, "busybox")
        self.kept = self.keep_data()

    def __call__(self, *words, timeout=20):
        try:
            result = subprocess.run(self.argv + list(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    text=True, errors="replace", timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise Violation(f"I1: {' '.join(words)}: has not ended after {timeout} s") from error
        if result.returncode < 0:
            raise Violation(f"I1: {' '.join(words)}: ended by signal {-result.returncode}")
        if result.returncode == 125 and "kist: " not in result.stderr:
            raise Violation(f"I1: {' '.join(words)}: failed without a reason: {result.stderr.strip()!r}")
        return result

    def ok(self, *words, timeout=20):
        result = self(*words, timeout=timeout)
        if result.returncode != 0:
            raise Violation(f"{' '.join(words)}: exit {result.returncode}: {result.stderr.strip()}")
        return result.stdout.strip()

    def begin(self, *words, **kwargs):
        """The command in the background."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | kwargs
        return subprocess.Popen(self.argv + list(words), **streams)

    def inspect(self, name="victim"):
        return json.loads(self.ok("inspect", name))[0]

    def state(self, name="victim"):
        return self.inspect(name)["State"]

    def exists(self, name="victim"):
        return self("container", "exists", name).returncode == 0

    def keep_data(self):
        """What must not change: a volume, and a tree that is none of kist's. Returns what they look like."""
        self.ok("volume", "create", "kept")
        canary, data = f"{self.work}/canary", f"{self.work}/root/volumes/kept/_data"
        os.makedirs(f"{canary}/folder")
        for path in (f"{canary}/file", f"{canary}/folder/file", f"{data}/file"):
            with open(path, "wb") as file:
                file.write(os.urandom(1000))
        os.symlink("folder", f"{canary}/link")
        os.setxattr(f"{canary}/file", "user.canary", b"sings")
        return tree_facts(canary), tree_facts(data)

    def footprint(self):
        found = set()
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            found |= {f"mount {line.split()[4]}" for line in file}
        # Bridges stay until `network rm` and `network prune`; close() looks for them.
        found |= {f"link {name}" for _, name in socket.if_nameindex() if not name.startswith("kist")}
        for base, folders, _ in os.walk("/sys/fs/cgroup"):
            if self.parent in base:
                found |= {f"cgroup {base}/{name}" for name in folders}
        for root in ("root", "run"):
            folder = f"{self.work}/{root}/containers"
            if os.path.isdir(folder):
                found |= {f"record {root}/{name}" for name in os.listdir(folder) if len(name) == 64}
        for kind, folder in (("name", "root/containers/names"), ("temp", "root/tmp"), ("volume", "root/volumes")):
            path = f"{self.work}/{folder}"
            found |= {f"{kind} {name}" for name in os.listdir(path)} if os.path.isdir(path) else set()
        for leases in glob.glob(f"{self.work}/run/networks/*/leases"):
            found |= {f"lease {name}" for name in os.listdir(leases)}
        rules = subprocess.run(["nft", "list", "ruleset"], stdout=subprocess.PIPE, text=True).stdout
        found |= {f"firewall element of {owner}" for owner in re.findall('comment "([0-9a-f]{64})"', rules)}
        found |= {f"process {pid}" for pid in monitors()}
        return found

    def close(self):
        self("rm", "-af", "-t", "0")
        self.ok("network", "prune", "-f")  # the network `victims`, too
        left = [name for _, name in socket.if_nameindex() if name.startswith("k")]
        left += subprocess.run(["nft", "list", "tables"], stdout=subprocess.PIPE, text=True).stdout.splitlines()
        for base, _, _ in os.walk("/sys/fs/cgroup", topdown=False):
            if self.parent in base:
                try:
                    os.rmdir(base)
                except OSError:
                    pass
        shutil.rmtree(self.work, ignore_errors=True)
        if left:
            raise Violation(f"left behind after network prune: {left}")


def image_of(store, attacker):
    """The image `attacker`: busybox with that program."""
    tree = f"{store.work}/tree"
    os.mkdir(tree)
    subprocess.run(["tar", "-C", tree, "-xf", f"{store.work}/busybox.tar"], check=True)
    shutil.copy(attacker, f"{tree}/bin/attacker")
    subprocess.run(["tar", "-C", tree, "-cf", f"{store.work}/attacker.tar", "."], check=True)
    store.ok("import", "-q", f"{store.work}/attacker.tar", "attacker")


def tree_facts(folder):
    """Of everything in it: type, mode, owner, times, extended attributes, contents."""
    found = {}
    for base, folders, files in os.walk(folder):
        for path in [base] + [f"{base}/{name}" for name in folders + files]:
            facts = os.lstat(path)
            content = b""
            if os.path.islink(path):
                content = os.readlink(path).encode()
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    content = file.read()
            attributes = {name: os.getxattr(path, name, follow_symlinks=False) for name in os.listxattr(path, follow_symlinks=False)}
            found[path] = (facts.st_mode, facts.st_uid, facts.st_gid, facts.st_mtime_ns, hashlib.sha256(content).digest(), str(attributes))
    return found


def nothing_left(store, before, limit=2.0):
    """I6. Processes on their last lines are given a moment."""
    end = time.monotonic() + limit
    while True:
        left = store.footprint() - before
        if not left:
            return
        if time.monotonic() > end:
            raise Violation(f"I6: left behind: {sorted(left)}")
        time.sleep(0.05)


def torn_records(root, run):
    """I2. What is still being made, below tmp, is no record yet."""
    for path in [p for top in (root, run) for p in glob.glob(f"{top}/**/*.json", recursive=True) if "/diff/" not in p and "/_data/" not in p and "/upper/" not in p and not p.startswith(f"{root}/tmp/")]:
        try:
            with open(path, encoding="utf-8") as file:
                json.load(file)
        except FileNotFoundError:
            pass
        except ValueError as error:
            yield f"I2: {path}: {error}"


def wrong_states(store):
    """I3: what inspect says and what the kernel has."""
    names = store.ok("ps", "-aq", "--no-trunc").split()
    for container in json.loads(store("inspect", *names).stdout or "[]") if names else []:
        state, name = container["State"], container["Name"]
        status, pid = state["Status"], state["Pid"]
        if status not in STATES:
            yield f"I3: {name}: unknown state {status!r}"
        if status in ("running", "paused", "stopping") and not state["Hooks"] and not is_alive(pid):
            yield f"I3: {name}: {status}, but pid {pid} does not live"
        if status in ("created", "exited", "dead", "restarting"):
            if pid != 0:
                yield f"I3: {name}: {status} with pid {pid}"
            for group in glob.glob(f"/sys/fs/cgroup{store.parent}/{container['Id']}/cgroup.procs") + glob.glob(f"/sys/fs/cgroup/*{store.parent}/{container['Id']}/cgroup.procs"):
                with open(group, encoding="ascii") as file:
                    if file.read().strip() and status != "restarting":
                        yield f"I3: {name}: {status}, but {group} is populated"


def lost_names(root, run):
    """I4: each name leads to a record that has it, and each record has its name."""
    folder, owners = f"{root}/containers/names", {}
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        owners[name] = os.readlink(f"{folder}/{name}").rsplit("/", 1)[-1] if os.path.islink(f"{folder}/{name}") else ""
    for path in glob.glob(f"{root}/containers/*/config.json") + glob.glob(f"{run}/containers/*/config.json"):
        container = os.path.basename(os.path.dirname(path))
        try:
            with open(path, encoding="utf-8") as file:
                name = json.load(file)["name"]
        except (FileNotFoundError, ValueError):
            continue
        if owners.pop(name, container) != container:
            yield f"I4: the name {name} of {container} leads to another container"
    for name, container in owners.items():
        if not any(os.path.exists(f"{top}/containers/{container}/config.json") for top in (root, run)):
            yield f"I4: the name {name} is held by nothing"


def is_locked(path):
    """By whom is not told: the locks belong to open files."""
    query = struct.pack("@hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        with open(path, "r+b") as file:
            return struct.unpack("@hhqqi4x", fcntl.fcntl(file, F_OFD_GETLK, query))[0] != fcntl.F_UNLCK
    except OSError:
        return False


def held_locks(root, run):
    """I10, when no command runs: only living monitors hold theirs."""
    locks = glob.glob(f"{root}/containers/*/lock") + glob.glob(f"{root}/images/lock") + glob.glob(f"{run}/networks/lock") + glob.glob(f"{run}/locks/*")
    for path in locks:
        if is_locked(path):
            yield f"I10: {path} is locked"
    for path in glob.glob(f"{run}/containers/*/monitor.lock"):
        with open(path, encoding="ascii", errors="replace") as file:
            pid = file.read().strip()
        if is_locked(path) and not (pid.isdigit() and is_alive(int(pid))):
            yield f"I10: {path} is locked, but its monitor {pid} is dead"


def faults_of(store):
    root, run = f"{store.work}/root", f"{store.work}/run"
    yield from torn_records(root, run)
    yield from wrong_states(store)
    yield from held_locks(root, run)


def check(store):
    """I2, I3, I10 (which may take a moment to become true), I5, I7, I9; what the next create or removal would finish is no fault."""
    end = time.monotonic() + 1.0
    while faults := list(faults_of(store)):
        if time.monotonic() > end:
            raise Violation("; ".join(faults))
        time.sleep(0.05)
    said = store("system", "check").stdout
    if "(not repairable)" in said:
        raise Violation(f"I5: system check: {said.strip()}")
    canary, data = tree_facts(f"{store.work}/canary"), tree_facts(f"{store.work}/root/volumes/kept/_data")
    if (canary, data) != store.kept:
        raise Violation("I7, I9: " + ", ".join(sorted({path for now, then in zip((canary, data), store.kept) for path in set(now) | set(then) if now.get(path) != then.get(path)})))


def remove_all(store, before):
    """I4, I5, I6: after that the store is as it was, and nothing is wrong with it."""
    store.ok("rm", "-af", "-t", "0")
    nothing_left(store, before)
    lost = [*lost_names(f"{store.work}/root", f"{store.work}/run")]
    if lost:
        raise Violation("; ".join(lost))
    checked = store("system", "check")
    if checked.returncode != 0:
        raise Violation(f"I5: system check: {checked.stdout.strip()} {checked.stderr.strip()}")


def mend_and_check(store, before, again):
    """What a user does after a kill: look, do the same again, remove."""
    store.ok("ps", "-a")
    again()
    store.ok("ps", "-a")
    check(store)
    remove_all(store, before)


def chosen(args, cases):
    """Those of the cases that --only means."""
    return {name: case for name, case in cases.items() if args.only in name}


class Report:
    """TAP: one line a case, its violations below it, all of them counted in the last line."""

    def __init__(self, name, count):
        self.name, self.number, self.tried, self.violations = name, 0, 0, 0
        print(f"1..{count}", flush=True)

    def case(self, title, tried, violations, unit="rounds", figures=""):
        self.number += 1
        self.tried += tried
        self.violations += len(violations)
        print(f"{'not ok' if violations else 'ok'} {self.number} - {title}: {tried} {unit}, {len(violations)} violations{figures and '; ' + figures}", flush=True)
        for violation in violations[:10]:
            print(f"# {violation}", flush=True)

    def skip(self, title, reason):
        self.number += 1
        print(f"ok {self.number} - {title} # SKIP {reason}", flush=True)

    def end(self):
        print(f"# CASE {self.name} {self.tried} points {self.violations} violations", flush=True)
        return 1 if self.violations else 0

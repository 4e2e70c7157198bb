#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A container that swaps a folder for a link out of its root as fast as it can, while its files are read and written (SECURITY F35).

    tests/fault/swap_paths.py --kist PATH --attacker PATH [--rounds N] [--only TEXT]

The link leads to a canary folder of the host. Each way in is tried --rounds times (default 100; the campaign is 1500): cp of files and
folders both ways, cp of archives, export, commit, volume export and import, mounts of subpaths, exec in a folder. The canary must stay as
it is, what is in it must never come out, and the swaps must have gone on meanwhile. Speaks TAP, with rounds, escapes and swaps a second
of each way; the last line counts rounds. export and commit, which read the whole container, are tried a tenth as often.
"""
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from invariants import Store, arguments, chosen, image_of  # noqa: E402

SECRET = b"of the host: " + os.urandom(16).hex().encode()


class Swapping:
    """The container, its volume, and what the host must not lose."""

    def __init__(self, store, attacker):
        self.store, self.work = store, store.work
        self.canary = f"{self.work}/of-the-host"
        os.mkdir(self.canary)
        for name in ("secret", "file"):
            with open(f"{self.canary}/{name}", "wb") as file:
                file.write(SECRET)
        self.before = self.state()
        with open(f"{self.work}/mine", "w", encoding="ascii") as file:
            file.write("mine\n")
        os.mkdir(f"{self.work}/a")
        shutil.copy(f"{self.work}/mine", f"{self.work}/a/mine")
        subprocess.run(["tar", "-C", self.work, "-cf", f"{self.work}/mine.tar", "mine", "a/mine"], check=True)
        image_of(store, attacker)
        store.ok("volume", "create", "shared")
        data = f"{self.work}/root/volumes/shared/_data"
        os.makedirs(f"{data}/a/d")
        for name in ("a/secret", "a/d/secret"):
            with open(f"{data}/{name}", "w", encoding="ascii") as file:
                file.write("inside\n")
        os.symlink("../" * 20 + self.canary.lstrip("/"), f"{data}/up")
        os.symlink(self.canary, f"{data}/link")
        self.swaps = 0

    def state(self):
        found = []
        for base, folders, files in os.walk(self.canary):
            for name in sorted(folders + files) + ["."]:
                facts = os.lstat(f"{base}/{name}")
                found.append((base, name, facts.st_mode, facts.st_uid, facts.st_size, facts.st_mtime_ns, facts.st_nlink))
        return sorted(found)

    def begin(self, link):
        # Also at the root, where no volume is.
        script = f"mkdir -p /tmp/a/d; echo inside >/tmp/a/secret; ln -s {self.canary} /tmp/link; ln -s {'../' * 20}{self.canary[1:]} /tmp/up; " \
                 f"attacker exchange /tmp/a /tmp/{link} 3600 & while :; do attacker exchange /vol/a /vol/{link} 1 >>/swaps; done"
        self.store.ok("run", "-d", "--name", "swapper", "-v", "shared:/vol", "attacker", "sh", "-c", script)

    def end(self):
        self.store("exec", "swapper", "sh", "-c", "n=0; until [ -s /swaps ] || [ $n = 100 ]; do n=$((n + 1)); sleep 0.1; done")  # it counts once a second
        copy = self.store("cp", "swapper:/swaps", f"{self.work}/swaps")
        if copy.returncode == 0:
            with open(f"{self.work}/swaps", encoding="ascii") as file:
                self.swaps += sum(int(line) for line in file if line.strip())
        self.store.ok("rm", "-f", "-t", "0", "swapper")
        data = f"{self.work}/root/volumes/shared/_data"
        if os.path.islink(f"{data}/a"):
            for link in ("up", "link"):
                if not os.path.islink(f"{data}/{link}"):
                    os.rename(f"{data}/a", f"{data}/a.link")
                    os.rename(f"{data}/{link}", f"{data}/a")
                    os.rename(f"{data}/a.link", f"{data}/{link}")


def holds_secret(path):
    if os.path.islink(path) or not os.path.exists(path):
        return False
    if os.path.isdir(path):
        return any(holds_secret(f"{path}/{name}") for name in os.listdir(path))
    with open(path, "rb") as file:
        return SECRET in file.read()


def ways(swapping):
    """name → one round, which gives the command's end; its output file or folder, if it has one, is `out`."""
    work, store = swapping.work, swapping.store
    out = f"{work}/out"

    def piped(words, source):
        with open(source, "rb") as file:
            return subprocess.run(store.argv + words, stdin=file, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30, check=False)

    def to_file(words):
        with open(out, "wb") as file:
            return subprocess.run(store.argv + words, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.DEVNULL, timeout=30, check=False)

    def with_subpath():
        result = store("run", "--rm", "--mount", "type=volume,src=shared,dst=/m,volume-subpath=a/d", "attacker", "sh", "-c", "cat /m/* /m/../*; ls /m")
        with open(out, "w", encoding="utf-8") as file:
            file.write(result.stdout)
        return result

    def executed():
        result = store("exec", "-w", "/vol/a", "swapper", "sh", "-c", "cat secret; pwd")
        with open(out, "w", encoding="utf-8") as file:
            file.write(result.stdout)
        return result

    def committed():
        result = store("commit", "-q", "--pause=false", "swapper", "made")
        to_file(["save", "made"])
        store("rmi", "-f", "made")
        return result

    return out, {
        "cp of a file out of a volume": lambda: store("cp", "swapper:/vol/a/secret", out),
        "cp of a folder out of a volume": lambda: store("cp", "swapper:/vol/a", out),
        "cp of a folder out": lambda: store("cp", "swapper:/tmp/a", out),
        "cp of a link followed": lambda: store("cp", "-L", "swapper:/tmp/a", out),
        "cp of a file into a volume": lambda: store("cp", f"{work}/mine", "swapper:/vol/a/secret"),
        "cp of a file in": lambda: store("cp", f"{work}/mine", "swapper:/tmp/a/file"),
        "cp of an archive in": lambda: piped(["cp", "-", "swapper:/tmp/a"], f"{work}/mine.tar"),
        "cp of an archive out": lambda: to_file(["cp", "swapper:/vol/a", "-"]),
        "export": lambda: to_file(["export", "swapper"]),
        "volume export": lambda: store("volume", "export", "-o", out, "shared"),
        "volume import": lambda: store("volume", "import", "shared", f"{work}/mine.tar"),
        "a mount of a subpath": with_subpath,
        "exec in the folder": executed,
        "commit": committed,
    }


def try_way(swapping, act, out, rounds):
    """What went wrong, and how many rounds the command ended with success."""
    escapes, succeeded = [], 0
    for number in range(rounds):
        succeeded += act().returncode == 0
        if holds_secret(out):
            escapes.append(f"round {number}: what is in the host's folder came out")
        if os.path.isdir(out) and not os.path.islink(out):
            shutil.rmtree(out)
        elif os.path.lexists(out):
            os.unlink(out)
        if swapping.state() != swapping.before:
            escapes.append(f"round {number}: the host's folder has changed")
            break
    return escapes, succeeded


def main():
    args = arguments(__doc__, attacker={"required": True}, rounds={"type": int, "default": 100})
    store = Store(args.kist)
    rounds = bad = 0
    try:
        swapping = Swapping(store, args.attacker)
        out, all_ways = ways(swapping)
        ways_now = chosen(args, all_ways)
        print(f"1..{len(ways_now) + 1}", flush=True)
        for number, (name, act) in enumerate(ways_now.items(), 1):
            escapes, succeeded = [], 0
            count = max(1, args.rounds // (20 if name in ("export", "commit") else 2))
            swaps, begun = swapping.swaps, time.monotonic()
            for link in ("link", "up"):
                swapping.begin(link)
                found, whole = try_way(swapping, act, out, count)
                escapes, succeeded = escapes + found, succeeded + whole
                rounds += count
                swapping.end()
            seconds = time.monotonic() - begun
            bad += bool(escapes)
            print(f"{'not ok' if escapes else 'ok'} {number} - {name}: {2 * count} rounds ({succeeded} succeeded), {len(escapes)} escapes, {seconds:.0f} s, "
                  f"{(swapping.swaps - swaps) / seconds:.0f} swaps a second", flush=True)
            for escape in escapes[:5]:
                print(f"# {escape}", flush=True)
        raced = swapping.swaps > 10 * rounds
        print(f"{'ok' if raced else 'not ok'} {len(ways_now) + 1} - the race was on: {swapping.swaps} swaps in {rounds} rounds", flush=True)
        bad += not raced
        print(f"# CASE swap_paths {rounds} rounds {bad} violations", flush=True)
    finally:
        store.close()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

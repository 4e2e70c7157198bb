#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An archive of a million entries by every way in (SECURITY F29, F30): taken in time, within 100 MiB of memory, and gone without a trace.

    tests/fault/million.py --kist PATH [--entries 1000000] [--only TEXT]

Folders of 100 files each, the same ones ten times over: what replaces is an entry like what is new, and the disk is not filled. Every
way must do it within --seconds (what grows with the square of the number takes hours), and hold the files afterwards. Speaks TAP,
with seconds and peak memory of each way.
"""
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "system")]
import hostile_archives as made  # noqa: E402
from invariants import Store, Violation, arguments, chosen, nothing_left  # noqa: E402

TIMES_OVER = 10
IN_A_FOLDER = 100
MEMORY_LIMIT_KIB = 100 << 10


class Archives:
    """layer.tar, and image.tar with it as its only layer."""

    def __init__(self, work, entries):
        self.folders = max(1, entries // (TIMES_OVER * IN_A_FOLDER))
        self.entries = self.folders * IN_A_FOLDER * TIMES_OVER
        self.layer, self.image = f"{work}/layer.tar", f"{work}/image.tar"
        self.write_layer()
        self.write_image(work)

    def write_layer(self):
        names = [[b"d%04d/f%02d" % (folder, file) for file in range(IN_A_FOLDER)] for folder in range(self.folders)]
        with open(self.layer, "wb") as out:
            for _ in range(TIMES_OVER):
                for folder in names:
                    out.write(b"".join(map(made.header, folder)))
            out.write(made.END)

    def write_image(self, work):
        with open(self.layer, "rb") as file:
            digest = hashlib.sha256()
            while piece := file.read(1 << 20):
                digest.update(piece)
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                             "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest.hexdigest()]}}).encode()
        manifest = json.dumps([{"Config": "config.json", "RepoTags": ["million:loaded"], "Layers": ["layer.tar"]}]).encode()
        for name, data in (("config.json", config), ("manifest.json", manifest)):
            with open(f"{work}/{name}", "wb") as file:
                file.write(data)
        with tarfile.open(self.image, "w") as tar:
            for name in ("config.json", "manifest.json", "layer.tar"):
                tar.add(f"{work}/{name}", arcname=name)


class Measured:
    """One command: its time, and the most memory that one of its processes had. This program's own counts, too, as the kernel keeps
    the peak across fork and exec: it must stay small."""

    def __init__(self, store, words, limit, source=None, target=None):
        begun = time.monotonic()
        with open(source or "/dev/null", "rb") as given, open(target or "/dev/null", "wb") as taken:
            process = subprocess.Popen(["timeout", str(limit)] + store.argv + words, stdin=given, stdout=taken, stderr=subprocess.PIPE)
            self.complaint = process.stderr.read().decode(errors="replace").strip()
            _, status, usage = os.wait4(process.pid, 0)  # counts those that it has waited for, too
        process.returncode = os.waitstatus_to_exitcode(status)
        self.seconds, self.kib = time.monotonic() - begun, usage.ru_maxrss
        if process.returncode == 124:
            raise Violation(f"{' '.join(words)}: has not ended after {limit} s")
        if process.returncode != 0:
            raise Violation(f"{' '.join(words)}: exit {process.returncode}: {self.complaint}")
        if self.kib > MEMORY_LIMIT_KIB:
            raise Violation(f"{' '.join(words)}: {self.kib} KiB of memory, more than {MEMORY_LIMIT_KIB}")


def expect_all(found, archives):
    if len(found) != archives.folders or any(count != IN_A_FOLDER for count in found.values()):
        raise Violation(f"{sum(found.values())} files in {len(found)} folders, not {IN_A_FOLDER} in each of {archives.folders}")


def files_of_tar(path):
    """Folder → number of files."""
    found = {}
    with subprocess.Popen(["tar", "-tf", path], stdout=subprocess.PIPE, text=True) as listing:
        for name in listing.stdout:
            parts = name.strip().strip("/").split("/")
            if len(parts) >= 2 and parts[-1].startswith("f"):
                found[parts[-2]] = found.get(parts[-2], 0) + 1
    return found


def files_of_folder(path):
    return {name: len(os.listdir(f"{path}/{name}")) for name in os.listdir(path)}


class Ways:
    def __init__(self, store, archives, limit):
        self.store, self.archives, self.limit = store, archives, limit
        self.out = f"{store.work}/out.tar"

    def run(self, *words, **streams):
        return Measured(self.store, list(words), self.limit, **streams)

    def image(self, name, *words):
        """Takes the image in, asks for its layer again, and removes it."""
        steps = {words[0]: self.run(*words)}
        steps["save"] = self.run("save", "-o", self.out, name)
        compare = 'tar -xOf "$0" --wildcards "*.tar" | cmp - "$1"'
        if subprocess.run(["bash", "-c", compare, self.out, self.archives.layer], check=False).returncode != 0:
            raise Violation(f"save of {name} does not give the bytes that were taken in")
        os.unlink(self.out)
        steps["rmi"] = self.run("rmi", name)
        return steps

    def load(self):
        return self.image("million:loaded", "load", "-q", "-i", self.archives.image)

    def imported(self):
        return self.image("million:imported", "import", "-q", self.archives.layer, "million:imported")

    def copied(self):
        self.store.ok("create", "--name", "million", "busybox", "true")
        self.store.ok("cp", f"{HERE}/million.py", "million:/first")  # makes the way to the root, whatever it takes
        os.mkdir(f"{self.store.work}/empty")
        self.store.ok("cp", f"{self.store.work}/empty", "million:/into")
        steps = {"cp in": self.run("cp", "-", "million:/into", source=self.archives.layer)}
        steps["cp out"] = self.run("cp", "million:/into", "-", target=self.out)
        expect_all(files_of_tar(self.out), self.archives)
        os.unlink(self.out)
        steps["diff"] = self.run("diff", "million")
        steps["rm"] = self.run("rm", "million")
        return steps

    def volume(self):
        self.store.ok("volume", "create", "million")
        steps = {"volume import": self.run("volume", "import", "million", self.archives.layer)}
        expect_all(files_of_folder(f"{self.store.work}/root/volumes/million/_data"), self.archives)
        steps["volume export"] = self.run("volume", "export", "-o", self.out, "million")
        expect_all(files_of_tar(self.out), self.archives)
        os.unlink(self.out)
        steps["volume rm"] = self.run("volume", "rm", "million")
        return steps


def main():
    args = arguments(__doc__, entries={"type": int, "default": 10 ** 6}, seconds={"type": int, "default": 600})
    store = Store(args.kist)
    bad = 0
    try:
        archives = Archives(store.work, args.entries)
        ways = Ways(store, archives, args.seconds)
        ways_now = chosen(args, {"load": ways.load, "import": ways.imported, "cp": ways.copied, "volume import": ways.volume})
        print(f"1..{len(ways_now)}", flush=True)
        before = store.footprint()
        for number, (name, way) in enumerate(ways_now.items(), 1):
            try:
                steps = way()
                nothing_left(store, before)
                said = ", ".join(f"{step} {it.seconds:.1f} s {it.kib >> 10} MiB" for step, it in steps.items())
                print(f"ok {number} - {archives.entries} entries by {name}: {said}", flush=True)
            except Violation as violation:
                bad += 1
                print(f"not ok {number} - {archives.entries} entries by {name}\n# {violation}", flush=True)
        print(f"# CASE million {len(ways_now)} ways {bad} violations", flush=True)
    finally:
        store.close()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

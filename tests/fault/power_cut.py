#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts the power at every step of commands that store things, and looks at what the disk then holds (SECURITY F9, F10).

    tests/fault/power_cut.py --kist PATH [--every N] [--only create,load,…] [--engine podman] [--data MODE]
    tests/fault/power_cut.py --kist PATH --reorder SUBSETS [--seed N] …

The store lies on an ext4 file system in a file, mounted so that nothing is written back unless somebody asks for it. strace
kills the command at the 1st, 2nd, 3rd … call of each system call that changes something; the file is copied as it is at
that moment, which is what a power cut leaves, and mounted again as after a boot. Then: every list works; each image that
is listed gives back every byte of its layers (save checks all digests); the command that was cut off succeeds; and what
a command had acknowledged by ending with 0 is there. Speaks TAP; the last line counts cut points and violations.

With --reorder the disk has a cache that loses and reorders writes (F10). The commands are killed at random calls; then all that is
dirty is written back, as the kernel may do at any time, and the disk (logged_disk.py) has noted each write and each flush. For every
subset the power fails at a random place of that log: what was written before the last flush until there is on the disk, of each later
write chance takes or leaves every block. The generator's seed is printed with what it breaks: --seed repeats it.

--data is ext4's: ordered (the default), or writeback, which may show a file's new length before its contents.
--no-sync makes the command's syncs do nothing, to see the test find what that breaks.
Nothing is set on the host: its kernel leaves alone what has been dirty for less than vm.dirty_expire_centisecs, and a point that took
nearly that long is tried again.
"""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from invariants import TOP, held_locks, lost_names, torn_records  # noqa: E402
from logged_disk import LoggedDisk, after_power_cut, read_log  # noqa: E402

CALLS = ["mkdirat", "mkdir", "symlinkat", "linkat", "renameat", "renameat2", "rename", "unlinkat", "fsync", "fdatasync", "syncfs", "write", "vfork", "clone"]


def sh(text, **kwargs):
    return subprocess.run(["bash", "-c", text], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs)


def must(text):
    result = sh(text)
    if result.returncode != 0:
        raise RuntimeError(f"{text}: {result.stderr.strip()}")
    return result.stdout.strip()


class Disk:
    """An ext4 file system in a file, mounted at `place` while this lives."""

    def __init__(self, image, place, data="ordered"):
        self.place = place
        os.makedirs(place, exist_ok=True)
        must(f"mount -o loop,commit=300,noatime,data={data} {image} {place}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for _ in range(50):
            if sh(f"umount {self.place}").returncode == 0:
                return
            sh("sleep 0.1")
        must(f"umount -l {self.place}")


class Kist:
    def __init__(self, program, work):
        self.program, self.work = program, work

    def argv(self, disk, *words):
        # A run root of its own for each mount: what is there does not outlive a boot.
        return [self.program, "--root", f"{disk.place}/root", "--runroot", f"{disk.place}-run", *words]

    def fresh_boot(self, disk):
        shutil.rmtree(f"{disk.place}-run", ignore_errors=True)

    def __call__(self, disk, *words):
        return subprocess.run(self.argv(disk, *words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)

    def ok(self, disk, *words):
        result = self(disk, *words)
        if result.returncode != 0:
            raise AssertionError(f"{' '.join(words)}: exit {result.returncode}: {result.stderr.strip()}")
        return result.stdout.strip()

    def check_records(self, disk):
        root, run = f"{disk.place}/root", f"{disk.place}-run"
        faults = [*torn_records(root, run), *lost_names(root, run), *held_locks(root, run)]
        if faults:
            raise AssertionError("; ".join(faults))

    def check_images(self, disk):
        for image in set(self.ok(disk, "images", "-q", "--no-trunc").split()):
            result = subprocess.run(self.argv(disk, "save", image), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60)
            if result.returncode != 0:
                raise AssertionError(f"image {image[:19]} is listed but damaged: {result.stderr.strip()}")


class Podman(Kist):
    """The same commands; what kist does not know under the same name is translated."""

    def argv(self, disk, *words):
        return ["podman", "--root", f"{disk.place}/podman", "--runroot", f"{disk.place}-run", "--storage-driver", "overlay", *words]

    def check_records(self, disk):
        pass

    def check_images(self, disk):
        for image in set(self.ok(disk, "images", "-q", "--no-trunc").split()):
            result = subprocess.run(self.argv(disk, "run", "--rm", "--network", "none", image, "true"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60)
            if result.returncode != 0:
                raise AssertionError(f"image {image[:19]} is listed but does not run: {result.stderr.strip().splitlines()[-1]}")


# name → (command, how its success is seen afterwards). Nothing: it removes its last word, which a power cut may bring back whole
OPERATIONS = {
    "create": (["create", "--name", "new", "busybox", "true"], ["inspect", "new"]),
    "import": (["import", "{work}/busybox2.tar", "imported"], ["inspect", "--type", "image", "imported"]),
    "load": (["load", "-q", "-i", "{work}/load.tar"], ["inspect", "--type", "image", "loaded:x"]),
    "commit": (["commit", "-q", "written", "committed"], ["inspect", "--type", "image", "committed"]),
    "tag": (["tag", "busybox", "other:name"], ["inspect", "--type", "image", "other:name"]),
    "rename": (["rename", "written", "renamed"], ["inspect", "renamed"]),
    "volume": (["volume", "create", "--label", "a=b", "vol"], ["volume", "inspect", "vol"]),
    "network": (["network", "create", "net"], ["network", "inspect", "net"]),
    "rm": (["rm", "written"], None),
    "rmi": (["rmi", "spare"], None),
    "volume-rm": (["volume", "rm", "kept"], None),
}


def before_flushes(log, begun):
    """Where the most is still in the disk's cache."""
    return [i for i in range(begun, len(log)) if log[i] is None] + [len(log)]


class Campaign:
    def __init__(self, args, work):
        self.work = work
        self.engine = (Podman if args.engine == "podman" else Kist)(args.kist, work)
        self.every, self.data, self.seed, self.no_sync = args.every, args.data, args.seed, args.no_sync
        self.points = self.subsets = self.violations = self.pending = self.lost = 0
        self.base = f"{work}/base.img"

    def prepare(self):
        work = self.work
        must(f". {TOP}/contrib/lib.sh; busybox_tar {work}/busybox.tar")
        must(f"mkdir {work}/t && tar -C {work}/t -xf {work}/busybox.tar && seq 3000 >{work}/t/numbers && tar -C {work}/t -cf {work}/busybox2.tar . && seq 4000 >{work}/t/numbers && tar -C {work}/t -cf {work}/busybox3.tar .")
        must(f"truncate -s 192M {self.base} && mkfs.ext4 -q -F -E lazy_itable_init=0 {self.base}")
        with Disk(self.base, f"{work}/disk") as disk:
            k = self.engine
            k.fresh_boot(disk)
            k.ok(disk, "import", f"{work}/busybox.tar", "busybox")
            k.ok(disk, "import", f"{work}/busybox3.tar", "loaded:x")
            k.ok(disk, "save", "-o", f"{work}/load.tar", "loaded:x")
            k.ok(disk, "rmi", "loaded:x")
            k.ok(disk, "import", f"{work}/busybox3.tar", "spare")
            k.ok(disk, "volume", "create", "kept")
            k.ok(disk, "run", "--network", "none", "--name", "written", "busybox", "sh", "-c", "mkdir /n; for i in 1 2 3 4 5; do echo $i >/n/$i; done")
            must(f"sync -f {disk.place}")

    def run_until(self, disk, words, call, when):
        """Runs the command up to the when-th `call`; whether it ended before that, and well."""
        k = self.engine
        argv = ["strace", "-f", "-o", "/dev/null", "-e", "signal=none", "-e", f"inject={call}:signal=KILL:when={when}"]
        if call == "end":
            argv = argv[:-2]
        if self.no_sync:
            argv += ["-e", "inject=fsync,fdatasync,syncfs:retval=0"]
        result = subprocess.run(argv + k.argv(disk, *words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        return result.returncode == 0

    def words_of(self, name):
        words, seen = OPERATIONS[name]
        return [word.format(work=self.work) for word in words], seen

    def boot(self, image, name, done):
        """What is wrong with the disk that a power cut has left."""
        with Disk(image, f"{self.work}/disk", self.data) as disk:
            self.engine.fresh_boot(disk)
            try:
                self.look(disk, *self.words_of(name), done)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                return str(error)
        return None

    def cut(self, name, call, when):
        """Runs the command up to the when-th `call`, cuts, boots, looks: whether it ended before that, and what is wrong."""
        image, after = f"{self.work}/work.img", f"{self.work}/cut.img"
        with open("/proc/sys/vm/dirty_expire_centisecs", encoding="ascii") as file:
            limit = int(file.read()) / 100 * 0.8
        for _ in range(3):
            must(f"cp --sparse=always {self.base} {image} && sync {image}")
            begun = time.monotonic()
            with Disk(image, f"{self.work}/disk", self.data) as disk:
                self.engine.fresh_boot(disk)
                self.engine(disk, "ps", "-aq")
                done = self.run_until(disk, self.words_of(name)[0], call, when)
                must(f"cp --sparse=always {image} {after}")
            if time.monotonic() - begun < limit:
                break
        else:
            print(f"# {name}, {call} {when}: this machine is too slow, the kernel may have written some of it back", flush=True)
        return done, self.boot(after, name, done)

    def reorder(self, name, subsets):
        """Power cuts of a disk that reorders; each run of the command serves for several."""
        chance = random.Random(f"{self.seed} {name}")
        while subsets > 0:
            call, when = chance.choice(CALLS + ["end"]), chance.randint(1, 12)
            log, begun, ended, done = self.log_of(name, call, when)
            self.points += 1
            for _ in range(min(subsets, 5)):
                position = chance.choice((chance.randint(begun, len(log)), chance.choice(before_flushes(log, begun))))
                problem = self.lose(name, log, position, chance, done and position >= ended)
                self.subsets += 1
                subsets -= 1
                if problem:
                    self.violations += 1
                    print(f"not ok - {name}, {call} {when}, after {position} of {len(log)} writes and flushes, --seed {self.seed}\n# {problem}", flush=True)

    def log_of(self, name, call, when):
        """What the disk was told from the mount on; the places in it where the command began and ended; and whether it ended well."""
        image, log = f"{self.work}/work.img", f"{self.work}/log"
        must(f"cp --sparse=always {self.base} {image}")
        with LoggedDisk(image, f"{self.work}/fuse", log) as logged:
            with Disk(logged.path, f"{self.work}/disk", self.data) as disk:
                self.engine.fresh_boot(disk)
                self.engine(disk, "ps", "-aq")
                begun = logged.mark()
                done = self.run_until(disk, self.words_of(name)[0], call, when)
                ended = logged.mark()
                must(f"sync -f {disk.place}")
                last = logged.mark()
        return read_log(log, last), len(read_log(log, begun)), len(read_log(log, ended)), done

    def lose(self, name, log, position, chance, done):
        after = f"{self.work}/cut.img"
        must(f"cp --sparse=always {self.base} {after}")
        certain, lucky, pending = after_power_cut(log, position, chance)
        self.pending += pending
        self.lost += pending - len(lucky)
        with open(after, "r+b") as file:
            for offset, data in certain + lucky:
                file.seek(offset)
                file.write(data)
        return self.boot(after, name, done)

    def look(self, disk, words, seen, done):
        k = self.engine
        names = k.ok(disk, "ps", "-a", "--format", "{{.Names}}").split()
        k.check_images(disk)
        k.ok(disk, "inspect", "--type", "image", "busybox")  # on the disk long before
        if done and seen:
            k.ok(disk, *seen)
        for container in names:
            k.ok(disk, "inspect", container)
        if not seen:
            k(disk, *words)  # gone or not: it must not stay half there
            if k(disk, *(["volume"] if words[0] == "volume" else []), "inspect", words[-1]).returncode == 0:
                raise AssertionError(f"{' '.join(words)} does not remove what the cut left")
        elif k(disk, *seen).returncode != 0:
            k.ok(disk, *words)
            k.ok(disk, *seen)
        k.check_images(disk)
        k.check_records(disk)
        k.ok(disk, "rm", "-af")

    def run(self, name):
        for call in CALLS + ["end"]:
            when = 1
            while True:
                self.points += 1
                ended, problem = self.cut(name, call, when)
                if problem:
                    self.violations += 1
                    print(f"not ok {self.points} - {name}, power cut at {call} {when}\n# {problem}", flush=True)
                if ended:
                    break
                when += self.every


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kist", default=f"{TOP}/build/src/cli/kist")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--only", default=",".join(OPERATIONS))
    parser.add_argument("--reorder", type=int, default=0, metavar="SUBSETS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-sync", action="store_true")
    parser.add_argument("--engine", default="kist")
    parser.add_argument("--data", default="ordered", choices=["ordered", "writeback"])
    args = parser.parse_args()
    args.kist = os.path.abspath(args.kist)
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root")
        return 0
    for program in ("strace", "mkfs.ext4"):
        if not shutil.which(program):
            print(f"1..0 # SKIP {program} is not installed")
            return 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("ended by a signal"))  # so that mounts and files go
    work = tempfile.mkdtemp(prefix="kist-power.", dir="/var/tmp")
    total = violations = 0
    try:
        campaign = Campaign(args, work)
        try:
            campaign.prepare()
        except RuntimeError as error:
            print(f"1..0 # SKIP {error}")
            return 0
        names = args.only.split(",")
        for number, name in enumerate(names, 1):
            before = (campaign.points, campaign.subsets, campaign.violations)
            if args.reorder:
                campaign.reorder(name, -(-args.reorder // len(names)))
            else:
                campaign.run(name)
            points, subsets, bad = (now - was for now, was in zip((campaign.points, campaign.subsets, campaign.violations), before))
            tried = f"{subsets} subsets of {points} runs" if args.reorder else f"{points} cut points"
            print(f"{'not ok' if bad else 'ok'} {number} - {name}: {tried}, {bad} violations", flush=True)
        print(f"1..{len(names)}")
        total, violations = campaign.points, campaign.violations
        if args.reorder:
            print(f"# CASE power_cut_reordered {total} runs {campaign.subsets} subsets {violations} violations "
                  f"({campaign.lost} of {campaign.pending} unflushed blocks lost, seed {args.seed})")
        else:
            print(f"# CASE power_cut {total} points {violations} violations")
    finally:
        sh(f"findmnt -rno TARGET | grep '^{work}/' | sort -r | xargs -r -n1 umount -l")
        shutil.rmtree(work, ignore_errors=True)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Floods, readers that are slow or die, and input that floods back (SECURITY F22 to F24).

    tests/fault/streams.py --kist PATH [--rounds N] [--seconds N] [--only TEXT]

The log of a flood holds every line once and in order, however long it goes on, and what is no text in it comes back as it was; a reader
that stops is dropped, so that the writer goes on; dead readers leave no descriptor behind; input comes back byte for byte, whatever
becomes of the window meanwhile; keys to detach count however they arrive. Speaks TAP.
"""
import fcntl
import os
import pty
import random
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from invariants import Report, Store, Violation, arguments, check, chosen, eventually, proc, remove_all  # noqa: E402


NUMBERED = re.compile(rb"([1-6]) (\d+) x{1000}$")


def guarded(store, act):
    before = store.footprint()
    try:
        figures = act()
        check(store)
        remove_all(store, before)
        return [], figures
    except Violation as violation:
        store("rm", "-af", "-t", "0")
        return [str(violation)], ""


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident(pid):
    return next((int(line.split()[1]) for line in proc(pid, "status").splitlines() if line.startswith("VmRSS")), 0)


def flood_in_order(store, rounds):
    """Eight writers at once, each with numbers of its own, into a log that rotates."""
    lines = 200 * rounds

    def act():
        start = time.monotonic()
        store.ok("run", "-d", "--name", "victim", "--log-opt", "max-size=200k", "--log-opt", "max-file=1000", "busybox", "sh", "-c",
                 f'for w in 1 2 3 4 5 6 7 8; do (i=0; while [ $i -lt {lines} ]; do i=$((i + 1)); echo "$w $i"; done) & done; wait')
        store.ok("wait", "victim", timeout=120)
        seconds = time.monotonic() - start
        last = {}
        for line in store.ok("logs", "victim", timeout=60).splitlines():
            writer, number = line.split()
            if int(number) != last.get(writer, 0) + 1:
                raise Violation(f"writer {writer}: {number} after {last.get(writer, 0)}")
            last[writer] = int(number)
        if set(last.values()) != {lines} or len(last) != 8:
            raise Violation(f"the last lines are {last}")
        return f"{8 * lines} lines in {seconds:.1f} s"
    violations, figures = guarded(store, act)
    return 8 * lines, violations, figures


# Writers of a flood: six of numbered lines of a KiB, one of lines of a MiB, one of bytes that are no text.
FLOOD = r"""
for w in 1 2 3 4 5 6; do awk -v w=$w -v pad="$(head -c 1000 /dev/zero | tr '\0' x)" 'BEGIN { while (1) { print w, ++n, pad; fflush() } }' & done
(while :; do head -c 1048576 /dev/zero | tr '\0' y; echo; done) &
(while :; do printf 'z\0\377\303(\n'; done) &
wait
"""


def flood_for_long(store, seconds):
    """The monitor stays as small as it was, and what the kept files hold of each writer is without a gap."""

    def act():
        store.ok("run", "-d", "--name", "victim", "--log-opt", "max-size=20m", "--log-opt", "max-file=3", "busybox", "sh", "-c", FLOOD)
        monitor, sizes, end = store.state()["MonitorPid"], [], time.monotonic() + seconds
        time.sleep(1)
        while time.monotonic() < end:
            sizes.append(resident(monitor))
            time.sleep(0.2)
        store.ok("stop", "-t", "0", "victim")
        last, found = {}, 0
        for line in subprocess.run([*store.argv, "logs", "victim"], stdout=subprocess.PIPE, check=True).stdout.splitlines():
            # The long lines come in several writes, with those of others between them.
            for writer, number in NUMBERED.findall(line):
                if writer in last and int(number) != last[writer] + 1:
                    raise Violation(f"writer {writer.decode()}: {int(number)} after {last[writer]}")
                last[writer] = int(number)
                found += 1
        if len(last) != 6:
            raise Violation(f"lines of the writers {sorted(last)} alone")
        if max(sizes) > sizes[0] + 512:
            raise Violation(f"the monitor grew from {sizes[0]} to {max(sizes)} KiB")
        return f"{sum(last.values())} numbered lines in {seconds} s, {found} kept; the monitor {sizes[0]} KiB, at most {max(sizes)}"
    violations, figures = guarded(store, act)
    return 1, violations, figures


def odd_bytes(store, rounds):
    """NUL, invalid UTF-8, a line of 1 MiB, no newline at the end: logs give it back. Twice, with and without a split of the batch."""
    generator = random.Random(22)
    wanted = b"a\0b\n" + b"\xff\xfe\xc3(\n" + bytes(generator.choice(b"0123456789abcdef") for _ in range(1 << 20)) + b"\nno newline"

    def act():
        with open(f"{store.work}/odd", "wb") as file:
            file.write(wanted)
        store.ok("run", "--name", "victim", "-v", f"{store.work}/odd:/odd:ro", "busybox", "cat", "/odd", timeout=60)
        got = subprocess.run([*store.argv, "logs", "victim"], stdout=subprocess.PIPE, check=True).stdout
        # json-file is JSON: what is no UTF-8 is U+FFFD there, as with docker.
        expected = wanted.decode(errors="replace").encode()
        if got.rstrip(b"\n") != expected:
            raise Violation(f"{len(got)} bytes come back of {len(expected)}")
        return f"{len(got)} bytes"
    answers = [guarded(store, act) for _ in range(max(1, rounds // 20))]
    return len(answers), [violation for found, _ in answers for violation in found], answers[-1][1]


def stopped_reader(store, _):
    """An attached reader that is stopped holds the writer up for ten seconds at most, and is dropped; followers of the log never do."""

    def act():
        store.ok("run", "-d", "--name", "victim", "busybox", "sh", "-c", f"while [ ! -e /go ]; do echo wait; sleep 0.05; done; yes {'x' * 999} | head -n 20000; touch /done; sleep 1000")
        monitor = store.state()["MonitorPid"]
        readers = [store.begin("attach", "victim", stdout=subprocess.PIPE), store.begin("logs", "-f", "victim", stdout=subprocess.PIPE)]
        for reader in readers:
            reader.stdout.read(1)  # it is attached
            os.kill(reader.pid, signal.SIGSTOP)
        store.ok("exec", "victim", "touch", "/go")
        start = time.monotonic()
        eventually("the writer goes on", lambda: store("exec", "victim", "test", "-e", "/done").returncode == 0, limit=60)
        seconds, memory = time.monotonic() - start, resident(monitor)
        for reader in readers:
            reader.kill()
            reader.stdout.close()
            reader.wait()
        if seconds > 15:
            raise Violation(f"the writer was held up for {seconds:.1f} s")
        if memory > 20000:
            raise Violation(f"the monitor has {memory} KiB")
        return f"the writer ended after {seconds:.1f} s, the monitor had {memory} KiB"
    violations, figures = guarded(store, act)
    return 1, violations, figures


def dead_readers(store, rounds):
    """Attached clients and followers killed at any moment: the monitor's descriptors are what they were."""
    generator = random.Random(23)

    def act():
        store.ok("run", "-di", "--name", "victim", "busybox", "sh", "-c", "while :; do echo line; sleep 0.01; done")
        monitor = store.state()["MonitorPid"]
        before = descriptors(monitor)
        for _ in range(rounds):
            reader = store.begin("attach", "victim", stdin=subprocess.PIPE)
            time.sleep(generator.random() * 0.01)
            reader.kill()
            reader.wait()
            reader.stdin.close()
        eventually(f"the monitor has {before} descriptors again, not {descriptors(monitor)}", lambda: descriptors(monitor) <= before)
        return f"{before} descriptors before and after"
    violations, figures = guarded(store, act)
    return rounds, violations, figures


def input_flood(store, rounds):
    """Megabytes of input, while the output flows back: byte for byte."""

    def act():
        wanted = random.Random(24).randbytes(rounds * 20000)
        with open(f"{store.work}/input", "wb") as file:
            file.write(wanted)
        with open(f"{store.work}/input", "rb") as source:
            got = subprocess.run([*store.argv, "run", "-i", "--rm", "--log-driver", "none", "busybox", "cat"], stdin=source, stdout=subprocess.PIPE, timeout=120).stdout
        if got != wanted:
            raise Violation(f"{len(got)} bytes came back of {len(wanted)}")
        return f"{len(wanted)} bytes"
    violations, figures = guarded(store, act)
    return 1, violations, figures


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, store, *words):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execv(store.argv[0], [*store.argv, *words])
        self.seen = b""

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, data):
        os.write(self.master, data)

    def read(self, seconds):
        """What comes within that time at most, added to `seen`; False at the end."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: nobody has the other end open
            data = b""
        self.seen += data
        return data != b""

    def expect(self, text, limit=10.0):
        end = time.monotonic() + limit
        while text not in self.seen:
            if not self.read(0.1) or time.monotonic() > end:
                raise Violation(f"{text!r} does not come; last seen: {self.seen[-200:]!r}")

    def end(self, limit=10.0):
        """Its exit code."""
        end = time.monotonic() + limit
        while True:
            self.read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                os.close(self.master)
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                raise Violation(f"it has not ended; last seen: {self.seen[-200:]!r}")


def storm_of_sizes(store, rounds):
    """The window changes all the time while lines are typed: none is lost, and the last size is the container's."""
    generator = random.Random(240)

    def act():
        terminal = Terminal(store, "run", "-it", "--name", "victim", "busybox", "sh", "-c",
                            "stty -echo; echo ready; while read -r line; do echo \"got $line.\"; [ $line = end ] && stty size; done")
        terminal.expect(b"ready")
        for number in range(rounds):
            for _ in range(20):
                terminal.resize(generator.randint(2, 400), generator.randint(2, 400))
            terminal.type(b"%d\n" % number)
            terminal.read(0)
        terminal.resize(123, 45)
        terminal.expect(b"got %d." % (rounds - 1))

        def size_is_there():
            terminal.seen = b""
            terminal.type(b"end\n")
            terminal.expect(b"got end.\r\n")
            terminal.expect(b"\n", 1)
            return b"123 45" in terminal.seen
        kept = terminal.seen
        eventually("the last size is there", size_is_there)
        lost = [number for number in range(rounds) if b"got %d." % number not in kept]
        if lost:
            raise Violation(f"{len(lost)} lines are lost, the first is {lost[0]}")
        terminal.type(b"\x04")
        if terminal.end() != 0:
            raise Violation("the command failed")
        return f"{20 * rounds} sizes, {rounds} lines"
    violations, figures = guarded(store, act)
    return 20 * rounds, violations, figures


def split_detach_keys(store, rounds):
    """Ctrl-P and Ctrl-Q with a pause between them detach; what only begins like them is typed."""
    generator = random.Random(241)

    def act():
        store.ok("run", "-dit", "--name", "victim", "busybox", "sh", "-c", "stty raw -echo; echo ready; exec hexdump -v -e '1/1 \"<%02x>\"'")
        for number in range(rounds):
            terminal = Terminal(store, "attach", "victim")
            letter = b"abcdefgh"[number % 8:][:1]
            terminal.type(b"\x10" + letter + b"0" * 30)  # hexdump reads sixteen at a time
            terminal.expect(b"<10><%02x>" % letter[0])
            terminal.type(b"\x10")
            time.sleep(generator.random() * 0.12)
            terminal.type(b"\x11")
            if terminal.end() != 0:
                raise Violation(f"round {number}: detaching failed")
            if store.state()["Status"] != "running":
                raise Violation(f"round {number}: detaching ended the container")
        return ""
    violations, figures = guarded(store, act)
    return rounds, violations, figures


def main():
    args = arguments(__doc__, rounds={"type": int, "default": 200}, seconds={"type": int, "default": 600, "help": "of the long flood"})
    cases = {"F22 a flood in order": flood_in_order, "F22 bytes that are no text": odd_bytes, "F23 readers that are stopped": stopped_reader,
             "F23 readers that are killed": dead_readers, "F24 a flood of input": input_flood, "F24 a storm of window sizes": storm_of_sizes, "F24 detach keys one by one": split_detach_keys,
             "F22 a flood for long": lambda store, _: flood_for_long(store, args.seconds)}
    cases = chosen(args, cases)
    store = Store(args.kist)
    report = Report("streams", len(cases))
    try:
        for name, case in cases.items():
            tried, violations, figures = case(store, args.rounds)
            report.case(name, tried, violations, figures=figures)
    finally:
        store.close()
    return report.end()


if __name__ == "__main__":
    sys.exit(main())

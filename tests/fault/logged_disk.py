# SPDX-License-Identifier: Apache-2.0
"""A disk that remembers in which order it was written and when it was told to flush: one file in a FUSE file system, for a loop device.

The loop driver turns the flushes of the block layer (and each forced write) into fsync of its file, so the log is what a disk with a
volatile cache was told. The server is a process of its own: whoever uses the disk may wait for it.
"""
import ctypes
import errno
import os
import signal
import stat
import struct
import sys

LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, STATFS, RELEASE, FSYNC, FLUSH, INIT, INTERRUPT, BATCH_FORGET = \
    1, 2, 3, 4, 14, 15, 16, 17, 18, 20, 25, 26, 36, 42
BIG_WRITES, MAX_PAGES = 1 << 5, 1 << 22
LONG = 1 << 30  # seconds for which names and attributes hold
MOST = 1 << 20  # bytes of one write
NAME = "disk"
RECORD = struct.Struct("<cQI")  # W or F, offset, length; the bytes follow


class Server:
    def __init__(self, fuse, image, log):
        self.fuse, self.log = fuse, log
        self.image = os.open(image, os.O_RDWR)
        self.size = os.fstat(self.image).st_size

    def attributes(self, node):
        is_disk = node != 1
        return struct.pack("<6Q10I", node, self.size if is_disk else 0, self.size // 512, 0, 0, 0, 0, 0, 0,
                           stat.S_IFREG | 0o600 if is_disk else stat.S_IFDIR | 0o700, 1, 0, 0, 0, 4096, 0)

    def note(self, kind, offset=0, data=b""):
        self.log.write(RECORD.pack(kind, offset, len(data)) + data)
        self.log.flush()

    def answer(self, code, node, body):
        """The reply's bytes, or the number of an error."""
        if code == INIT:
            return struct.pack("<4IHHIIHHI7I", 7, 31, 1 << 16, BIG_WRITES | MAX_PAGES, 16, 8, MOST, 1, MOST // 4096, 0, 0, *[0] * 7)
        if code == LOOKUP:
            if body.rstrip(b"\0") != NAME.encode():
                return errno.ENOENT
            return struct.pack("<4Q2I", 2, 0, LONG, LONG, 0, 0) + self.attributes(2)
        if code in (GETATTR, SETATTR):
            return struct.pack("<Q2I", LONG, 0, 0) + self.attributes(node)
        if code == OPEN:
            return struct.pack("<QII", 0, 0, 0)
        if code == READ:
            _, offset, size = struct.unpack_from("<QQI", body)
            return os.pread(self.image, size, offset)
        if code == WRITE:
            _, offset, size = struct.unpack_from("<QQI", body)
            data = body[40:40 + size]
            os.pwrite(self.image, data, offset)
            self.note(b"W", offset, data)
            return struct.pack("<II", size, 0)
        if code == FSYNC:
            self.note(b"F")
            return b""
        if code in (FLUSH, RELEASE):
            return b""
        if code == STATFS:
            return struct.pack("<5Q4I24x", 0, 0, 0, 0, 0, 4096, 255, 4096, 0)
        return errno.ENOSYS

    def serve(self):
        while True:
            try:
                request = os.read(self.fuse, MOST + 4096)
            except OSError as error:
                if error.errno == errno.ENODEV:  # unmounted
                    return
                if error.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):
                    continue
                raise
            length, code, unique, node = struct.unpack_from("<IIQQ", request)
            if code in (FORGET, BATCH_FORGET, INTERRUPT):
                continue
            reply = self.answer(code, node, request[40:length])
            error, data = (-reply, b"") if isinstance(reply, int) else (0, reply)
            try:
                os.write(self.fuse, struct.pack("<IiQ", 16 + len(data), error, unique) + data)
            except OSError as problem:
                if problem.errno != errno.ENOENT:  # whoever asked is gone
                    raise


class LoggedDisk:
    """The image as the file `path` while this lives; what is done to it is in `log`."""

    def __init__(self, image, folder, log):
        self.folder, self.log_path = folder, log
        self.path = f"{folder}/{NAME}"
        os.makedirs(folder, exist_ok=True)
        fuse = os.open("/dev/fuse", os.O_RDWR)
        libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0"
        if libc.mount(b"kist", folder.encode(), b"fuse", 0, options.encode()) != 0:
            raise RuntimeError(f"mounting a FUSE file system: {os.strerror(ctypes.get_errno())}")
        self.server = os.fork()
        if self.server == 0:
            status = 1
            try:
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                with open(log, "wb") as file:
                    Server(fuse, image, file).serve()
                status = 0
            finally:
                sys.stderr.flush()
                os._exit(status)
        os.close(fuse)

    def mark(self):
        """How long the log is by now."""
        return os.path.getsize(self.log_path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        libc = ctypes.CDLL(None, use_errno=True)
        for flags in (0, 2):  # MNT_DETACH: when the loop device still holds it
            if libc.umount2(self.folder.encode(), flags) == 0:
                break
        _, status = os.waitpid(self.server, 0)
        if status != 0:
            raise RuntimeError("the server of the logged disk has failed")


def read_log(path, end=None):
    """[(offset, bytes)] for a write, None for a flush; only what was logged up to byte `end`."""
    found = []
    with open(path, "rb") as file:
        while end is None or file.tell() < end:
            head = file.read(RECORD.size)
            if len(head) < RECORD.size:
                break
            kind, offset, length = RECORD.unpack(head)
            found.append((offset, file.read(length)) if kind == b"W" else None)
    return found


def after_power_cut(log, position, random, block=4096):
    """What is on the disk when the power fails after `position` entries: (writes before the last flush, the ones of those after it that
    chance has let through, how many chance had to choose from). A write of several blocks may come to the disk in part."""
    flushed = max((i for i in range(position) if log[i] is None), default=-1)
    certain = [entry for entry in log[:flushed + 1] if entry is not None]
    pending = []
    for offset, data in log[flushed + 1:position]:
        at = 0
        while at < len(data):
            size = min(block - (offset + at) % block, len(data) - at)
            pending.append((offset + at, data[at:at + size]))
            at += size
    share = random.choice((0.1, 0.5, 0.9))
    return certain, [piece for piece in pending if random.random() < share], len(pending)

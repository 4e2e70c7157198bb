#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes archives that were made to hurt, for hostile.bats.

    hostile_archives.py FOLDER CANARY

Each is FOLDER/<command>.<verdict>.<name>: command import or load; verdict refuse (it must be refused) or harmless (it may
be taken, but must change nothing outside). CANARY is the folder that they try to reach.
"""
import gzip
import hashlib
import io
import json
import lzma
import os
import subprocess
import sys
import tarfile

BLOCK = 512


def header(name, size=0, kind=b"0", link=b"", mode=b"0000644", magic=b"ustar\x0000", size_field=None, mtime=b"00000000000"):
    """One raw header, for what tarfile refuses to write. Names are bytes of at most 100."""
    block = bytearray(BLOCK)
    block[0:len(name)] = name
    block[100:107] = mode
    block[108:115] = block[116:123] = b"0000000"
    block[124:136] = size_field if size_field is not None else b"%011o\0" % size
    block[136:147] = mtime
    block[156:157] = kind
    block[157:157 + len(link)] = link
    block[257:265] = magic
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def body(data):
    return data + b"\0" * (-len(data) % BLOCK)


END = b"\0" * (2 * BLOCK)


def pax(records, kind=b"x"):
    text = b""
    for key, value in records:
        value = value if isinstance(value, bytes) else value.encode()
        length = len(key) + len(value) + 3
        while len(b"%d" % length) + len(key) + len(value) + 3 != length:
            length += 1
        text += b"%d %s=%s\n" % (length, key.encode(), value)
    return header(b"PaxHeader", len(text), kind) + body(text)


def entry(t, path, kind=tarfile.REGTYPE, data=b"", link="", mode=0o755, **fields):
    info = tarfile.TarInfo(path)
    info.type, info.linkname, info.mode, info.size = kind, link, mode, len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    t.addfile(info, io.BytesIO(data) if data else None)


def tar_of(*entries, fmt=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=fmt) as t:
        for e in entries:
            args, fields = (e[:-1], e[-1]) if isinstance(e[-1], dict) else (e, {})
            entry(t, *args, **fields)
    return out.getvalue()


SYM, HARD, DIR, FIFO, CHR, BLK = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE,
                                  tarfile.BLKTYPE)
FILE = tarfile.REGTYPE
EVIL = b"evil\n"


def trees(c):
    """Root filesystems: name → (verdict, bytes). `c` is the canary's absolute path."""
    up = "../" * 12 + c.lstrip("/")
    good = tar_of(("f", FILE, b"fine\n"))
    deep = "d/" * 4000
    out = {
        "dotdot": ("harmless", tar_of((f"{up}/f", FILE, EVIL))),
        "dotdot-inside": ("harmless", tar_of(("a", DIR), (f"a/../../../{up}/f", FILE, EVIL))),
        "absolute": ("harmless", tar_of((f"{c}/f", FILE, EVIL))),
        "through-link": ("harmless", tar_of(("a", SYM, b"", c), ("a/f", FILE, EVIL))),
        "through-two-links": ("harmless", tar_of(("a", SYM, b"", "b"), ("b", SYM, b"", c), ("a/f", FILE, EVIL))),
        "through-relative-link": ("harmless", tar_of(("a", SYM, b"", up), ("a/f", FILE, EVIL))),
        "through-proc": ("harmless", tar_of(("a", SYM, b"", "/proc/self/cwd"), ("a/f", FILE, EVIL))),
        "file-over-link": ("harmless", tar_of(("f", SYM, b"", f"{c}/f"), ("f", FILE, EVIL))),
        "dir-over-link": ("harmless", tar_of(("a", SYM, b"", c), ("a", DIR, b"", "", 0o777), ("a/new", FILE, EVIL))),
        "link-over-dir": ("harmless", tar_of(("a", DIR), ("a/f", FILE, EVIL), ("a", SYM, b"", c), ("a/f", FILE, EVIL))),
        "setuid-over-link": ("harmless", tar_of(("f", SYM, b"", f"{c}/f"), ("f", FILE, EVIL, "", 0o6777))),
        "hard-link-out": ("harmless", tar_of(("h", HARD, b"", f"{up}/f"), ("h", FILE, EVIL))),
        "hard-link-absolute": ("harmless", tar_of(("h", HARD, b"", f"{c}/f"), ("h", FILE, EVIL))),
        "hard-link-through-link": ("harmless", tar_of(("a", SYM, b"", c), ("h", HARD, b"", "a/f"), ("h", FILE, EVIL))),
        "hard-link-to-itself": ("harmless", tar_of(("h", HARD, b"", "h"))),
        "hard-link-to-nothing": ("harmless", tar_of(("h", HARD, b"", "missing"))),
        "root-is-link": ("harmless", tar_of((".", SYM, b"", c), ("f", FILE, EVIL))),
        "root-is-file": ("harmless", tar_of((".", FILE, EVIL), ("f", FILE, EVIL))),
        "whiteout-through-link": ("harmless", tar_of(("a", SYM, b"", c), ("a/.wh.f", FILE))),
        "whiteout-of-dotdot": ("harmless", tar_of((".wh...", FILE), ("a", DIR), ("a/.wh...", FILE))),
        "whiteout-of-dot": ("harmless", tar_of((".wh..", FILE))),
        "whiteout-of-nothing": ("harmless", tar_of((".wh.", FILE))),
        "opaque-through-link": ("harmless", tar_of(("a", SYM, b"", c), ("a/.wh..wh..opq", FILE))),
        "whiteout-dotdot-path": ("harmless", tar_of((f"{up}/.wh.f", FILE))),
        "fifo": ("harmless", tar_of(("p", FIFO), ("p", FILE, EVIL))),
        "devices": ("harmless", tar_of(("sda", BLK, b"", "", 0o666, {"devmajor": 254, "devminor": 0}),
                                       ("mem", CHR, b"", "", 0o666, {"devmajor": 1, "devminor": 1}))),
        "device-then-write": ("harmless", tar_of(("d", CHR, b"", "", 0o666, {"devmajor": 1, "devminor": 1}), ("d", FILE, EVIL))),
        "xattr-overlay": ("harmless", tar_of(("a", DIR, b"", "", 0o755, {"pax_headers": {
            "SCHILY.xattr.trusted.overlay.redirect": f"/{up}", "SCHILY.xattr.trusted.overlay.opaque": "y"}}))),
        "xattr-capability": ("harmless", tar_of(("f", FILE, EVIL, "", 0o755, {"pax_headers": {
            "SCHILY.xattr.security.capability": "nonsense"}}))),
        "xattr-user-many": ("harmless", tar_of(("f", FILE, EVIL, "", 0o755, {"pax_headers": {
            f"SCHILY.xattr.user.n{i}": "v" * 100 for i in range(500)}}))),
        "duplicates": ("harmless", tar_of(*[("same", FILE, b"%d" % i) for i in range(1000)])),
        "type-flips": ("harmless", tar_of(*[("x", kind, b"", c) for kind in (DIR, SYM, FIFO, DIR, SYM, DIR)], ("x/f", FILE, EVIL))),
        "name-newline": ("harmless", tar_of(("a\nkist: all is well", FILE, EVIL))),
        "name-escape": ("harmless", tar_of(("a\x1b[2J", FILE, EVIL))),
        "path-too-deep": ("harmless", tar_of((deep + "f", FILE, EVIL))),
        "component-too-long": ("harmless", tar_of(("n" * 4000, FILE, EVIL))),
        "path-64k": ("harmless", tar_of(("p/" * 32000 + "f", FILE, EVIL))),
        "gnu-name-1m": ("harmless", header(b"././@LongLink", 1 << 20, b"L", magic=b"ustar  \0") + body(b"n" * (1 << 20)) + header(b"n") + END),
        "times": ("harmless", pax([("mtime", "-99999999999999999999.5")]) + header(b"f") + END),
        "owner-huge": ("harmless", pax([("uid", "99999999999999999999"), ("gid", "-5")]) + header(b"f") + END),
        "pax-size-desync": ("harmless", pax([("size", "0")]) + header(b"f", 512) + body(header(b"../../evil")) + END),
        "pax-path-nul": ("harmless", pax([("path", b"a\0../../evil")]) + header(b"f") + END),
        "sparse-overlap": ("harmless", pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "f"),
                                            ("GNU.sparse.realsize", str(1 << 50))]) + header(b"f", 512) + body(b"1\n0\n99999999999\n") + END),
        "unknown-type": ("harmless", header(b"f", 0, b"Z") + END),
        "pax-length-lies": ("refuse", header(b"P", 12, b"x") + body(b"9999999 a=b\n") + header(b"f") + END),
        "pax-size-huge": ("refuse", pax([("size", "9223372036854775807")]) + header(b"f") + END),
        "pax-header-huge": ("refuse", header(b"P", 1 << 33, b"x")),
        "size-negative": ("refuse", header(b"f", size_field=b"\xff" * 12) + END),
        "size-beyond-end": ("refuse", header(b"f", 1 << 32) + body(b"short")),
        "checksum-wrong": ("refuse", bytes(header(b"f")[:150]) + b"9" + header(b"f")[151:] + END),
        "not-a-tar": ("refuse", os.urandom(1) + b"this is no archive at all\n" * 100),
        "empty": ("refuse", b""),
        "one-byte": ("refuse", b"x"),
        "gzip-of-garbage": ("refuse", gzip.compress(b"garbage" * 1000)),
        "gzip-cut": ("refuse", gzip.compress(good)[:-20]),
        "gzip-damaged": ("refuse", (lambda z: z[:40] + bytes([z[40] ^ 0xff]) + z[41:])(gzip.compress(os.urandom(4096) + good))),
        "gzip-header-only": ("refuse", b"\x1f\x8b\x08\0\0\0\0\0\0\0"),
        "xz-cut": ("refuse", lzma.compress(good)[:-16]),
        "zstd-cut": ("refuse", zstd(good)[:-6]),
        "zstd-window": ("refuse", b"\x28\xb5\x2f\xfd\x00\xa8" + b"\x01\x00\x00"),
        "bzip2": ("refuse", b"BZh91AY&SY" + b"\0" * 100),
    }
    out |= more_trees(c, up)
    for cut in (1, 100, 511, 513, 700):
        out[f"tar-cut-{cut}"] = ("refuse", tar_of(("f", FILE, b"x" * 1000))[:cut])
    return out


def gnu_sparse(name, pieces, real_size, data=b""):
    """The header of old GNU tar: up to four pieces (offset, length), as octal or as given bytes."""
    field = lambda number: number if isinstance(number, bytes) else b"%011o\0" % number
    block = bytearray(header(name, len(data), b"S", magic=b"ustar  \0"))
    for i, (offset, length) in enumerate(pieces):
        block[386 + 24 * i:398 + 24 * i], block[398 + 24 * i:410 + 24 * i] = field(offset), field(length)
    block[483:495] = field(real_size)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + body(data)


def pax_sparse(pieces, real_size, data):
    """Version 1.0: the map stands before the data."""
    text = b"\n".join([b"%d" % len(pieces)] + [b"%d\n%d" % piece for piece in pieces]) + b"\n"
    return pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "f"), ("GNU.sparse.realsize", str(real_size))]) \
        + header(b"f", len(body(text)) + len(data)) + body(text) + body(data) + END


def more_trees(c, up):
    """Owners, times and attributes through what took a name's place; pieces that do not fit; names and headers of every size."""
    attributes = lambda **pairs: {"pax_headers": {key.replace("__", "."): value for key, value in pairs.items()}}
    long_link = lambda kind, data: header(b"././@LongLink", len(data), kind, magic=b"ustar  \0") + body(data)
    capability = "\x01\x00\x00\x02\x00\x04" + "\x00" * 14  # cap_net_bind_service=ep
    # Folders that are swapped for links to the canary before their modes and times are set.
    delayed = [("a", DIR, b"", "", 0o700, {"mtime": 1}), ("a/b", DIR, b"", "", 0o700, {"mtime": 1}), ("a/b", SYM, b"", c), ("a", SYM, b"", c)]
    return {
        "dir-becomes-link-late": ("harmless", tar_of(*delayed)),
        "link-becomes-dir-late": ("harmless", tar_of(("a", SYM, b"", c), ("a", DIR, b"", "", 0, {"mtime": 1}), ("a", SYM, b"", c), ("a", DIR, b"", "", 0o777))),
        "dir-link-dir-hardlink": ("harmless", tar_of(("a", DIR), ("a", SYM, b"", c), ("h", HARD, b"", "a"), ("h/f", FILE, EVIL))),
        "hard-link-to-link-then-mode": ("harmless", tar_of(("s", SYM, b"", f"{c}/f"), ("h", HARD, b"", "s", 0o6777, {"uid": 12345, "mtime": 1}))),
        "hard-link-to-folder": ("harmless", tar_of(("a", DIR), ("h", HARD, b"", "a"))),
        "hard-link-to-device": ("harmless", tar_of(("d", BLK, b"", "", 0o666, {"devmajor": 254, "devminor": 0}), ("h", HARD, b"", "d"), ("h", FILE, EVIL))),
        "hard-link-through-fifo": ("harmless", tar_of(("p", FIFO), ("h", HARD, b"", "p/f"))),
        "file-below-file": ("harmless", tar_of(("a", FILE, EVIL), ("a/b/c", FILE, EVIL))),
        "fifo-below-fifo": ("harmless", tar_of(("p", FIFO), ("p/p", FIFO))),
        "link-circle": ("harmless", tar_of(*[(f"l{i}", SYM, b"", f"l{(i + 1) % 60}") for i in range(60)], ("l0/f", FILE, EVIL))),
        "link-empty": ("harmless", header(b"s", 0, b"2") + END),
        "link-64k": ("harmless", long_link(b"K", b"t/" * 32768) + header(b"s", 0, b"2") + END),
        "link-pax-nul": ("harmless", pax([("linkpath", b"x\0" + c.encode())]) + header(b"s", 0, b"2") + END),
        "hard-link-64k": ("harmless", long_link(b"K", b"t/" * 32768) + header(b"h", 0, b"1") + END),
        "path-64k-gnu": ("harmless", long_link(b"L", b"p/" * 32768) + header(b"n") + END),
        "path-64k-dotdot": ("harmless", tar_of(("../" * 21000 + c.lstrip("/") + "/f", FILE, EVIL))),
        "path-64k-slashes": ("harmless", tar_of(("/" * 65000 + c.lstrip("/") + "/f", FILE, EVIL))),
        "path-dots": ("harmless", tar_of(("./" * 30000 + "f", FILE, EVIL), ("a/./.././../" * 50 + "f", FILE, EVIL))),
        "name-nul-gnu": ("harmless", long_link(b"L", b"a\0/../../" + c.encode() + b"/f") + header(b"n", len(EVIL)) + body(EVIL) + END),
        "name-not-utf8": ("harmless", header(b"\xff\xfe\x80" * 20) + header(b"\xc3(", 0, b"5") + END),
        "name-empty": ("harmless", header(b"") + header(b"/", 0, b"5") + header(b"//") + END),
        "name-dotdot-only": ("harmless", header(b"..", 0, b"5", mode=b"0000000") + header(b"../", 0, b"5") + header(b"..", 0, b"2", c.encode()) + END),
        "root-is-fifo": ("harmless", tar_of((".", FIFO), ("f", FILE, EVIL))),
        "root-is-hard-link": ("harmless", tar_of((".", HARD, b"", f"{up}/f"), ("f", FILE, EVIL))),
        "root-mode-none": ("harmless", tar_of((".", DIR, b"", "", 0), ("f", FILE, EVIL))),
        "root-whiteout": ("harmless", tar_of((".wh..wh..opq", FILE), (".wh..wh..plnk", DIR), (".wh..wh..plnk/1.2", FILE, EVIL), (".wh..wh.aufs", FILE))),
        "opaque-is-folder": ("harmless", tar_of(("a", DIR), ("a/.wh..wh..opq", DIR), ("a/.wh..wh..opq/f", FILE, EVIL))),
        "whiteout-is-link": ("harmless", tar_of(("a", DIR), ("a/.wh.f", SYM, b"", f"{c}/f"), ("a/.wh.g", HARD, b"", f"{up}/f"))),
        "whiteout-device-made": ("harmless", tar_of(("a", CHR, b"", "", 0, {"devmajor": 0, "devminor": 0}), ("a", FILE, EVIL), ("b", CHR, b"", "", 0, {"devmajor": 0, "devminor": 0}), ("b/f", FILE, EVIL))),
        "global-path": ("harmless", pax([("path", f"{up}/f"), ("linkpath", c), ("size", "5")], b"g") + header(b"f", 5) + body(EVIL) + header(b"s", 0, b"2") + END),
        "global-endless": ("harmless", b"".join(pax([("comment", "x" * 400)], b"g") for _ in range(2000)) + header(b"f") + END),
        "pax-of-nothing": ("harmless", header(b"f") + pax([("path", f"{up}/f")]) + END),
        "pax-after-pax": ("harmless", pax([("path", f"{up}/f")]) + pax([("path", "g")]) + long_link(b"L", c.encode() + b"/f") + header(b"f", 5) + body(EVIL) + END),
        "pax-size-of-link": ("harmless", pax([("size", "512")]) + header(b"s", 0, b"2", b"t") + body(header(b"../evil")) + END),
        "pax-no-newline": ("refuse", header(b"P", 9, b"x") + body(b"9 path=ab") + header(b"f") + END),
        "pax-negative-length": ("refuse", header(b"P", 9, b"x") + body(b"-9 path=a\n"[:9]) + header(b"f") + END),
        "pax-size-negative": ("refuse", pax([("size", "-1")]) + header(b"f", 5) + body(EVIL) + END),
        "gnu-long-without-entry": ("harmless", long_link(b"L", b"n" * 300) + END),
        "gnu-types": ("harmless", b"".join(header(b"f%d" % i, 5, kind, magic=b"ustar  \0") + body(EVIL) for i, kind in enumerate((b"D", b"M", b"N", b"V", b"7", b"X"))) + END),
        "owner-base-256": ("harmless", (lambda b: bytes(b[:108]) + b"\xff" * 8 + b"\x80" + b"\xff" * 7 + bytes(b[124:]))(bytearray(header(b"f"))) + END),
        "mode-huge": ("harmless", header(b"f", mode=b"7777777") + header(b"d", 0, b"5", mode=b"7777777") + END),
        "mode-garbage": ("harmless", header(b"f", mode=b"99 x\xff\xff\xff") + END),
        "device-number-huge": ("harmless", pax([("SCHILY.devmajor", "99999999999"), ("SCHILY.devminor", "-1")]) + header(b"d", 0, b"4") + END),
        "sparse-gnu-overlap": ("harmless", gnu_sparse(b"f", [(0, 512), (0, 512), (100, 512)], 1024, b"x" * 1536) + END),
        "sparse-gnu-backwards": ("harmless", gnu_sparse(b"f", [(1 << 20, 512), (0, 512)], 2 << 20, b"x" * 1024) + END),
        "sparse-gnu-beyond": ("harmless", gnu_sparse(b"f", [(1 << 30, 512)], 512, b"x" * 512) + END),
        "sparse-gnu-negative": ("harmless", gnu_sparse(b"f", [(b"\xff" * 12, 512)], 512, b"x" * 512) + END),
        "sparse-gnu-more-cut": ("refuse", (lambda b: bytes(b[:482]) + b"\x01" + bytes(b[483:]))(bytearray(gnu_sparse(b"f", [], 1 << 20)))[:512]),
        "sparse-real-size": ("harmless", gnu_sparse(b"f", [(0, 0)], (1 << 33) - 1) + END),
        "sparse-pax-wraps": ("harmless", pax_sparse([((1 << 63) - 512, 1024)], 1 << 62, b"x" * 1024)),
        "sparse-pax-overlap": ("harmless", pax_sparse([(0, 512), (256, 512)], 4096, b"x" * 1024)),
        "sparse-pax-short": ("harmless", pax_sparse([(0, 512), (4096, 512)], 8192, b"x" * 512)),
        "sparse-pax-many": ("harmless", pax_sparse([(2 * i, 1) for i in range(100000)], 200000, b"x" * 100000)),
        "sparse-pax-count-lies": ("harmless", pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "10")]) + header(b"f", 512) + body(b"99999999999999999999\n") + END),
        "sparse-pax-0": ("harmless", pax([("GNU.sparse.size", "100"), ("GNU.sparse.numblocks", "1"), ("GNU.sparse.map", "0,99999999999999999999")]) + header(b"f", 5) + body(EVIL) + END),
        "sparse-name-climbs": ("harmless", pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", f"{up}/f"), ("GNU.sparse.realsize", "5")]) + header(b"f", 1024) + body(b"1\n0\n5\n") + body(EVIL) + END),
        "xattr-overlay-all": ("harmless", tar_of(("a", DIR, b"", "", 0o755, attributes(SCHILY__xattr__trusted__overlay__opaque="x")), ("f", FILE, EVIL, "", 0o755, attributes(
            SCHILY__xattr__trusted__overlay__metacopy="", SCHILY__xattr__trusted__overlay__redirect=f"/{up}/f", SCHILY__xattr__user__overlay__redirect=f"/{up}/f",
            SCHILY__xattr__trusted__overlay__whiteout="y", SCHILY__xattr__trusted__overlay__origin="\0\1")))),
        "xattr-capability-all": ("harmless", tar_of(("f", FILE, EVIL, "", 0o755, attributes(SCHILY__xattr__security__capability=capability)), ("f2", HARD, b"", "f"), ("f", SYM, b"", f"{c}/f"))),
        "xattr-of-link": ("harmless", tar_of(("s", SYM, b"", f"{c}/f", 0o777, attributes(SCHILY__xattr__user__evil="1", SCHILY__xattr__security__capability=capability)),
                                             ("d", SYM, b"", c, 0o777, attributes(SCHILY__xattr__trusted__evil="1")))),
        "xattr-acl": ("harmless", tar_of(("d", DIR, b"", "", 0o755, attributes(SCHILY__acl__access="user::rwx,group::rwx,other::rwx", SCHILY__acl__default="nonsense",
                                                                              SCHILY__xattr__system__posix_acl_access="nonsense")))),
        "xattr-security": ("harmless", tar_of(("f", FILE, EVIL, "", 0o755, attributes(SCHILY__xattr__security__selinux="x", SCHILY__xattr__security__ima="x", SCHILY__xattr__system__nfs4_acl="x")))),
        "xattr-names": ("harmless", pax([("SCHILY.xattr.", "x"), ("SCHILY.xattr.user.", "x"), ("SCHILY.xattr.user.a\0b", "x"), ("SCHILY.xattr.user." + "n" * 250, "x"),
                                         ("SCHILY.xattr." + "n" * 5000, "x"), ("LIBARCHIVE.xattr.user.%zz%00%2f", "!!!")]) + header(b"f") + END),
        "xattr-value-huge": ("harmless", pax([("SCHILY.xattr.user.big", b"v" * (900 << 10))]) + header(b"f") + END),
        "thousand-names-of-one": ("harmless", tar_of(("f", FILE, EVIL), *[(f"h{i}", HARD, b"", "f") for i in range(1000)], ("f", SYM, b"", f"{c}/f"), ("h0", FILE, EVIL))),
        "folders-flip-to-links": ("harmless", tar_of(*[e for i in range(300) for e in (("d", DIR), (f"d/f{i}", FILE, EVIL), ("d", SYM, b"", c))])),
        "zip": ("refuse", b"PK\3\4" + b"\0" * 600),
        "zstd-skippable-only": ("refuse", b"\x50\x2a\x4d\x18\xff\xff\xff\x7f" + b"\0" * 100),
        "gzip-in-gzip": ("refuse", gzip.compress(gzip.compress(tar_of(("f", FILE, EVIL))))),
        "end-in-the-middle": ("harmless", header(b"f") + END + tar_of((f"{up}/f", FILE, EVIL))),
    }


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


def digest(data):
    return hashlib.sha256(data).hexdigest()


def docker_archive(c, layer=None, config=None, manifest=None, extra=()):
    layer = layer if layer is not None else tar_of(("f", FILE, b"fine\n"))
    config = config if config is not None else json.dumps(
        {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(layer)]}}).encode()
    manifest = manifest if manifest is not None else [{"Config": "config.json", "RepoTags": ["hostile:latest"], "Layers": ["layer.tar"]}]
    if not isinstance(manifest, bytes):
        manifest = json.dumps(manifest).encode()
    return tar_of(*extra, ("layer.tar", FILE, layer), ("config.json", FILE, config), ("manifest.json", FILE, manifest))


def oci_archive(change):
    layer = tar_of(("f", FILE, b"fine\n"))
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(layer)]}}).encode()
    parts = {"layer": layer, "config": config}
    descriptor = lambda kind, data: {"mediaType": kind, "digest": "sha256:" + digest(data), "size": len(data)}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": descriptor("application/vnd.oci.image.config.v1+json", config),
                "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", layer)]}
    index = {"schemaVersion": 2, "manifests": []}
    blobs = {}
    change("manifest", manifest, parts, blobs)
    manifest_bytes = json.dumps(manifest).encode()
    index["manifests"] = [descriptor(manifest["mediaType"], manifest_bytes)]
    blobs = {digest(layer): parts["layer"], digest(config): parts["config"], digest(manifest_bytes): manifest_bytes, **blobs}
    change("index", index, parts, blobs)
    return tar_of(("oci-layout", FILE, b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", FILE, json.dumps(index).encode()),
                  *[(f"blobs/sha256/{name}", FILE, data) for name, data in blobs.items() if data is not None])


def images(c):
    up = "../" * 12 + c.lstrip("/")

    def at(place, act):
        return lambda where, document, parts, blobs: act(document, parts, blobs) if where == place else None

    def set_layer(key, value):
        def act(document, parts, blobs):
            document["layers"][0][key] = value
        return at("manifest", act)

    def swap_blob(which):
        def act(document, parts, blobs):
            parts[which] = parts[which][:-1] + b"!"
        return at("manifest", act)

    def drop(name_of):
        def act(document, parts, blobs):
            blobs[name_of(document, parts)] = None
        return at("manifest", act)

    def nest(document, parts, blobs):
        inner = json.dumps(document).encode()
        for _ in range(200):
            blobs[digest(inner)] = inner
            inner = json.dumps({"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.index.v1+json",
                                                                   "digest": "sha256:" + digest(inner), "size": len(inner)}]}).encode()
        document["manifests"] = json.loads(inner)["manifests"]

    good_layer = tar_of(("f", FILE, b"fine\n"))
    return {
        "not-an-image": ("refuse", tar_of(("f", FILE, EVIL))),
        "empty-manifest": ("refuse", docker_archive(c, manifest=[])),
        "manifest-depth-bomb": ("refuse", docker_archive(c, manifest=b"[" * 100000)),
        "manifest-wrong-types": ("refuse", docker_archive(c, manifest=[{"Config": 5, "Layers": "x"}])),
        "manifest-twice": ("refuse", docker_archive(c, extra=[("manifest.json", FILE, b"[]")])),
        "manifest-cut": ("refuse", docker_archive(c, manifest=b'[{"Config":"config.js')),
        "manifest-huge": ("refuse", docker_archive(c, manifest=b'[{"Config":"' + b"x" * (40 << 20) + b'"}]')),
        "config-outside": ("refuse", docker_archive(c, manifest=[{"Config": f"{up}/f", "Layers": ["layer.tar"]}])),
        "config-is-folder": ("refuse", docker_archive(c, manifest=[{"Config": "d", "Layers": ["layer.tar"]}], extra=[("d", DIR)])),
        "config-missing": ("refuse", docker_archive(c, manifest=[{"Config": "none.json", "Layers": ["layer.tar"]}])),
        "config-depth-bomb": ("refuse", docker_archive(c, config=b'{"a":' * 100000)),
        "layer-outside": ("refuse", docker_archive(c, manifest=[{"Config": "config.json", "Layers": [f"{up}/f"]}])),
        "layer-absolute": ("refuse", docker_archive(c, manifest=[{"Config": "config.json", "Layers": [f"{c}/f"]}])),
        "layer-link-outside": ("refuse", docker_archive(c, manifest=[{"Config": "config.json", "Layers": ["l"]}], extra=[("l", SYM, b"", f"{c}/f")])),
        "layer-link-circle": ("refuse", docker_archive(c, manifest=[{"Config": "config.json", "Layers": ["l"]}], extra=[("l", SYM, b"", "m"), ("m", SYM, b"", "l")])),
        "layer-missing": ("refuse", docker_archive(c, manifest=[{"Config": "config.json", "Layers": ["none.tar"]}])),
        "layer-count-lies": ("refuse", docker_archive(c, manifest=[{"Config": "config.json", "Layers": ["layer.tar", "layer.tar"]}])),
        "diff-id-lies": ("refuse", docker_archive(c, config=json.dumps({"rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}}).encode())),
        "diff-id-path": ("refuse", docker_archive(c, config=json.dumps({"rootfs": {"type": "layers", "diff_ids": [f"sha256:{up}"]}}).encode())),
        "layer-garbage": ("refuse", docker_archive(c, layer=b"no tar" * 500)),
        "layer-climbs": ("harmless", docker_archive(c, layer=tar_of((f"{up}/f", FILE, EVIL)))),
        "layer-through-link": ("harmless", docker_archive(c, layer=tar_of(("a", SYM, b"", c), ("a/f", FILE, EVIL)))),
        "tag-is-path": ("refuse", docker_archive(c, manifest=[{"Config": "config.json", "RepoTags": [f"{up}/x:latest"], "Layers": ["layer.tar"]}])),
        "tag-escape": ("refuse", docker_archive(c, manifest=[{"Config": "config.json", "RepoTags": ["\x1b[2Jx"], "Layers": ["layer.tar"]}])),
        "oci-layer-digest-lies": ("refuse", oci_archive(swap_blob("layer"))),
        "oci-config-digest-lies": ("refuse", oci_archive(swap_blob("config"))),
        "oci-layer-size-lies": ("refuse", oci_archive(set_layer("size", 7))),
        "oci-layer-size-negative": ("refuse", oci_archive(set_layer("size", -1))),
        "oci-layer-digest-path": ("refuse", oci_archive(set_layer("digest", f"sha256:{up}/f"))),
        "oci-layer-digest-weak": ("refuse", oci_archive(set_layer("digest", "md5:" + "0" * 32))),
        "oci-layer-missing": ("refuse", oci_archive(drop(lambda d, p: digest(good_layer)))),
        "oci-layer-type": ("refuse", oci_archive(set_layer("mediaType", "application/x-evil"))),
        "oci-index-nested": ("refuse", oci_archive(at("index", nest))),
        "cut": ("refuse", docker_archive(c)[:1500]),
    }


def as_layer(verdict, data):
    """An image whose one layer is that tree; the configuration tells the truth about its digest."""
    return verdict, docker_archive("", layer=data)


def main():
    folder, canary = sys.argv[1:]
    layers = {f"layer-{name}": as_layer(*archive) for name, archive in trees(canary).items()}
    for command, archives in (("import", trees(canary)), ("load", images(canary)), ("load", layers)):
        for name, (verdict, data) in archives.items():
            with open(f"{folder}/{command}.{verdict}.{name}", "wb") as file:
                file.write(data)


if __name__ == "__main__":
    main()

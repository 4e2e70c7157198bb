#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Paths inside untrusted trees go by descriptor through base/in_root.hh, never as a string that was put together or
checked before it is used. This finds the usual ways of doing it wrong; each exception below says why it is none."""
import re

import sources

EVERYWHERE = [
    (r"#\s*include\s*<filesystem>|\bstd::filesystem\b", "std::filesystem resolves paths by string: use base/file.hh or base/in_root.hh"),
    (r"\b(?:::)?(?:realpath|canonicalize_file_name)\s*\(", "a path that was resolved before it is used may have changed: use base/in_root.hh"),
    (r"\b(?:::)?(?:system|popen)\s*\(", "no shell: use spawn() of base/process.hh"),
    (r"\b(?:::)?(?:tmpnam|tempnam|mktemp)\s*\(", "a temporary name that is not made with the file: use TempDir"),
]

# Where descriptors of untrusted trees are at hand.
CONFINED = ["src/oci/run/", "src/storage/", "src/unpack/"]
IN_CONFINED = [
    (r"(?<![\w>])::mount\s*\(", "mount(2) takes paths by string: use fsmount, open_tree and move_mount on descriptors"),
    (r"(?<![\w>])::(?:umount2?|chroot|chown|chmod|lchown|link|symlink|rename|unlink|rmdir|mkdir|mknod|truncate)\s*\(",
     "takes a path by string: use the …at() call with a folder's descriptor"),
    (r"\b\w*(?:root|rootfs|merged|upper|destination|target)\w*(?:\.c_str\(\))?\s*\+\s*\"/",
     "a path below an untrusted root put together by hand"),
    (r"\"\{\}/\{\}\"\s*,\s*\w*(?:root|rootfs|merged|destination|target)\w*\b", "a path below an untrusted root put together by hand"),
]

CGROUP = "a folder of cgroupfs, which is the host's and holds no links"
DOT = "'.' and '/' name where the process is: nothing is resolved"
# (path, a part of the line) -> why it is right there.
ALLOWED = {
    ("src/oci/run/cgroup_files.cc", "::mkdir(folder.c_str()"): CGROUP,
    ("src/oci/run/cgroup_files.cc", "::rmdir(folder.c_str()"): CGROUP,
    ("src/oci/run/bind_renewal.cc", "::umount2(std::to_string(fd.get())"): "a descriptor's name in the host's procfs",
    ("src/oci/run/root_mount.cc", '::mount(nullptr, "/"'): DOT,
    ("src/oci/run/root_mount.cc", '::mount(nullptr, "."'): DOT,
    ("src/oci/run/root_mount.cc", '::umount2("."'): DOT,
    ("src/oci/run/root_mount.cc", '::chroot(".")'): DOT,
    ("src/oci/run/overlay.cc", '::mount(nullptr, "/"'): DOT,
    ("src/oci/run/overlay.cc", '::mount("overlay", place'): "layers go by /proc/self/fd/N, for kernels before 6.13; '/' resolves nothing",
    ("src/oci/run/mount_steps.cc", 'bind_folder(root, cgroup_folder(host, index++, folder), step.target + "/" + name, below'):
        "only for messages: what is mounted on is the descriptor 'below'",
    ("src/unpack/confine.cc", '::chroot(".")'): DOT,
}


def matches(path, text):
    rules = EVERYWHERE + (IN_CONFINED if any(path.startswith(folder) for folder in CONFINED) else [])
    # Strings are needed by the rules about concatenation, comments by none.
    code = sources.code_only(text).splitlines()
    lines = text.splitlines()
    for number, (plain, line) in enumerate(zip(code, lines), 1):
        bare = line[: len(plain.rstrip())]  # without a trailing comment, strings kept
        for pattern, reason in rules:
            if re.search(pattern, bare if '"' in pattern else plain):
                yield number, line.strip(), reason


def main():
    problems, used = [], set()
    paths = sources.files(["src"], (".cc", ".hh"))
    for path in paths:
        for number, line, reason in matches(path, sources.read(path)):
            entry = next((key for key in ALLOWED if key[0] == path and key[1] in line), None)
            if entry:
                used.add(entry)
            else:
                problems.append(f"{path}:{number}: {reason}\n    {line}")
    problems += [f"tests/lint/in_root.py: exception {key} is not needed any more" for key in ALLOWED if key not in used]
    sources.finish("in_root", len(paths), problems)


main()

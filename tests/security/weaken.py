#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that the security tests see the measures they are for: each must fail when its measure is switched off.

    sudo tests/security/weaken.py [--build FOLDER] [--only TEXT] [--guest]
    tests/security/weaken.py --check

In a copy of the tree (default build-weakened) the tests of runtime.bats, and others that a measure names, pass first as they are.
Then for each measure its lines are replaced, kist is built, the measure's tests are run, and each has to fail; the line at which it
does is printed. What is attacked then is really hit, and lies in the test's own folder; even so this is for a machine that may come
to harm. --guest does so with the measures whose tests run in the guest of tests/guest alone.
--check only looks that the lines are still there and that every test of runtime.bats has a measure.
"""
import argparse
import filecmp
import os
import re
import shutil
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TESTS = "tests/security/runtime.bats"
CHECKPOINT = "tests/system/oci_checkpoint.bats"
PROGRAMS = {"KIST": "src/cli/kist", "KIST_OCI": "src/runtime/kist-oci", "ATTACKER": "tests/security/attacker"}
TARGETS = [*PROGRAMS.values(), "src/monitor/kist-monitor", "src/unpack/kist-unpack", "src/fetch/kist-fetch"]


class Measure:
    """A measure, the beginnings of its tests' names, and how it is switched off: (file, its text, what stands there then)…"""

    def __init__(self, name, tests, *edits, command=None, file=TESTS, guest=False):
        self.name, self.tests, self.edits = name, tests, edits
        self.command = command  # for what is no source: run in the build folder
        self.file = file  # where the tests are
        self.guest = guest  # they need the guest


# Where two measures stop one attack, both are switched off.
NO_CHECK_OF_CWD = ("src/oci/run/launch.cc", "if (text[0] != '/') throw", "if (text[0] == 0) throw")
ALL_KEPT = ("src/oci/run/clone.cc", "if (!stage.keep.empty()) close_all_but", "if (false) close_all_but")

MEASURES = [
    Measure("paths are resolved inside the root", ["2015-3627", "2015-3629", "2019-18837", "2021-30465", "2026-41579", "2025-52565"],
            ("src/base/in_root.cc", "how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;", "how.resolve = 0;"),
            ("src/base/in_root.cc", "root.get(), path.c_str(), &how,", 'root.get(), ("./" + path).c_str(), &how,')),
    Measure("a mount's destination is a descriptor, and is looked at again", ["2021-30465"],
            ("src/oci/run/mount_steps.cc", "    attach_mount(mount, target);\n    if (mount_id(open_in_root(root, path, O_PATH)) != mount_id(mount))\n",
             '    const std::string by_name = fmt::format("/proc/self/fd/{}{}", root.get(), path);\n'
             "    if (::move_mount(mount.get(), \"\", AT_FDCWD, by_name.c_str(), MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS) < 0)\n"
             '        throw SysError("attaching the mount");\n    if (!target)\n')),
    Measure("the root is that of the mount namespace", ["chroot"],
            ("src/oci/run/root_mount.cc", "if (root_place() == ours) return;", "if (ours.inode != 0) return;")),
    Measure("a number is no name", ["2016-3697"],
            ("src/oci/run/user_lookup.cc", "return number ? uid == *number : name == user && is_plausible_name(user);",
             "return name == user || (number && uid == *number);")),
    Measure("user ids have an end", ["2026-30892"],
            ("src/oci/run/user_lookup.cc", "parse_unsigned(text, max_id);", "parse_unsigned(text, UINT64_MAX);")),
    Measure("what enters a container holds nothing of the host", ["2016-9962"], ALL_KEPT),
    Measure("what enters a container runs from a read-only mount", ["2019-5736"],
            ("src/oci/run/sealed_program.cc", "    if (runs_sealed()) return;", "    if (!argv.empty()) return;")),
    Measure("/proc: destinations are checked by their words", ["2019-16884"],
            ("src/oci/run/mount_plan.cc", "    check_below_proc(step);\n", "")),
    Measure("/proc: destinations are checked when they are open", ["2019-16884"],
            ("src/oci/run/mount_guard.cc", "if (!is_on_proc(target)) return;", "if (!is_on_proc(target) || !step.target.empty()) return;")),
    Measure("/proc: only procfs comes there", ["2019-16884"],
            ("src/oci/run/mount_guard.cc", 'if (step.target == "/proc" && !is_proc_root(source))', "if (step.target.empty() && !is_proc_root(source))")),
    Measure("/proc and /sys of an image are no links", ["2023-27561"],
            ("src/oci/run/mount_steps.cc", "if (step.refuse_link) refuse_link", "if (false) refuse_link")),
    Measure("lengths are not cut to 16 bits", ["2021-43784"],
            ("src/base/json.cc", "add(std::string(text, size))", "add(std::string(text, static_cast<std::uint16_t>(size)))")),
    Measure("devices are denied first", ["GHSA-g54h"],
            ("src/oci/run/cgroup_devices.cc", "std::vector<Rule> rules{{.allow = false,", "std::vector<Rule> rules{{.allow = true,"),
            ("src/oci/run/cgroup_devices.cc", "if (parsed.is_everything()) rules.clear();", "if (parsed.is_everything()) continue;")),
    Measure("no inheritable and no ambient capabilities", ["2022-24769"],
            ("src/oci/run/capabilities.cc", ".inheritable = {}, .permitted = list, .ambient = {}", ".inheritable = list, .permitted = list, .ambient = list")),
    Measure("exec has the container's capabilities", ["2025-27612"],
            ("src/engine/exec.cc", ": capabilities_of(config.security));", ": oci::default_capabilities());")),
    Measure("control groups are read-only", ["2023-25809"],
            ("src/engine/mount_spec.cc", '{"nosuid", "noexec", "nodev", "relatime", access}', '{"nosuid", "noexec", "nodev", "relatime", "rw"}')),
    Measure("no CAP_SYS_ADMIN", ["2023-25809"],
            ("src/oci/run/capabilities.cc", '"CAP_SYS_CHROOT"}', '"CAP_SYS_CHROOT", "CAP_SYS_ADMIN"}')),
    Measure("the seccomp filter", ["2023-25809", "2026-31431"],
            ("src/oci/run/identity.cc", "if (filter.empty()) return;", "if (flags == 0) return;")),
    Measure("a working folder is made in the root, and is looked for there", ["2024-21626"],
            ("src/oci/run/container.cc", "    if (plan.options.create_cwd) make_dirs_in_root(root, process.cwd);\n    mask_paths", "    mask_paths"),
            NO_CHECK_OF_CWD),
    Measure("what enters a container holds nothing of the host, and its working folder is inside", ["2024-21626"], ALL_KEPT, NO_CHECK_OF_CWD),
    Measure("descriptors that kist was given end when a container is entered, and at exec", ["2016-8649"], ALL_KEPT,
            ("src/oci/run/launch.cc", "if (::close_range(first, ~0u, CLOSE_RANGE_CLOEXEC) == 0) return;", "if (first < ~0u) return;")),
    Measure("masks are the host's null device", ["2025-31133"],
            ("src/oci/run/mount_steps.cc", "Masks masks(std::move(null));",
             'Masks masks(null ? std::move(null) : clone_mount(open_in_root(root, "/dev/null", O_PATH), Depth::one));')),
    Measure("paths are masked", ["2025-31133"],
            ("src/oci/run/mount_steps.cc", "find(root, kernel, path)) masks.hide(*found);", "find(root, kernel, path); !found) masks.hide(*found);")),
    Measure("paths are read-only", ["2025-31133"],
            ("src/oci/run/mount_steps.cc", "            if (!found) continue;", "            if (found || !found) continue;")),
    Measure("masks are looked up from procfs itself", ["2019-19921"],
            ("src/oci/run/mount_steps.cc", "if (whole.starts_with(folder))", "if (folder.empty())")),
    Measure("a terminal is not mounted on procfs", ["2025-52565"],
            ("src/oci/run/devices.cc", "if (is_on_proc(target)) throw", "if (false) throw")),
    Measure("what concerns /proc is written before the container is entered, and to procfs alone", ["2015-1334"],
            ("src/oci/run/container.cc", "    if (process.oom_score_adj) set_oom_score(*process.oom_score_adj);\n    set_rlimits", "    set_rlimits"),
            ("src/oci/run/container.cc", "    begin_process(plan.options);\n    set_scheduling(process);\n    // Entering",
             "    begin_process(plan.options);\n    if (process.oom_score_adj) set_oom_score(*process.oom_score_adj);\n    set_scheduling(process);\n    // Entering"),
            ("src/oci/run/identity.cc", 'if (!is_on_proc(file)) throw Error("{}: \'{}\' is not on procfs", what, path);', "")),
    Measure("a program is in a session of its own", ["2016-8649"],
            ("src/oci/run/launch.cc", "if (::setsid() < 0) throw", "if (false) throw")),
    Measure("no program is setuid", ["2018-6556"], command=["chmod", "u+s", "src/cli/kist"]),
    Measure("sockets of unusual families", ["2026-31431"],
            ("src/oci/run/default_seccomp.json", '"args": [{"index": 0, "value": 12, "op": "SCMP_CMP_LT"}] }', '"args": [{"index": 0, "value": 99, "op": "SCMP_CMP_LT"}] }')),
    Measure("folders of state are root's", ["2013-6441"],
            ("src/storage/store.cc", "::fchmod(root.fd().get(), 0700)", "::fchmod(root.fd().get(), 0755)")),
    Measure("what criu reads is root's", ["what cannot be done is said"],
            ("src/runtime/checkpoint.cc", "if (facts.st_uid == ::geteuid() && (", "if (facts.st_uid == ::geteuid() || ("),
            file=CHECKPOINT),
    Measure("masked and read-only paths are so after a restore", ["a process goes on where it was"],
            ("src/runtime/checkpoint.cc", "protect_mounts(plan_.flags, told.notified_pid);", "protect_mounts({}, told.notified_pid);"),
            file=CHECKPOINT, guest=True),
]


def named_tests(text):
    return re.findall(r'^@test "(.*)" \{$', text, re.MULTILINE)


def check():
    """What does not fit the tree any more."""
    problems = []
    tests = {}
    for file in {measure.file for measure in MEASURES}:
        with open(f"{TOP}/{file}", encoding="utf-8") as source:
            tests[file] = named_tests(source.read())
    for measure in MEASURES:
        for file, old, _ in measure.edits:
            with open(f"{TOP}/{file}", encoding="utf-8") as source:
                if source.read().count(old) != 1:
                    problems.append(f"{file}: not once in it: {old!r} (measure '{measure.name}')")
        problems += [f"{measure.file}: no test begins with '{name}'" for name in measure.tests if not any(test.startswith(name) for test in tests[measure.file])]
    tried = {test for test in tests[TESTS] for measure in MEASURES for name in measure.tests if test.startswith(name)}
    return problems + [f"{TESTS}: no measure in weaken.py is switched off for '{test}'" for test in tests[TESTS] if test not in tried]


class Copy:
    """A copy of the tree, in which the measures are switched off, and its build."""

    def __init__(self, folder, verbose):
        self.verbose = verbose
        self.tree = os.path.realpath(folder)
        self.build, self.temporary = f"{self.tree}/build", f"{self.tree}/tmp"  # the tests' /tmp
        if f"{self.tree}/".startswith("/tmp/"):
            sys.exit("--build: it cannot lie in /tmp, which the tests have for themselves")
        listed = subprocess.run(["git", "-c", f"safe.directory={TOP}", "ls-files", "-z"], cwd=TOP, stdout=subprocess.PIPE, check=True).stdout
        for name in filter(None, listed.decode().split("\0")):
            source, target = f"{TOP}/{name}", f"{self.tree}/{name}"
            if os.path.exists(target) and filecmp.cmp(source, target, shallow=False):
                continue
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(source, target)  # with the time of now: what was built of another text is older
        self.make_temporary()
        if not os.path.exists(f"{self.build}/build.ninja"):
            subprocess.run(["meson", "setup", self.build, self.tree, "--buildtype=plain", "-Doptimization=0", "--werror"], stdout=subprocess.DEVNULL, check=True)

    def make(self):
        made = subprocess.run(["ninja", "-C", self.build, *TARGETS], stdout=subprocess.PIPE, text=True, check=False)
        if made.returncode != 0:
            sys.exit(f"the build failed:\n{made.stdout[-3000:]}")

    def replace(self, file, old, new):
        """What stood in the file before."""
        with open(f"{self.tree}/{file}", encoding="utf-8") as source:
            text = source.read()
        self.write(file, text.replace(old, new, 1))
        return text

    def write(self, file, text):
        with open(f"{self.tree}/{file}", "w", encoding="utf-8") as source:
            source.write(text)

    def run(self, tests, file, guest):
        """name → None when it passed, else the line at which it failed. In namespaces that take along what a test has left behind."""
        pattern = "^(" + "|".join(re.escape(test) for test in tests) + ")"
        environment = {**os.environ, **{name: f"{self.build}/{program}" for name, program in PROGRAMS.items()}}
        words = ["unshare", "--mount", "--net", "--ipc", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
                 'ip link set lo up; mount --bind "$0" /tmp; bats --formatter tap -f "$@"; exit $?', self.temporary, pattern, f"{self.tree}/{file}"]
        if guest:
            words = [f"{self.tree}/tests/guest/run", self.build, "-f", pattern, f"{self.tree}/{file}"]
        output = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
        self.remove_rest()
        results = {}
        for verdict, name, notes in re.findall(r"^(ok|not ok) \d+ (.*?)(?: in \d+ms)?\n((?:#.*\n)*)", output, re.MULTILINE):
            where = re.search(r"^#\s+`(.*)' failed", notes, re.MULTILINE)
            results[name] = None if verdict == "ok" else where.group(1) if where else notes
        if not results:
            sys.exit(f"no test ran:\n{output}")
        if self.verbose:
            print(output, flush=True)
        return results

    def remove_rest(self):
        """Of tests whose kist was no longer able to clean up: their processes have ended with their namespace."""
        for folder in os.listdir(self.temporary):
            groups = f"*kist-test-{folder.rpartition('.')[2]}*"
            for _ in range(20):
                subprocess.run(["find", "/sys/fs/cgroup", "-depth", "-type", "d", "-path", groups, "-exec", "rmdir", "{}", "+"], stderr=subprocess.DEVNULL, check=False)
                left = subprocess.run(["find", "/sys/fs/cgroup", "-type", "d", "-path", groups], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
                if not left:
                    break
                time.sleep(0.1)
        self.make_temporary()

    def make_temporary(self):
        shutil.rmtree(self.temporary, ignore_errors=True)
        os.mkdir(self.temporary)
        os.chmod(self.temporary, 0o1777)


def switch_off(copy, measure):
    """How many of the measure's tests did not see it."""
    before = [(edit[0], copy.replace(*edit)) for edit in measure.edits]
    try:
        copy.make()
        if measure.command:
            subprocess.run(measure.command, cwd=copy.build, check=True)
        results = {}
        for test in measure.tests:  # one at a time: each must fail of its own
            results |= copy.run([test], measure.file, measure.guest)
    finally:
        for file, text in reversed(before):
            copy.write(file, text)
        for program in TARGETS:  # an attack may have changed them
            if os.path.exists(f"{copy.build}/{program}"):
                os.unlink(f"{copy.build}/{program}")
    for test, line in results.items():
        print(f"{'not ok' if line is None else 'ok'} - {measure.name} | {test} | {line or 'it PASSES without the measure'}", flush=True)
    return sum(line is None for line in results.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", metavar="FOLDER", default=f"{TOP}/build-weakened")
    parser.add_argument("--only", metavar="TEXT", default="", help="measures and tests whose name holds it")
    parser.add_argument("--guest", action="store_true", help="the measures whose tests need the guest, and no others")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="all that the tests print")
    args = parser.parse_args()
    problems = check()
    if args.check or problems:
        for problem in problems:
            print(problem)
        return 1 if problems else 0
    chosen = [measure for measure in MEASURES
              if measure.guest == args.guest and (args.only in measure.name or any(args.only in test for test in measure.tests))]
    if not chosen:
        sys.exit(f"--only: no measure{' for the guest' if args.guest else ''} has '{args.only}' in its name or tests")
    copy = Copy(args.build, args.verbose)
    copy.make()
    failed = {}
    for file in sorted({measure.file for measure in chosen}):
        results = copy.run(sorted({test for measure in chosen if measure.file == file for test in measure.tests}), file, args.guest)
        failed |= {test: line for test, line in results.items() if line is not None}
    for test, line in failed.items():
        print(f"not ok - as it is | {test} | {line}")
    if failed:
        return 1
    unseen = sum(switch_off(copy, measure) for measure in chosen)
    print(f"# {len(chosen)} measures switched off, {unseen} times a test did not see it")
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
# Shared by the system tests (bats): a private root and runroot, the image busybox, and the leak check that follows every
# test: what the host has of mounts, links, cgroups, processes and temporary files must be what it had before.
# The environment names the programs under test: KIST (the command), else build-check's.

. "${BASH_SOURCE[0]%/*}/common.bash"

KIST=${KIST:-$top/build-check/src/cli/kist}

kist() {
    "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" "$@"
}

# is_dead PID: gone, or a zombie that holds nothing any more.
is_dead() { ! grep -q '^State:.[RSDTt]' "/proc/$1/status" 2>/dev/null; }

# kill_monitor CONTAINER: the next command finds it dead. On a busy host the kernel takes its time after a kill.
kill_monitor() {
    local pid
    pid=$(kist inspect -f '{{.State.MonitorPid}}' "$1")
    kill -9 "$pid"
    wait_until 10 is_dead "$pid"
}

# make_root: a fresh store for this file, with the image busybox. For setup_file.
make_root() {
    need_root
    ROOT_T=$(mktemp -d /tmp/kist-system.XXXXXX)
    export ROOT_T
    CGROUP_PARENT=/kist-test-${ROOT_T##*.}
    export CGROUP_PARENT
    printf '{"cgroup-parent": "%s"}\n' "$CGROUP_PARENT" >"$ROOT_T/kist.json"
    busybox_archive "$ROOT_T/busybox.tar"
    kist import --quiet --change 'CMD ["sh"]' "$ROOT_T/busybox.tar" busybox >/dev/null
}

# The archive is the same for all files; it is made by the function that quickstart uses.
busybox_archive() (
    . "$top/contrib/lib.sh"
    busybox_tar "$1"
)

# remove_root: for teardown_file. Removes every container, then looks for what is left.
remove_root() {
    [ -n "${ROOT_T:-}" ] || return 0
    kist rm -af -t 0 >/dev/null 2>&1 || true
    kist network prune -f >/dev/null 2>&1 || true
    find /sys/fs/cgroup -depth -type d -path "*$CGROUP_PARENT*" -exec rmdir {} + 2>/dev/null || true
    rm -rf "$ROOT_T"
}

# What this test file could leave behind, one thing a line. PID 1 of a test machine may not reap orphans, so zombies (which
# have no command line) do not count. It runs twice a test: no process is started for each of the host's.
footprint() {
    awk '{print "mount " $5}' /proc/self/mountinfo
    ls /sys/class/net | sed 's/^/link /'
    find /sys/fs/cgroup -maxdepth 4 -type d -path "*$CGROUP_PARENT/*" 2>/dev/null | sed 's/^/cgroup /'
    local file
    for file in $(grep -lsaP '^([^\x00]*/)?kist-monitor\x00' /proc/[0-9]*/cmdline); do
        echo "process ${file//[!0-9]/} $(tr '\0' ' ' 2>/dev/null <"$file")"
    done
    ls "$ROOT_T/root/tmp" 2>/dev/null | sed 's/^/temp /'
    ls "$ROOT_T"/run/networks/*/leases 2>/dev/null | grep -E '^[0-9a-f.:]+$' | grep -v : | sed 's/^/lease /'
    ls /run/netns 2>/dev/null | sed 's/^/netns /'
    ! command -v nft >/dev/null || nft list tables 2>/dev/null | sed 's/^/firewall /'
    sed 's/^/ip_forward /' /proc/sys/net/ipv4/ip_forward
    ls "$ROOT_T/run/containers" "$ROOT_T/root/containers" 2>/dev/null | grep -E '^[0-9a-f]{64}$' | sed 's/^/record /'
    ls "$ROOT_T/root/containers/names" 2>/dev/null | sed 's/^/name /'
}

# For setup of every test.
remember_footprint() {
    remember footprint
}

# For teardown of every test: removes the test's containers as a user would, then compares. A removed container's monitor
# may still be on its last lines, so the comparison waits up to two seconds for processes to go.
check_footprint() {
    kist rm -af -t 0 >/dev/null || { echo "rm -af failed in clean-up"; return 1; }
    kist network prune -f >/dev/null || { echo "network prune failed in clean-up"; return 1; }
    nothing_left footprint
}

# mount_quota_disk IMAGE FOLDER: an ext4 file system of 64 MiB with project quotas, in a file. Skips with what the kernel lacks:
# quotas of ext4 are CONFIG_QFMT_V2 (module quota_v2), those of xfs CONFIG_XFS_QUOTA. tests/guest has a kernel with them.
mount_quota_disk() {
    truncate -s 64m "$1"
    mkfs.ext4 -q -O quota,project -E quotatype=prjquota "$1"
    mkdir -p "$2"
    mount -o loop,prjquota "$1" "$2" 2>/dev/null || skip "no project quotas: $(dmesg 2>/dev/null | grep -o 'EXT4-fs (loop.*' | tail -n 1)"
}

# inspected FIELD CONTAINER, as "State.Status web"; and whether it has that value, or COUNT restarts at least.
inspected() { kist inspect --format "{{.$1}}" "$2"; }
has() { [ "$(inspected "$1" "$2")" = "$3" ]; }
has_restarted() { [ "$(inspected RestartCount "$1")" -ge "$2" ]; }

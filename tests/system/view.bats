#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a container sees that asks for nothing, and how each option changes it, against golden files (SECURITY section 2).
# UPDATE_GOLDEN=1 writes them anew: read the diff.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() { check_footprint; }

golden() { # golden NAME: standard input is compared with golden/view-NAME.txt
    local file="$BATS_TEST_DIRNAME/golden/view-$1.txt"
    cat >"$BATS_TEST_TMPDIR/seen"
    if [ -n "${UPDATE_GOLDEN:-}" ]; then
        mkdir -p "${file%/*}"
        cp "$BATS_TEST_TMPDIR/seen" "$file"
    fi
    diff -u "$file" "$BATS_TEST_TMPDIR/seen"
}
script() { cat "$BATS_TEST_DIRNAME/view.sh"; }

@test "run" { kist run --rm busybox sh -c "$(script)" | golden run; }
@test "run -u 1000" { kist run --rm -u 1000 busybox sh -c "$(script)" | golden user; }
@test "run --init" { kist run --rm --init busybox sh -c "$(script)" | golden init; }
@test "run -t" { script | kist run --rm -i busybox sh | golden run; }
@test "run --cap-drop all --read-only --security-opt no-new-privileges" {
    kist run --rm --cap-drop all --read-only --security-opt no-new-privileges busybox sh -c "$(script)" | golden hardened
}
@test "exec sees what run sees" {
    kist run -d --name view busybox sleep 1000 >/dev/null
    kist exec view sh -c "$(script)" | golden run
    kist exec -u 1000 view sh -c "$(script)" | golden user
}
@test "--privileged has what the host has, and no filter" {
    kist run --rm --privileged busybox cat /proc/self/status >"$BATS_TEST_TMPDIR/status"
    grep -qx "Seccomp:	0" "$BATS_TEST_TMPDIR/status"
    local set
    for set in CapPrm CapEff CapBnd; do
        [ "$(awk "/^$set:/ {print \$2}" "$BATS_TEST_TMPDIR/status")" = "$(awk '/^CapBnd:/ {print $2}' /proc/self/status)" ]
    done
    kist run --rm --privileged busybox sh -c 'mkdir /m && mount -t tmpfs tmpfs /m && echo 1 >/proc/sys/kernel/printk_delay && echo 0 >/proc/sys/kernel/printk_delay'
}

@test "every masked and read-only path of the host is so inside, in run and exec" {
    kist run -d --name masks busybox sleep 1000 >/dev/null
    local path masked readonly_ checked=0
    masked="/proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats /proc/sched_debug /proc/scsi /proc/timer_list /proc/timer_stats /sys/devices/virtual/powercap /sys/firmware /sys/fs/selinux"
    readonly_="/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger"
    for path in $masked $(ls -d /sys/devices/system/cpu/cpu*/thermal_throttle 2>/dev/null); do
        [ -e "$path" ] || continue
        checked=$((checked + 1))
        if [ -d "$path" ]; then
            [ -z "$(kist exec masks ls -A "$path")" ] || { echo "$path shows its content"; return 1; }
        else
            [ "$(kist exec masks sh -c "head -c 16 $path | wc -c")" = 0 ] || { echo "$path can be read"; return 1; }
        fi
    done
    for path in $readonly_; do
        [ -e "$path" ] || continue
        checked=$((checked + 1))
        kist exec masks sh -c "grep -q ' $path .* ro[, ]' /proc/self/mountinfo || grep -q ' $path ro' /proc/self/mountinfo" || { echo "$path is not read-only"; return 1; }
    done
    [ "$checked" -ge 8 ]
}

@test "limits: pids, open files and shm as the defaults say" {
    [ "$(kist run --rm busybox sh -c 'df -k /dev/shm | tail -1 | awk "{print \$2}"')" = 65536 ]
    kist run -d --name limits busybox sleep 1000 >/dev/null
    [ "$(kist inspect -f '{{.HostConfig.PidsLimit}}' limits)" = 2048 ]
    # A fork bomb ends at the limit and takes nothing with it.
    kist run --rm --pids-limit 20 busybox sh -c 'i=0; while [ $i -lt 50 ]; do sleep 5 & i=$((i + 1)); done; true' 2>&1 | grep -q "can't fork"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# kist with the cgroup manager systemd: containers are scopes. Runs where systemd does, with cgroup v2.

load helpers

setup_file() {
    need_root
    WHY_NOT=$(reason_against_scopes)
    export WHY_NOT
    make_root
    printf '{"exec-opts": ["native.cgroupdriver=systemd"]}\n' >"$ROOT_T/kist.json"
}
teardown_file() { remove_root; }
setup() {
    remember_footprint
    [ -z "$WHY_NOT" ] || skip "$WHY_NOT"
}
teardown() {
    check_footprint
    [ -z "$WHY_NOT" ] || return 0
    [ -z "$(systemctl list-units --all --plain --no-legend 'kist-*.scope')" ]
}

shown() { systemctl show --value -p "$2" "$1"; }
scope_of() { echo "kist-$(kist inspect -f '{{.Id}}' "$1").scope"; }
in_group() { cat "/sys/fs/cgroup/system.slice/$(scope_of "$1")/$2"; }
is_gone() { [ "$(shown "$1" LoadState)" = not-found ] && [ ! -e "/sys/fs/cgroup/system.slice/$1" ]; }

@test "a container is a scope with its limits, also after a reload of systemd, after update and in exec" {
    [ "$(kist info -f '{{.CgroupDriver}}')" = systemd ]
    kist run -d --name c --network none --memory 64m --cpus 0.5 --pids-limit 33 busybox sleep 1000
    unit=$(scope_of c)
    [ "$(shown "$unit" Slice)" = system.slice ]
    [ "$(shown "$unit" MemoryMax)" = 67108864 ]
    [ "$(shown "$unit" CPUQuotaPerSecUSec)" = 500ms ]
    [ "$(shown "$unit" TasksMax)" = 33 ]
    [ "$(in_group c cgroup.procs)" = "$(inspected State.Pid c)" ]
    [ "$(kist exec c cat /sys/fs/cgroup/memory.max)" = 67108864 ]
    kist update --memory 96m --memory-swap 96m --pids-limit 44 c
    systemctl daemon-reload
    systemctl set-property --runtime "$unit" IOWeight=200
    [ "$(in_group c memory.max)" = 100663296 ]
    [ "$(in_group c memory.swap.max)" = 0 ]
    [ "$(in_group c pids.max)" = 44 ]
    [ "$(in_group c cpu.max)" = "50000 100000" ]
    [ "$(shown "$unit" MemoryMax)" = 100663296 ]
    [ "$(kist stats --no-stream --format '{{.PIDs}}' c)" = 1 ]
    kist pause c
    [ "$(in_group c cgroup.freeze)" = 1 ]
    kist rm --force -t 0 c
    is_gone "$unit"
}

@test "stop, start and restart end one scope and begin the next, and so does a restart by policy" {
    kist run -d --name c --network none busybox sleep 1000
    unit=$(scope_of c)
    kist stop -t 0 c
    is_gone "$unit"
    kist start c
    [ "$(in_group c cgroup.procs)" = "$(inspected State.Pid c)" ]
    kist restart -t 0 c
    [ "$(in_group c cgroup.procs)" = "$(inspected State.Pid c)" ]
    kist rm --force -t 0 c
    kist run -d --name p --network none --restart on-failure:2 busybox sh -c 'exit 3'
    wait_until 60 has State.Status p exited
    [ "$(inspected RestartCount p)" = 2 ]
    [ "$(inspected State.ExitCode p)" = 3 ]
    is_gone "$(scope_of p)"
}

@test "a scope outlives its monitor, and what a dead container left is replaced" {
    kist run -d --name c --network none busybox sleep 1000
    unit=$(scope_of c)
    pid=$(inspected State.Pid c)
    kill_monitor c
    [ "$(in_group c cgroup.procs)" = "$pid" ]
    [ "$(kist exec c echo in)" = in ]
    kist stop -t 0 c
    is_gone "$unit"
    systemd-run --scope --unit "$unit" -q sleep 1000 &
    wait_until 20 systemctl -q is-active "$unit"
    kist start c
    [ "$(in_group c cgroup.procs)" = "$(inspected State.Pid c)" ]
    wait
}

@test "--cgroup-parent names a slice, and a path is refused as a slice is by the other manager" {
    kist run -d --name c --network none --cgroup-parent ktest-a.slice busybox sleep 1000
    [ "$(cat "/proc/$(inspected State.Pid c)/cgroup")" = "0::/ktest.slice/ktest-a.slice/$(scope_of c)" ]
    [ "$(inspected HostConfig.CgroupParent c)" = ktest-a.slice ]
    run kist run --network none --cgroup-parent /a busybox true
    [ "$status" -eq 125 ]
    [[ "$output" == *'should be a valid slice named as "xxx.slice"'* ]]
    echo '{}' >"$ROOT_T/kist.json"
    run kist run --network none --cgroup-parent a.slice busybox true
    [ "$status" -eq 125 ]
    [[ "$output" == *"'a.slice': it is a slice of systemd, and the cgroup manager is cgroupfs"* ]]
    [ "$(kist info -f '{{.CgroupDriver}}')" = cgroupfs ]
    [ "$(kist --cgroup-manager systemd info -f '{{.CgroupDriver}}')" = systemd ]
    # a container keeps its manager
    kist restart -t 0 c
    [ "$(cat "/proc/$(inspected State.Pid c)/cgroup")" = "0::/ktest.slice/ktest-a.slice/$(scope_of c)" ]
    printf '{"exec-opts": ["native.cgroupdriver=systemd"]}\n' >"$ROOT_T/kist.json"
}

@test "the end by the out-of-memory killer is told as such" {
    kist run -d --name c --network none --memory 16m --memory-swap 16m busybox sh -c 'x=a; while :; do x=$x$x; done'
    wait_until 60 has State.Status c exited
    [ "$(inspected State.ExitCode c)" = 137 ]
    [ "$(inspected State.OOMKilled c)" = true ]
}

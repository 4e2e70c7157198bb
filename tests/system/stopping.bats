#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Stopping several, what hangs, what depends, and what a killed monitor leaves: SEEDS A107, A113, A117, SECURITY F2.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() {
    for group in /sys/fs/cgroup/freezer/kist-test-stuck-*; do
        [ -d "$group" ] || continue
        echo THAWED >"$group/freezer.state"
        wait_until 3 rmdir "$group"
    done
    check_footprint
}

milliseconds() { local start=$(date +%s%N); "$@" >/dev/null; echo $((($(date +%s%N) - start) / 1000000)); }

@test "several containers are stopped at the same time" {
    for n in 1 2 3 4 5; do kist run -d --name "deaf$n" busybox sleep 1000; done
    [ "$(milliseconds kist stop -t 1 deaf1 deaf2 deaf3)" -lt "$(at_most 2000)" ]
    [ "$(milliseconds kist stop -t 1 --all)" -lt "$(at_most 2000)" ]
    [ -z "$(kist ps -q)" ]
}

@test "stop of several asks each only once" {
    for n in 1 2; do
        kist run -d --name "c$n" busybox sh -c 'trap "echo asked" TERM; while :; do sleep 0.1; done'
    done
    sleep 0.3
    kist stop -t 1 c1 c2
    [ "$(kist logs c1 | grep -c asked) $(kist logs c2 | grep -c asked)" = "1 1" ]
}

@test "stop --filter stops what matches, and only that" {
    kist run -d --name a -l team=x busybox sleep 1000
    kist run -d --name b -l team=y busybox sleep 1000
    kist stop -t 0 --filter label=team=x
    [ "$(kist ps --format '{{.Names}}')" = b ]
}

@test "stop of several: an unknown one is named, the others are stopped" {
    kist run -d --name a busybox sleep 1000
    kist run -d --name b busybox sleep 1000
    run kist stop -t 0 a nobody b
    [ "$status" -eq 1 ]
    [[ "$output" == *"No such container: nobody"* ]]
    [ -z "$(kist ps -q)" ]
}

@test "rm -t gives the time to end, and rm --depend takes those that join its namespaces" {
    kist run -d --name lender busybox sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
    kist run -d --name guest --network container:lender busybox sleep 1000
    kist run -d --name second --pid container:guest busybox sleep 1000
    run kist rm -f --depend -t 1 lender
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 3 ]
    [ "${lines[2]}" = lender ]
    [ -z "$(kist ps -aq)" ]
}

@test "start --all starts whom others lean on first" {
    kist create --name z-lender busybox sleep 1000
    kist create --name a-guest --network container:z-lender busybox sleep 1000
    kist create --name b-guest --pid container:a-guest busybox sleep 1000
    kist start --all
    [ "$(kist ps -q | wc -l)" = 3 ]
}

@test "A117: a process that cannot die holds up the stop of its container only, and is named" {
    [ -d /sys/fs/cgroup/freezer ] || skip "needs the v1 freezer, which keeps a process from dying"
    kist run -d --name owner busybox sleep 1000
    kist run -d --name sharer --pid container:owner busybox sleep 7650
    local pid=$(inspected State.Pid sharer) group=/sys/fs/cgroup/freezer/kist-test-stuck-$$
    mkdir "$group"
    echo "$pid" >"$group/cgroup.procs"
    echo FROZEN >"$group/freezer.state"
    run kist stop -t 0 owner
    [ "$status" -eq 1 ]
    [[ "$output" == *"does not end"*"$pid (sleep"* ]]
    # No other command hangs meanwhile.
    timeout "$(at_most 5)" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" run --rm busybox true
    timeout "$(at_most 5)" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" ps -a
    echo THAWED >"$group/freezer.state"
    wait_until 5 has State.Status owner exited
    wait_until 5 has State.Status sharer exited
}

@test "container cleanup gives a running container a new monitor and records the end of a dead one" {
    kist run -d --name runs busybox sleep 1000
    kist run -d --name dead busybox sleep 1000
    kist run -d --name gone --rm busybox sleep 1000
    kist run -d --name fine busybox sleep 1000
    local fine=$(inspected State.MonitorPid fine) id=$(inspected Id dead)
    for name in dead gone; do
        kill_monitor "$name"
        kill -9 "$(inspected State.Pid $name)"
    done
    kill_monitor runs
    kist container cleanup --all
    [ "$(inspected State.Status runs) $(inspected State.Status dead)" = "running exited" ]
    kill -0 "$(inspected State.MonitorPid runs)"
    [ "$(inspected State.MonitorPid fine)" = "$fine" ]
    [ -z "$(find /sys/fs/cgroup -maxdepth 4 -type d -path "*$CGROUP_PARENT/$id" 2>/dev/null)" ]
    run kist inspect gone
    [ "$status" -ne 0 ]
    kist container cleanup --rm dead runs
    [ "$(kist ps -a --format '{{.Names}}' | sort | xargs)" = "fine runs" ]
}

@test "F2: a monitor killed while it stops its container: the stop is finished by another" {
    kist run -d --name c busybox sleep 1000
    "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" stop -t 2 c &
    local stop=$!
    sleep 0.4
    kill_monitor c
    wait $stop
    [ "$(inspected State.Status c) $(inspected State.ExitCode c)" = "exited 137" ]
}

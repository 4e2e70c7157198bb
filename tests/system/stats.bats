#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# kist stats against what a container is known to do.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() {
    [ -z "${watcher:-}" ] || kill "$watcher" 2>/dev/null || true
    check_footprint
}

once() { kist stats --no-stream "$@"; }

@test "a table with Docker's columns, one row a running container" {
    kist run -d --name table busybox sleep 1000 >/dev/null
    kist create --name still busybox >/dev/null
    run -0 once
    [ "${#lines[@]}" = 2 ]
    [[ "${lines[0]}" =~ ^CONTAINER\ ID\ +NAME\ +CPU\ %\ +MEM\ USAGE\ /\ LIMIT\ +MEM\ %\ +NET\ I/O\ +BLOCK\ I/O\ +PIDS$ ]]
    [[ "${lines[1]}" =~ ^[0-9a-f]{12}\ +table\ +[0-9.]+%\ +[0-9.]+[KMG]?i?B\ /\ [0-9.]+[KMGT]iB\ +[0-9.]+%\ +[0-9.]+[kMG]?B\ /\ [0-9.]+[kMG]?B\ +[0-9.]+[kMG]?B\ /\ [0-9.]+[kMG]?B\ +1$ ]]
    [ "$(once -a --format '{{.Name}} {{.CPUPerc}} {{.PIDs}}' | sort | paste -sd,)" = "still 0.00% 0,table 0.00% 1" ]
    [ "$(once --no-trunc --format '{{.ID}}' table)" = "$(kist inspect -f '{{.Id}}' table)" ]
    run ! once nothing
}

@test "use of the processor, of memory and processes" {
    kist run -d --name busy --memory 64m busybox sh -c 'while :; do :; done' >/dev/null
    kist run -d --name large --memory 64m --tmpfs /t busybox sh -c 'dd if=/dev/zero of=/t/f bs=1M count=20 2>/dev/null; sleep 1000 & sleep 1000 & wait' >/dev/null
    wait_until 5 sh -c "[ \"\$('$KIST' --config '$ROOT_T/kist.json' --root '$ROOT_T/root' --runroot '$ROOT_T/run' stats --no-stream --format '{{.PIDs}}' large)\" = 3 ]"
    once --format '{{.Name}} {{.CPUPerc}}' busy | awk '{exit !($2 + 0 > 10 && $2 + 0 < 110)}'
    [ "$(once --format '{{.CPUPerc}}' large | cut -d. -f1)" -lt 10 ]
    local used
    used=$(once --format '{{.MemUsageBytes}}' large)
    [ "$used" -gt 20000000 ]
    [ "$used" -lt 30000000 ]
    [ "$(once --format '{{.MemLimit}}' large)" = 67108864 ]
    once --format '{{.MemPerc}}' large | awk '{exit !($1 + 0 > 30 && $1 + 0 < 45)}'
}

@test "json, and a field that there is not" {
    kist run -d --name json busybox sleep 1000 >/dev/null
    once --format json | jq -e 'length == 1 and .[0].Name == "json" and .[0].PIDs == "1" and (.[0].MemUsageBytes | type) == "number"'
    once --format '{{json .}}' json | jq -e '.Name == "json"'
    run once --format '{{.Memory}}'
    [ "$status" = 125 ]
    run kist stats --interval 0
    [ "$status" = 125 ]
}

@test "a stream follows a container through a new name and a restart, and ends with it" {
    kist run -d --name first busybox sleep 1000 >/dev/null
    "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" stats --format '{{.Name}} {{.PIDs}}' first \
        >"$BATS_TEST_TMPDIR/seen" 2>&1 3>&- &
    watcher=$!
    wait_until 5 grep -qx "first 1" "$BATS_TEST_TMPDIR/seen"
    kist rename first second >/dev/null
    wait_until 5 grep -qx "second 1" "$BATS_TEST_TMPDIR/seen"
    kist stop -t 0 second >/dev/null
    wait_until 5 grep -qx "second 0" "$BATS_TEST_TMPDIR/seen"
    kist rm second >/dev/null
    wait "$watcher"
    watcher=
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Standard input, attaching and the terminal: SEEDS A010, A019, A022, A023, A134, A137.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() { check_footprint; }

@test "A022: a shell without -i ends at once" {
    run timeout "$(at_most 5)" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" run --rm busybox sh
    [ "$status" -eq 0 ]
}

@test "A023: without -i the container has no stdin that a killed command could leave open" {
    id=$(kist run -d busybox sleep 100)
    pid=$(kist inspect --format '{{.State.Pid}}' "$id")
    [ "$(readlink "/proc/$pid/fd/0")" = /dev/null ]
}

@test "run -i hands its input through and the end of it" {
    run bash -c "printf 'a\nb\n' | '$KIST' --config '$ROOT_T/kist.json' --root '$ROOT_T/root' --runroot '$ROOT_T/run' run --rm -i busybox cat"
    [ "$status" -eq 0 ]
    [ "$output" = $'a\nb' ]
}

@test "a megabyte through run -i comes back byte for byte" {
    head -c 1048576 /dev/urandom >"$BATS_TEST_TMPDIR/in"
    kist run --rm -i busybox cat <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
    cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
}

@test "A019: -a stdin alone returns when the container exits" {
    start=$(date +%s)
    run timeout "$(at_most 10)" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" run --rm -i -a stdin busybox sh -c 'sleep 1; exit 7' </dev/null
    [ $(($(date +%s) - start)) -le 3 ]
    [ "$status" -eq 7 ] || { echo "status $status: $output"; false; }
}

@test "attach shows what comes, and its exit code is the container's" {
    kist run -d --name a busybox sh -c 'sleep 1; echo late; exit 5'
    run kist attach a
    [ "$status" -eq 5 ]
    [[ "$output" == *late* ]]
}

@test "signals given to a foreground run reach the container" {
    "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" run --rm --name s busybox sh -c 'trap "echo got it; exit 9" USR1; echo ready; while :; do sleep 0.1; done' >"$BATS_TEST_TMPDIR/out" &
    pid=$!
    wait_until 5 grep -q ready "$BATS_TEST_TMPDIR/out"
    kill -USR1 "$pid"
    code=0
    wait "$pid" || code=$?
    [ "$code" -eq 9 ]
    grep -q 'got it' "$BATS_TEST_TMPDIR/out"
}

@test "A010, A134, A137: a shell on a terminal: job control, resize, detach, attach again" {
    run /usr/bin/python3 "$BATS_TEST_DIRNAME/terminal.py" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run"
    echo "$output"
    [ "$status" -eq 0 ]
}

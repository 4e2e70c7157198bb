#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Stopping, killing, removing, pausing, waiting: SEEDS A107 to A117, A121, A135, A143.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() { check_footprint; }

status_of() { kist inspect --format '{{.State.Status}}' "$1"; }
seconds() { local start=$(date +%s%N); "$@"; echo "$((($(date +%s%N) - start) / 1000000))" >"$BATS_TEST_TMPDIR/ms"; }

@test "A112: stop sends SIGTERM first" {
    kist run -d --name polite busybox sh -c 'trap "echo bye; exit 0" TERM; while :; do sleep 0.1; done'
    sleep 0.3
    seconds kist stop polite
    [ "$(cat "$BATS_TEST_TMPDIR/ms")" -lt "$(at_most 3000)" ]
    [ "$(kist logs polite)" = bye ]
    [ "$(kist inspect --format '{{.State.ExitCode}}' polite)" = 0 ]
}

@test "A115: t>0 waits t seconds, then kills" {
    kist run -d --name deaf busybox sleep 100
    seconds kist stop -t 1 deaf
    [ "$(cat "$BATS_TEST_TMPDIR/ms")" -ge 900 ]
    [ "$(cat "$BATS_TEST_TMPDIR/ms")" -lt "$(at_most 3000)" ]
    [ "$(kist inspect --format '{{.State.Status}} {{.State.ExitCode}}' deaf)" = "exited 137" ]
}

@test "A115: the timer is the monitor's, so it fires when the command is killed" {
    kist run -d --name deaf busybox sleep 100
    "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" stop -t 1 deaf &
    sleep 0.3
    kill -9 $!
    wait_until 4 test "$(status_of deaf)" != running || true
    wait_until 4 bash -c "[ \"\$('$KIST' --config '$ROOT_T/kist.json' --root '$ROOT_T/root' --runroot '$ROOT_T/run' inspect --format '{{.State.Status}}' deaf)\" = exited ]"
}

@test "A114: t=0 kills at once" {
    kist run -d --name deaf busybox sleep 100
    seconds kist stop -t 0 deaf
    [ "$(cat "$BATS_TEST_TMPDIR/ms")" -lt "$(at_most 1000)" ]
    [ "$(kist inspect --format '{{.State.ExitCode}}' deaf)" = 137 ]
}

@test "A113: t<0 waits for ever; killing the command leaves the container running" {
    kist run -d --name deaf busybox sleep 100
    run timeout -s INT 2 "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" stop -t -1 deaf
    [ "$status" -ne 0 ]
    [[ "$(status_of deaf)" == running || "$(status_of deaf)" == stopping ]]
    kist stop -t 0 deaf
    [ "$(status_of deaf)" = exited ]
}

@test "stop uses the container's own signal and time" {
    kist run -d --name own --stop-signal USR1 --stop-timeout 20 busybox sh -c 'trap "exit 11" USR1; while :; do sleep 0.1; done'
    sleep 0.3
    kist stop own
    [ "$(kist inspect --format '{{.State.ExitCode}}' own)" = 11 ]
}

@test "A107: several names at once; a bad one is named and the others are done" {
    kist run -d --name a busybox sleep 100
    kist run -d --name b busybox sleep 100
    run kist stop -t 0 a nobody b
    [ "$status" -eq 1 ]
    [[ "$output" == *nobody* ]]
    [ "$(status_of a)" = exited ]
    [ "$(status_of b)" = exited ]
}

@test "A135: kill sends SIGKILL, kill -s any signal by name or number" {
    kist run -d --name k busybox sh -c 'trap "echo hup" HUP; trap "echo rt" RTMIN+1; while :; do sleep 0.1; done' || true
    kist run -d --name k2 busybox sh -c 'trap "echo hup" HUP; while :; do sleep 0.1; done'
    sleep 0.3
    for signal in HUP SIGHUP hup 1; do kist kill -s "$signal" k2; sleep 0.2; done
    wait_until 3 bash -c "[ \$('$KIST' --config '$ROOT_T/kist.json' --root '$ROOT_T/root' --runroot '$ROOT_T/run' logs k2 | grep -c hup) -eq 4 ]"
    kist kill k2
    wait_until 3 bash -c "[ \"\$('$KIST' --config '$ROOT_T/kist.json' --root '$ROOT_T/root' --runroot '$ROOT_T/run' inspect --format '{{.State.ExitCode}}' k2)\" = 137 ]"
    run kist kill -s NOSUCH k2
    [ "$status" -eq 125 ] || [ "$status" -eq 1 ]
    [[ "$output" == *NOSUCH* ]]
}

@test "A143: rm refuses a running container and says how" {
    kist run -d --name web busybox sleep 100
    run kist rm web
    [ "$status" -eq 1 ]
    [[ "$output" == *web* && "$output" == *"stop"* && "$output" == *"-f"* || "$output" == *"--force"* ]]
    [ "$(status_of web)" = running ]
    kist rm -f web
    run kist container exists web
    [ "$status" -eq 1 ]
}

@test "A108: after rm nothing of the container is left on disk" {
    id=$(kist run -d busybox sh -c 'dd if=/dev/zero of=/big bs=1M count=3 2>/dev/null; sleep 100')
    kist rm -f "$id"
    run find "$ROOT_T/root" "$ROOT_T/run" -name "*$id*"
    [ -z "$output" ]
}

@test "a monitor holds no descriptor of its starter's: the end of a pipe comes when its writers end" {
    mkfifo "$BATS_TEST_TMPDIR/pipe"
    timeout "$(at_most 10)" cat "$BATS_TEST_TMPDIR/pipe" >"$BATS_TEST_TMPDIR/read" &
    local reader=$!
    exec 9>"$BATS_TEST_TMPDIR/pipe"
    kist run -d --name holder --log-opt mode=non-blocking busybox sleep 1000
    echo written >&9
    exec 9>&-
    wait "$reader" # 124 would be the time limit
    [ "$(cat "$BATS_TEST_TMPDIR/read")" = written ]
    # 3 and 4 are its own.
    [ "$(ls "/proc/$(kist inspect -f '{{.State.MonitorPid}}' holder)/fd" | wc -l)" -gt 4 ]
}

@test "--rm leaves nothing, also when the container is killed" {
    id=$(kist run -d --rm busybox sleep 100)
    kist kill "$id"
    wait_until 3 bash -c "! ls -d '$ROOT_T'/r*/containers/$id 2>/dev/null | grep -q ."
}

@test "A111: restart works, with --rm too" {
    kist run -d --name again busybox sh -c 'echo run; sleep 100'
    kist restart -t 0 again
    [ "$(status_of again)" = running ]
    wait_until 3 bash -c "[ \$('$KIST' --config '$ROOT_T/kist.json' --root '$ROOT_T/root' --runroot '$ROOT_T/run' logs again | grep -c run) -eq 2 ]"
    kist run -d --rm --name vanish busybox sleep 100
    kist restart -t 0 vanish
    [ "$(status_of vanish)" = running ]
    kist stop -t 0 vanish
    run kist container exists vanish
    [ "$status" -eq 1 ]
}

@test "start of an exited container keeps its files" {
    kist run --name keep busybox sh -c 'test -e /mark && exit 8; touch /mark'
    run kist start -a keep
    [ "$status" -eq 8 ]
}

@test "pause freezes, unpause goes on, stop of a paused one works" {
    kist run -d --name p busybox sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done'
    sleep 0.3
    kist pause p
    [ "$(status_of p)" = paused ]
    before=$(kist logs p | wc -l)
    sleep 0.4
    [ "$(kist logs p | wc -l)" -le $((before + 1)) ]
    run kist exec p true
    [ "$status" -ne 0 ]
    kist unpause p
    [ "$(status_of p)" = running ]
    kist pause p
    kist stop -t 0 p
    [ "$(status_of p)" = exited ]
}

@test "wait prints the exit code" {
    kist run -d --name w busybox sh -c 'sleep 0.5; exit 6'
    [ "$(kist wait w)" = 6 ]
    [ "$(kist wait w)" = 6 ]
}

@test "A121: exit code 0 of a command means that the state shows it" {
    for i in $(seq 5); do
        kist run -d --name now busybox sleep 100 >/dev/null
        [ "$(status_of now)" = running ]
        kist stop -t 0 now
        [ "$(status_of now)" = exited ]
        kist rm now
        run kist container exists now
        [ "$status" -eq 1 ]
    done
}

@test "top shows the container's processes with the host's pids" {
    kist run -d --name t busybox sh -c 'sleep 100 & sleep 101'
    sleep 0.2
    run kist top t
    [ "$status" -eq 0 ]
    [[ "$output" == *"sleep 100"* && "$output" == *"sleep 101"* ]]
    run kist top t -o pid,comm
    [ "$status" -eq 0 ]
}

@test "container prune removes stopped containers only" {
    kist run --name old busybox true
    kist run -d --name new busybox sleep 100
    kist run --name writer busybox sh -c 'head -c 3000000 /dev/zero >/big' # 3.0 MB, and its folders
    run kist container prune -f
    [[ "$output" = "Deleted Containers:"*"Total reclaimed space: 3"*"MB" ]]
    [ "$(kist container prune -f)" = "Total reclaimed space: 0B" ]
    run kist container exists old
    [ "$status" -eq 1 ]
    kist container exists new
}

@test "create, then start, is run" {
    id=$(kist create --name c busybox echo hi)
    [ "$(status_of c)" = created ]
    run kist start -a c
    [ "$output" = hi ]
    run kist start c
    [ "$output" = c ]
}

@test "pid, ipc and uts of another container can be shared" {
    kist run -d --name first --ipc shareable busybox sleep 123
    run kist run --rm --pid container:first busybox ps -o args
    [[ "$output" == *"sleep 123"* ]]
    [ "$(kist run --rm --uts container:first busybox readlink /proc/self/ns/uts)" = "$(kist exec first readlink /proc/self/ns/uts)" ]
    [ "$(kist run --rm --ipc container:first busybox readlink /proc/self/ns/ipc)" = "$(kist exec first readlink /proc/self/ns/ipc)" ]
    [ "$(kist run --rm --network container:first busybox readlink /proc/self/ns/net)" = "$(kist exec first readlink /proc/self/ns/net)" ]
}

@test "host namespaces are the host's" {
    [ "$(kist run --rm --network host busybox readlink /proc/self/ns/net)" = "$(readlink /proc/self/ns/net)" ]
    [ "$(kist run --rm --ipc host busybox readlink /proc/self/ns/ipc)" = "$(readlink /proc/self/ns/ipc)" ]
    [ "$(kist run --rm --uts host busybox readlink /proc/self/ns/uts)" = "$(readlink /proc/self/ns/uts)" ]
    [ "$(kist run --rm --pid host busybox readlink /proc/self/ns/pid)" = "$(readlink /proc/self/ns/pid)" ]
}

@test "wait --interval takes a duration or milliseconds, and refuses others" {
    kist run -d --name w busybox sleep 0.3
    kist wait -i 50 w
    kist wait --interval 250ms w
    for bad in 0 -1s nonsense 9999999999; do
        run kist wait "--interval=$bad" w
        [ "$status" -eq 125 ]
        [[ "$output" = *"--interval"* ]]
    done
    [ "$(kist wait --ignore nobody)" = -1 ] || [ -z "$(kist wait --ignore nobody)" ]
}

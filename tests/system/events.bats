#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The event log: who writes what into it, and what kist events makes of it.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() {
    remember_footprint
    rm -f "$ROOT_T/root/events.log" "$ROOT_T/root/events.log.1"
}
teardown() {
    [ -z "${follower:-}" ] || kill "$follower" 2>/dev/null || true
    check_footprint
}

past() { kist events --stream=false "$@"; }
actions() { past --format '{{.Action}}' "$@" | paste -sd' '; }

@test "the life of a container, in order" {
    kist run --name life --label tier=web busybox sh -c 'exit 3' || [ $? = 3 ]
    [ "$(actions)" = "create attach start die" ]
    [ "$(past --filter event=die --format '{{.Name}} {{.Image}} {{.Actor.Attributes.tier}} {{.Actor.Attributes.exitCode}} {{.ContainerExitCode}}')" = "life busybox web 3 3" ]
    kist rm life >/dev/null
    [ "$(actions)" = "create attach start die destroy" ]
}

@test "a container that removes itself ends before it goes" {
    kist run --rm busybox true
    [ "$(actions)" = "create attach start die destroy" ]
}

@test "stop, kill, pause, restart, rename and exec" {
    kist run -d --name acts busybox sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done' >/dev/null
    kist pause acts >/dev/null && kist unpause acts >/dev/null
    [ "$(actions)" = "create start pause unpause" ]
    kist exec acts sh -c 'exit 4' || [ $? = 4 ]
    [ "$(past -f event=exec --format '{{.Action}}')" = "exec_start: sh -c exit 4" ]
    [ "$(past -f event=exec_died --format '{{.Actor.Attributes.exitCode}}')" = 4 ]
    [ "$(past -f type=container -f event=exec_start --format '{{.Actor.Attributes.execID}}')" = "$(past -f event=exec_die --format '{{.Actor.Attributes.execID}}')" ]
    kist rename acts better >/dev/null
    kist kill -s USR1 better >/dev/null || true
    kist stop better >/dev/null
    [ "$(actions -f event=rename -f event=kill -f event=die -f event=stop | cut -d' ' -f1-2)" = "rename kill" ]
    [ "$(past -f event=rename --format '{{.Actor.Attributes.oldName}} {{.Name}}')" = "/acts better" ]
    # What its monitor tells after the rename has the new name.
    [ "$(past -f event=die --format '{{.Name}}')" = better ]
    kist start better >/dev/null
    kist restart -t 0 better >/dev/null
    [ "$(actions -f event=restart -f event=start)" = "start start start restart" ]
}

@test "a start that fails is told" {
    run -127 kist run --name broken busybox /no/such/program
    [ "$(actions)" = "create attach die" ]
    [ "$(past -f event=die --format '{{.ContainerExitCode}}')" = 127 ]
}

@test "images" {
    kist tag busybox other:1 && kist untag busybox other:1 >/dev/null
    kist save -o "$BATS_TEST_TMPDIR/a.tar" busybox
    kist load -i "$BATS_TEST_TMPDIR/a.tar" >/dev/null
    kist import --quiet "$ROOT_T/busybox.tar" third >/dev/null
    kist rmi third >/dev/null
    [ "$(actions -f type=image)" = "tag untag save load import untag delete" ]
    [ "$(past -f event=tag --format '{{.Actor.Attributes.name}}')" = other:1 ]
    [ "$(actions -f image=third)" = "import untag" ]
}

@test "forms: text, json, template, short ids" {
    kist create --name forms busybox >/dev/null
    local id
    id=$(kist inspect -f '{{.Id}}' forms)
    past -f event=create | grep -E "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z container create $id \(image=busybox, name=forms\)$"
    past --no-trunc=false -f event=create | grep -q "container create ${id:0:12} ("
    past --format json -f event=create | jq -e --arg id "$id" '.status == "create" and .id == $id and .Type == "container" and .Actor.ID == $id
        and .Actor.Attributes.name == "forms" and .scope == "local" and (.timeNano / 1e9 | floor) == .time'
    run kist events --format '{{.Nonsense}}' --stream=false
    [ "$status" != 0 ]
    run kist events --filter nonsense=1
    [ "$status" = 125 ]
}

@test "since and until" {
    kist create --name one busybox >/dev/null
    sleep 0.02
    local between
    between=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
    sleep 0.02
    kist create --name two busybox >/dev/null
    [ "$(past --since "$between" --format '{{.Name}}')" = two ]
    [ "$(past --until "$between" --format '{{.Name}}')" = one ]
    [ "$(kist events --since 1h --until "$between" --format '{{.Name}}')" = one ]
    run kist events --since "$between" --until 1h
    [ "$status" = 125 ]
}

@test "following, across rotations, without losing or doubling one" {
    kist create --name before busybox >/dev/null
    "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" events --format '{{.Name}} {{.Action}}' \
        >"$BATS_TEST_TMPDIR/seen" 2>&1 3>&- &
    follower=$!
    wait_until 5 sh -c "ls -l /proc/$follower/fd | grep -q inotify"
    local n
    for n in 1 2 3; do
        kist create --name "follow$n" busybox >/dev/null
        # As if it had become long: the next writer rotates it.
        truncate -s 8388608 "$ROOT_T/root/events.log"
    done
    kist create --name last busybox >/dev/null
    wait_until 5 grep -q "last create" "$BATS_TEST_TMPDIR/seen"
    [ "$(paste -sd' ' "$BATS_TEST_TMPDIR/seen")" = "follow1 create follow2 create follow3 create last create" ]
    [ "$(stat -c %s "$ROOT_T/root/events.log")" -lt 10000 ]
    [ -e "$ROOT_T/root/events.log.1" ]
}

@test "until in the future ends by itself" {
    local begin end
    begin=$(date +%s%N)
    kist events --until "$(date -u -d '+1 second' +%Y-%m-%dT%H:%M:%S.%NZ)" >/dev/null
    end=$(date +%s%N)
    [ $((end - begin)) -ge 500000000 ]
    [ $((end - begin)) -lt "$(at_most 5000000000)" ]
}

@test "a damaged line costs only itself" {
    kist create --name one busybox >/dev/null
    printf '{"time":1,"type":"cont' >>"$ROOT_T/root/events.log"
    kist create --name two busybox >/dev/null
    printf 'rubbish\n' >>"$ROOT_T/root/events.log"
    kist create --name three busybox >/dev/null
    [ "$(past --format '{{.Name}}' | paste -sd' ')" = "one two three" ]
}

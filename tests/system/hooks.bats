#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --hook-spec: SEEDS A060 to A082.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() {
    remember_footprint
    mkdir -p "$ROOT_T/root/hooks"
    rm -rf "$ROOT_T/root/hooks"/* "$ROOT_T/log"
    spec=$BATS_TEST_TMPDIR/spec.json
}
teardown() { check_footprint; }

hook() { # hook NAME: a script from standard input, which knows the log as $LOG
    { printf '#!/bin/sh\nLOG=%s\n' "$ROOT_T/log"; cat; } >"$ROOT_T/root/hooks/$1"
    chmod 700 "$ROOT_T/root/hooks/$1"
}
entry() { printf '{"path": "%s", "args": ["%s"], "env": ["PATH=/usr/bin:/bin"]%s}' "$ROOT_T/root/hooks/$1" "$1" "${2:-}"; }
write_spec() { printf '%s' "$1" >"$spec"; chmod 600 "$spec"; }

@test "prestart, poststart and poststop run in order with the container's state" {
    hook pre1 <<<'jq -r "\"pre1 \(.status) \(.id) \(.pid > 0)\"" >>$LOG; echo ignored'
    hook pre2 <<<'echo pre2 >>$LOG'
    hook post <<<'jq -r "\"post \(.status)\"" >>$LOG'
    hook stop <<<'jq -r "\"stop \(.status)\"" >>$LOG'
    write_spec "{\"prestart\": [$(entry pre1), $(entry pre2)], \"poststart\": [$(entry post)], \"poststop\": [$(entry stop)]}"
    run -0 kist run --name order --hook-spec "$spec" busybox sh -c 'echo program'
    [ "$output" = program ]
    [ "$(sed 's/[0-9a-f]\{64\}/ID/' "$ROOT_T/log" | paste -sd,)" = "pre1 creating ID true,pre2,post running,stop stopped" ]
    [ "$(kist inspect -f '{{range .State.Hooks}}{{.ExitCode}} {{end}}' order)" = "0 0 0 0 " ]
    # The file was read when the container was made.
    rm "$spec" "$ROOT_T/log"
    kist start -a order >/dev/null
    [ "$(wc -l <"$ROOT_T/log")" = 4 ]
}

@test "the network namespace is there before prestart" {
    hook pre <<<'pid=$(jq .pid); [ "$(readlink /proc/$pid/ns/net)" != "$(readlink /proc/self/ns/net)" ] && echo own >>$LOG'
    write_spec "{\"prestart\": [$(entry pre)]}"
    kist run --rm --hook-spec "$spec" busybox true
    [ "$(cat "$ROOT_T/log")" = own ]
}

@test "a prestart that fails is the failure of the start, with what it wrote to standard error" {
    hook bad <<<'echo no such network >&2; exit 3'
    hook next <<<'echo next >>$LOG'
    write_spec "{\"prestart\": [$(entry bad), $(entry next)]}"
    run kist run --name fails --hook-spec "$spec" busybox echo program
    [ "$status" = 125 ]
    [[ "$output" == *"hook prestart[0] '$ROOT_T/root/hooks/bad': exit code 3: no such network"* ]]
    [[ "$output" != *program* ]]
    [ ! -e "$ROOT_T/log" ]
    [ "$(kist inspect -f '{{.State.Status}} {{(index .State.Hooks 0).Stderr}}' fails)" = "created no such network" ]
    run kist run --rm --name gone --hook-spec "$spec" busybox true
    [ "$status" = 125 ]
    run ! kist container exists gone
}

@test "poststart and poststop that fail are told and change nothing" {
    hook bad <<<'echo why >&2; exit 4'
    write_spec "{\"poststart\": [$(entry bad)], \"poststop\": [$(entry bad)]}"
    run -0 kist run -d --name told --hook-spec "$spec" busybox sleep 1000
    [[ "$output" == *"hook poststart[0]"*"exit code 4: why"* ]]
    kist stop -t 0 told >/dev/null
    [ "$(kist inspect -f '{{.State.Status}} {{.State.ExitCode}}' told)" = "exited 137" ]
    [[ "$(kist inspect -f '{{.State.Error}}' told)" == *"hook poststop[0]"*"why"* ]]
    [ "$(kist events --stream=false --filter container=told --filter event=hook_failed | wc -l)" = 2 ]
}

@test "timeouts: the hook and what it started are killed" {
    hook slow <<<'sleep 1000 & echo $! >$LOG; wait'
    write_spec "{\"prestart\": [$(entry slow ', "timeout": 1')]}"
    run kist run --name slow --hook-spec "$spec" busybox true
    [ "$status" = 125 ]
    [[ "$output" == *"took longer than 1 s and was killed"* ]]
    wait_until 5 is_dead "$(cat "$ROOT_T/log")"
    [ "$(kist events --stream=false --filter container=slow --filter event=hook_timeout | wc -l)" = 1 ]
}

@test "F40: hooks that leave daemons, flood, or keep descriptors hold nothing up" {
    hook daemon <<<'setsid sh -c "echo \$\$ >$LOG; exec sleep 7411" & exit 0'
    hook flood <<<'yes out; yes err >&2'
    hook fds <<<'ls /proc/self/fd | tr "\n" " " >>$LOG.fds; env >>$LOG.env'
    export KIST_CANARY=seen
    write_spec "{\"prestart\": [$(entry daemon), $(entry fds)], \"poststart\": [$(entry flood ', "timeout": 1')]}"
    exec 9</etc/hostname
    run -0 timeout "$(at_most 20)" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" run --name left --hook-spec "$spec" busybox true
    exec 9<&-
    [[ "$output" == *"took longer than 1 s and was killed"* ]]
    # The streams and that of the folder that ls reads; none of ours, and nothing of our environment.
    [ "$(cat "$ROOT_T/log.fds")" = "0 1 2 3 " ]
    run -1 grep -q KIST_CANARY "$ROOT_T/log.env"
    # A hook may start what lives on, as with runc: it is its administrator's.
    kill "$(cat "$ROOT_T/log")"
    [ "$(kist inspect -f '{{.State.ExitCode}}' left)" = 0 ]
}

@test "while a hook runs nothing hangs: ps and inspect say so, a second start waits" {
    hook wait <<<'echo begun >>$LOG; while [ ! -e $LOG.go ]; do sleep 0.05; done'
    rm -f "$ROOT_T/log.go"
    write_spec "{\"prestart\": [$(entry wait)], \"poststop\": [$(entry wait)]}"
    kist create --name held --hook-spec "$spec" busybox sleep 1000 >/dev/null
    kist start held >/dev/null 3>&- &
    wait_until 5 grep -q begun "$ROOT_T/log"
    kist ps --format '{{.Status}}' | grep -q "Starting (hook prestart\[0\] '"
    timeout "$(at_most 5)" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" inspect held >/dev/null
    kist start held >"$BATS_TEST_TMPDIR/second" 3>&- &
    local second=$!
    sleep 0.3
    kill -0 "$second"
    touch "$ROOT_T/log.go"
    wait "$second"
    [ "$(kist inspect -f '{{.State.Status}} {{gt .State.Pid 0}}' held)" = "running true" ]
    rm "$ROOT_T/log.go"
    kist stop -t 0 held >/dev/null 3>&- &
    local stop=$!
    wait_until 5 sh -c "[ \$(grep -c begun '$ROOT_T/log') = 2 ]"
    kist ps --format '{{.Status}}' | grep -q "Stopping (hook poststop\[0\] '"
    kill -0 "$stop" # returns only when it is over
    touch "$ROOT_T/log.go"
    wait "$stop"
    [ "$(kist inspect -f '{{.State.Status}}' held)" = exited ]
    rm -f "$ROOT_T/log.go"
}

@test "a hook that calls kist for its own container is told so" {
    hook caller <<EOF2
"$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" stop self >\$LOG 2>&1
"$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" inspect -f '{{.Name}}' self >>\$LOG 2>&1
EOF2
    write_spec "{\"prestart\": [$(entry caller)]}"
    kist run --rm --name self --hook-spec "$spec" busybox true
    grep -q "called from a hook of container" "$ROOT_T/log"
    grep -qx "/self" "$ROOT_T/log"
}

@test "each rule has its error, and nothing is left of the container" {
    hook good <<<'true'
    hook plain <<<'true'
    chmod 600 "$ROOT_T/root/hooks/plain"
    mkdir -p "$ROOT_T/root/hooks2"
    cp "$ROOT_T/root/hooks/good" "$ROOT_T/root/hooks2/good"
    ln -s ../hooks2/good "$ROOT_T/root/hooks/link"
    expect() { # expect TEXT SPEC
        write_spec "$2"
        run kist create --name refused --hook-spec "$spec" busybox
        [ "$status" = 125 ] || { echo "not refused: $2"; return 1; }
        [[ "$output" == *"$1"* ]] || { echo "expected: $1"; echo "got: $output"; return 1; }
        ! kist container exists refused || false
    }
    expect '"path" is required' '{"prestart": [{"args": [], "env": []}]}'
    expect 'hook prestart[0]: "args" is required' '{"prestart": [{"path": "/x", "env": []}]}'
    expect 'hook poststop[1]: "env" is required' "{\"poststop\": [$(entry good), {\"path\": \"/x\", \"args\": []}]}"
    expect 'is not absolute' '{"prestart": [{"path": "x", "args": [], "env": []}]}'
    expect 'whole number of seconds' "{\"prestart\": [$(entry good ', "timeout": 1.5')]}"
    expect 'whole number of seconds' "{\"prestart\": [$(entry good ', "timeout": "1"')]}"
    expect 'whole number of seconds' "{\"prestart\": [$(entry good ', "timeout": -1')]}"
    expect 'not executable' "{\"prestart\": [$(entry plain)]}"
    expect 'No such file' "{\"prestart\": [$(entry none)]}"
    expect 'does not lie below' '{"prestart": [{"path": "/bin/true", "args": [], "env": []}]}'
    expect 'does not lie below' "{\"prestart\": [$(entry link)]}"
    expect 'does not lie below' "{\"prestart\": [$(entry ../hooks2/good)]}"
    expect 'expected' '{"prestart": 1}'
    expect 'spec.json' '{"prestart": ['
    run kist create --hook-spec relative.json busybox
    [[ "$status" = 125 && "$output" == *"hook-spec path must be absolute"* ]]
    run kist create --hook-spec /no/such/file busybox
    [ "$status" = 125 ]
}

@test "warnings: an unknown key, a long timeout, a file that others may write, several files" {
    hook good <<<'echo good >>$LOG'
    write_spec "{\"prestrat\": [], \"prestart\": [$(entry good ', "timeout": 500, "extra": 1')]}"
    chmod 666 "$spec"
    run -0 kist create --name warned --hook-spec /no/such/file --hook-spec "$spec" busybox true
    [[ "$output" == *"unknown key 'prestrat'"* && "$output" == *"unknown key 'extra'"* && "$output" == *"is cut"* ]]
    [[ "$output" == *"can be written by others"* && "$output" == *"'/no/such/file' is ignored"* ]]
    kist start -a warned
    [ "$(cat "$ROOT_T/log")" = good ]
}

@test "hooks of kist.json and of the command line come first; root directories of info" {
    hook host <<<'echo host >>$LOG'
    hook own <<<'echo own >>$LOG'
    write_spec "{\"prestart\": [$(entry host)], \"poststop\": [$(entry host)]}"
    cp -p "$spec" "$BATS_TEST_TMPDIR/own.json"
    sed -i 's/host/own/g' "$BATS_TEST_TMPDIR/own.json"
    printf '{"cgroup-parent": "%s", "hook-spec": "%s"}' "$CGROUP_PARENT" "$spec" >"$BATS_TEST_TMPDIR/kist.json"
    "$KIST" --config "$BATS_TEST_TMPDIR/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" run --rm --hook-spec "$BATS_TEST_TMPDIR/own.json" busybox true
    [ "$(paste -sd, "$ROOT_T/log")" = "host,own,host,own" ]
    rm "$ROOT_T/log"
    kist --hook-spec "$spec" run --rm busybox true
    [ "$(paste -sd, "$ROOT_T/log")" = "host,host" ]
    run "$KIST" --config "$BATS_TEST_TMPDIR/kist.json" --hook-spec "$spec" --root "$ROOT_T/root" --runroot "$ROOT_T/run" ps
    [ "$status" = 125 ]
    [ "$(kist info --format '{{.KistRootDir}} {{.HooksDir}}')" = "$ROOT_T/root $ROOT_T/root/hooks" ]
}

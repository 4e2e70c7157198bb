#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The transcripts of a first session: SEEDS A001, A005 to A013.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() { check_footprint; }

@test "A001: a common user is told to use sudo, before any file is touched" {
    run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups "$KIST" --root "$ROOT_T/other" ps
    [ "$status" -eq 125 ]
    [[ "$stderr" == *"must be run as root (try sudo kist"* ]]
    [ ! -e "$ROOT_T/other" ]
    run setpriv --reuid 65534 --regid 65534 --clear-groups "$KIST" --help
    [ "$status" -eq 0 ]
    run setpriv --reuid 65534 --regid 65534 --clear-groups "$KIST" version
    [ "$status" -eq 0 ]
}

@test "A005: tag gives an image a second name" {
    kist tag busybox example.com:5000/tools/busybox:v1
    [ "$(kist images -q --no-trunc busybox)" = "$(kist images -q --no-trunc example.com:5000/tools/busybox:v1)" ]
    run kist untag busybox example.com:5000/tools/busybox:v1
    [ "$status" -eq 0 ]
    run kist image exists example.com:5000/tools/busybox:v1
    [ "$status" -eq 1 ]
    kist image exists busybox
}

@test "A006: images lists repository, tag, id, age and size" {
    run kist images
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" =~ ^REPOSITORY\ +TAG\ +IMAGE\ ID\ +CREATED\ +SIZE$ ]]
    [[ "${lines[1]}" =~ ^busybox\ +latest\ +[0-9a-f]{12}\ +.*\ ago\ +[0-9.]+[kMG]?B$ ]]
}

@test "A007: run prints what the command prints and passes its exit code on" {
    run --separate-stderr kist run --rm busybox /bin/echo "Hello world"
    [ "$status" -eq 0 ]
    [ "$output" = "Hello world" ]
    [ -z "$stderr" ]
    run kist run --rm busybox sh -c 'exit 42'
    [ "$status" -eq 42 ]
    # The first process of a pid namespace dies of no signal that it has not asked for: a child does.
    run kist run --rm --init busybox sh -c 'kill -TERM $$'
    [ "$status" -eq 143 ]
}

@test "A007: standard output and standard error stay apart" {
    run --separate-stderr kist run --rm busybox sh -c 'echo out; echo err >&2'
    [ "$output" = out ]
    [ "$stderr" = err ]
}

@test "A007: 125 is our error, 126 not executable, 127 not found" {
    run kist run --rm no-such-image true
    [ "$status" -eq 125 ]
    run kist run --rm busybox /etc/passwd
    [ "$status" -eq 126 ]
    run kist run --rm busybox no-such-command
    [ "$status" -eq 127 ]
    [[ "$output" == *"no-such-command"* ]]
    run kist run --no-such-option busybox true
    [ "$status" -eq 125 ]
}

@test "A008: ps -l shows the container made last, running or not" {
    kist run --name first busybox true
    kist run --name last busybox sh -c 'exit 3' || true
    run kist ps -l
    [ "${#lines[@]}" -eq 2 ]
    [[ "${lines[0]}" =~ ^CONTAINER\ ID\ +IMAGE\ +COMMAND\ +CREATED\ +STATUS\ +PORTS\ +NAMES$ ]]
    [[ "${lines[1]}" =~ ^[0-9a-f]{12}\ +busybox\ +\"sh\ -c\ \'exit\ 3\'\"\ +.*\ ago\ +Exited\ \(3\)\ .*\ ago\ +last$ ]]
}

@test "A009: a container without a name gets an adjective and a surname" {
    id=$(kist create busybox true)
    name=$(kist inspect --format '{{.Name}}' "$id")
    [[ "$name" =~ ^/?[a-z]+_[a-z]+$ ]]
}

@test "A011: run -d prints the whole id and nothing of the program" {
    run --separate-stderr kist run -d --name container1 busybox sh -c 'echo noise; sleep 100'
    [ "$status" -eq 0 ]
    [[ "$output" =~ ^[0-9a-f]{64}$ ]]
    [ "$(kist inspect --format '{{.State.Status}}' container1)" = running ]
}

@test "A011: run -d of a command that does not exist fails and says so" {
    run kist run -d --name broken busybox no-such-command
    [ "$status" -eq 127 ]
    [[ "$output" != *$'\n'[0-9a-f][0-9a-f][0-9a-f]* ]] || true
    run kist ps --format '{{.Names}}'
    [[ "$output" != *broken* ]]
}

@test "A012: ps lists running containers only, ps -a all" {
    kist run -d --name up busybox sleep 100
    kist run --name down busybox true
    run kist ps --format '{{.Names}} {{.Status}}'
    [ "${#lines[@]}" -eq 1 ]
    [[ "${lines[0]}" =~ ^up\ Up\  ]]
    run kist ps -a --format '{{.Names}}'
    [ "${#lines[@]}" -eq 2 ]
}

@test "A013: logs shows what the container has written" {
    kist run -d --name talker busybox sh -c 'echo one; echo two >&2; sleep 100'
    wait_until 5 sh -c "'$KIST' --config '$ROOT_T/kist.json' --root '$ROOT_T/root' --runroot '$ROOT_T/run' logs talker 2>&1 | grep -q two"
    run --separate-stderr kist logs talker
    [ "$output" = one ]
    [ "$stderr" = two ]
}

@test "A010: the host name is the short id" {
    id=$(kist create busybox hostname)
    [ "$(kist start -a "$id")" = "${id:0:12}" ]
}

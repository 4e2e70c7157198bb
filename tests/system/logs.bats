#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Log drivers and their options, and what kist logs makes of them.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() {
    [ -z "${service:-}" ] || kill "$service" 2>/dev/null || true
    check_footprint
}

# listen SOCKET FILE: a log service that writes each datagram to FILE, as Python shows it.
listen() {
    python3 - "$1" "$2" 3>&- <<'EOF2' &
import os, socket, sys
os.makedirs(os.path.dirname(sys.argv[1]), exist_ok=True)
if os.path.exists(sys.argv[1]):
    os.unlink(sys.argv[1])
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
with open(sys.argv[2], "w") as out:
    while True:
        print(repr(s.recv(1 << 20)), file=out, flush=True)
EOF2
    service=$!
    wait_until 5 test -S "$1"
}

@test "k8s-file: its form on disk, partial lines, and the same output from logs" {
    kist run --name k8s --log-driver k8s-file busybox sh -c 'echo out; echo err >&2; printf rest' >/dev/null 2>&1
    local file
    file=$(kist inspect -f '{{.LogPath}}' k8s)
    [ "$(cut -d' ' -f2- "$file" | sort | paste -sd,)" = "stderr F err,stdout F out,stdout P rest" ]
    grep -Eq '^[0-9]{4}-[0-9-]*T[0-9:.]*Z stdout F out$' "$file"
    [ "$(kist logs k8s 2>/dev/null | paste -sd,)" = "out,rest" ]
    [ "$(kist logs k8s 2>&1 >/dev/null)" = err ]
    [ "$(kist inspect -f '{{.HostConfig.LogConfig.Type}}' k8s)" = k8s-file ]
}

@test "k8s-file rotates, is followed across rotations and loses nothing" {
    kist run -d --name turns --log-driver k8s-file --log-opt max-size=20k --log-opt max-file=100 busybox \
        sh -c 'i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i + 1)); done' >/dev/null
    kist logs -f turns >"$BATS_TEST_TMPDIR/followed"
    seq -f 'line %.0f' 0 1999 | cmp - "$BATS_TEST_TMPDIR/followed"
    [ -e "$(kist inspect -f '{{.LogPath}}' turns).2" ]
}

@test "labels, env and tag of json-file stand in the records, and logs --details shows them" {
    kist run --name detailed --label tier=web --label other=1 -e ZONE=b --log-opt labels=tier,missing --log-opt env=ZONE \
        --log-opt 'tag={{.Name}}/{{.ImageName}}' busybox echo hello >/dev/null
    jq -e '.attrs == {"tier": "web", "ZONE": "b", "tag": "detailed/busybox"} and .log == "hello\n"' "$(kist inspect -f '{{.LogPath}}' detailed)"
    [ "$(kist logs --details detailed)" = "tier=web,ZONE=b,tag=detailed/busybox hello" ]
    [ "$(kist logs detailed)" = hello ]
}

@test "journald gets each line with the container's fields" {
    [ ! -e /run/systemd/journal/socket ] || skip "this host has a journal"
    run kist run --log-driver journald busybox echo hello
    [ "$status" = 125 ]
    listen /run/systemd/journal/socket "$BATS_TEST_TMPDIR/journal"
    run -0 kist run --name told --label tier=web --log-driver journald --log-opt labels=tier --log-opt tag=x busybox sh -c 'echo hello; echo bad >&2'
    wait_until 5 sh -c "[ \$(wc -l <'$BATS_TEST_TMPDIR/journal') = 2 ]"
    grep 'MESSAGE=hello' "$BATS_TEST_TMPDIR/journal" | grep 'PRIORITY=6' | grep 'CONTAINER_NAME=told' | grep 'TIER=web' | grep -q 'SYSLOG_IDENTIFIER=x'
    grep 'MESSAGE=bad' "$BATS_TEST_TMPDIR/journal" | grep -q 'PRIORITY=3'
    run kist logs told
    [[ "$status" = 1 && "$output" == *"does not support reading"* ]]
    rm -rf /run/systemd/journal
}

@test "journald: what a real journal has of a container" {
    [ -S /run/systemd/journal/socket ] || skip "this host has no journal"
    local name=kist-journal-$$
    kist run --name "$name" --label tier=web --log-driver journald --log-opt labels=tier busybox sh -c 'echo hello; echo bad >&2'
    local id=$(inspected Id "$name")
    journal() { journalctl --sync && journalctl -b -o json "CONTAINER_ID_FULL=$id" | jq -r '[.MESSAGE, .PRIORITY, .CONTAINER_NAME, .TIER] | join(" ")' | sort; }
    [ "$(journal)" = "$(printf '%s\n' "bad 3 $name web" "hello 6 $name web")" ]
}

@test "syslog gets each line, also from a service that was started anew" {
    listen "$ROOT_T/syslog" "$BATS_TEST_TMPDIR/syslog"
    kist run -d --name told --log-driver syslog --log-opt "syslog-address=unixgram://$ROOT_T/syslog" --log-opt 'tag={{.Name}}' busybox \
        sh -c 'i=0; while :; do echo "line $i"; i=$((i + 1)); sleep 0.05; done' >/dev/null
    wait_until 5 grep -Eq "<30>[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} told: line 0'" "$BATS_TEST_TMPDIR/syslog"
    kill "$service"
    listen "$ROOT_T/syslog" "$BATS_TEST_TMPDIR/syslog2"
    wait_until 5 grep -q "told: line" "$BATS_TEST_TMPDIR/syslog2"
}

@test "unknown drivers, options and values are refused at create" {
    refuse() { # refuse TEXT OPTION…
        local text=$1
        shift
        run kist create --name refused "$@" busybox
        [ "$status" = 125 ] && [[ "$output" == *"$text"* ]] || { echo "$*: $output"; return 1; }
        ! kist container exists refused || false
    }
    refuse "unknown log driver 'splunk'" --log-driver splunk
    refuse "unknown log option 'max-siz' for json-file log driver" --log-opt max-siz=1k
    refuse "unknown log option 'labels' for k8s-file log driver" --log-driver k8s-file --log-opt labels=a
    refuse "invalid value '0' for log option max-file" --log-opt max-file=0
    refuse "invalid value 'tcp://x' for log option syslog-address" --log-driver syslog --log-opt syslog-address=tcp://x
    refuse "invalid value '{{.Nonsense}}' for log option tag" --log-opt 'tag={{.Nonsense}}'
    refuse "invalid value 'maybe' for log option compress" --log-opt compress=maybe
    refuse "invalid value '0s' for log option max-age" --log-opt max-age=0s
    refuse "invalid value 'sometimes' for log option mode" --log-opt mode=sometimes
    refuse "max-buffer-size is for mode=non-blocking" --log-opt max-buffer-size=1m
    refuse "compress is about rotated files" --log-opt compress=true --log-opt max-file=1
    refuse "max-age is about rotated files" --log-opt max-age=1h --log-opt max-file=1
    refuse "compress needs files that are rotated" --log-opt compress=true --log-opt max-size=-1
    refuse "unknown log option 'max-size' for passthrough log driver" --log-driver passthrough --log-opt max-size=1m
    refuse "--tty and the log driver passthrough exclude each other" --log-driver passthrough -t
}

@test "--since and --until in a log of several files" {
    kist run --name many --log-opt max-size=50k --log-opt max-file=50 busybox sh -c 'i=0; while [ $i -lt 3000 ]; do echo "first $i"; i=$((i + 1)); done' >/dev/null
    sleep 0.02
    local between
    between=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
    kist start -a many >/dev/null
    [ "$(kist logs --since "$between" many | wc -l)" = 3000 ]
    [ "$(kist logs --until "$between" many | wc -l)" = 3000 ]
    [ "$(kist logs --since "$between" many | head -1)" = "first 0" ]
    [ "$(kist logs --since 1h --tail 2 many | paste -sd,)" = "first 2998,first 2999" ]
}

# log_has CONTAINER TEXT: a line of its log begins with it; log_has_line: is it. For wait_until.
log_has() { kist logs "$1" 2>/dev/null | grep -q "^$2"; }
log_has_line() { kist logs "$1" 2>/dev/null | grep -qx "$2"; }
log_is_empty() { [ -z "$(kist logs "$1" 2>&1)" ]; }
restarted_more_than() { [ "$(kist inspect -f '{{.RestartCount}}' "$1")" -gt "$2" ]; }
has_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }

# all_packed LOG: every rotated file of it is compressed, and there are some.
all_packed() { [ -e "$1.1.gz" ] && [ -z "$(find "${1%/*}" -name "${1##*/}.*" ! -name '*.gz')" ]; }

@test "local: small records, rotated files compressed, all of it read, followed and searched" {
    kist run -d --name small --log-driver local --log-opt max-size=20k --log-opt max-file=100 busybox \
        sh -c 'i=0; while [ $i -lt 6000 ]; do echo "line $i"; i=$((i + 1)); done; sleep 60' >/dev/null
    kist logs -f small >"$BATS_TEST_TMPDIR/followed" 3>&- &
    local follower=$! file
    file=$(kist inspect -f '{{.LogPath}}' small)
    wait_until 20 all_packed "$file"
    [ "$(kist logs small | cmp - <(seq -f 'line %.0f' 0 5999) && echo same)" = same ]
    [ "$(kist logs --tail 4000 small | head -1)" = "line 2000" ]
    [ "$(kist logs --since 1h small | wc -l)" = 6000 ]
    [ "$(kist logs -t --tail 1 small | grep -Ec '^20[0-9-]+T[0-9:.]+Z line 5999$')" = 1 ]
    # What any other program makes of one of them.
    [ "$(zcat "$file.1.gz" | tail -c 10 | head -c 4)" = line ]
    kist rm -ft0 small >/dev/null
    wait "$follower"
    seq -f 'line %.0f' 0 5999 | cmp - "$BATS_TEST_TMPDIR/followed"
}

@test "json-file with compress: a damaged file is skipped, what was left uncompressed is done by the next monitor" {
    kist run --name packed --log-opt compress=true --log-opt max-size=20k --log-opt max-file=50 busybox \
        sh -c '[ ! -e /ran ] || sleep 60; touch /ran; i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i + 1)); done' >/dev/null
    local file
    file=$(kist inspect -f '{{.LogPath}}' packed)
    [ "$(kist logs packed | wc -l)" = 3000 ]
    [ ! -e "$file.gz.tmp" ]
    kist start packed >/dev/null
    wait_until 20 all_packed "$file"
    kist stop -t0 packed >/dev/null
    [ "$(kist logs packed | wc -l)" = 3000 ]
    printf damaged >"$(ls "$file".*.gz | head -1)"
    [ "$(kist logs packed 2>/dev/null | wc -l)" -lt 3000 ]
    [ "$(kist logs packed 2>/dev/null | wc -l)" -gt 2000 ]
    [ "$(kist logs packed 2>/dev/null | tail -1)" = "line 2999" ]
}

@test "max-age: what is older goes while the container runs and says nothing" {
    kist run -d --name old --log-opt max-age=3s --log-opt max-file=2 busybox sh -c 'echo early; sleep 60' >/dev/null
    wait_until 5 log_has old early
    wait_until 12 log_is_empty old
    kist rm -ft0 old >/dev/null
}

# log_writer CONTAINER: the process that writes the log of a container with mode=non-blocking.
log_writer() { pgrep -f "^[^ ]*kist-monitor --log $(kist inspect -f '{{.Id}}' "$1")"; }

@test "mode=non-blocking: a log that takes nothing holds up no container, and what was lost is said" {
    kist run -d --name free --log-opt mode=non-blocking --log-opt max-buffer-size=300k busybox \
        sh -c 'echo before; while [ ! -e /go ]; do sleep 0.05; done; yes "a line that is not short" | head -c 20000000; touch /done; sleep 0.5; echo after; sleep 60' >/dev/null
    local writer
    writer=$(log_writer free)
    wait_until 5 log_has free before
    kill -STOP "$writer"
    kist exec free touch /go
    wait_until 10 kist exec free test -e /done
    kill -CONT "$writer"
    wait_until 10 log_has free after
    kist logs free 2>&1 | grep -E '^kist: [0-9]{7,} bytes of log were lost: '
    kist rm -ft0 free >/dev/null
    wait_until 5 is_dead "$writer"
}

@test "mode=non-blocking: all is there when the container has ended; a killed monitor's writer writes on, a killed writer is replaced" {
    kist run --name whole --log-opt mode=non-blocking busybox seq 1 50000 >/dev/null
    kist logs whole | cmp - <(seq 1 50000)
    kist run -d --name on --log-opt mode=non-blocking busybox sh -c 'i=0; while :; do i=$((i + 1)); echo $i; sleep 0.02; done' >/dev/null
    wait_until 5 log_has_line on 5
    kill -9 "$(log_writer on)"
    local last
    last=$(kist logs on | tail -1)
    wait_until 5 log_has_line on $((last + 20))
    kill_monitor on
    kist start on >/dev/null # adopts it
    last=$(kist logs on | tail -1)
    wait_until 5 log_has_line on $((last + 20))
    kist rm -ft0 on >/dev/null
}

@test "passthrough: the container's streams are those of the command that starts it" {
    kist run -i --name own --log-driver passthrough busybox sh -c 'cat; echo bad >&2; exit 7' \
        <<<"typed" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" && false || [ $? = 7 ]
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = typed ]
    [ "$(cat "$BATS_TEST_TMPDIR/err")" = bad ]
    run -1 kist logs own
    [[ "$output" == *"does not support reading"* ]]
    # Each start has its own, and without -i there is no stdin.
    kist run -d --name later --log-driver passthrough busybox sh -c 'echo hello; cat; sleep 60' <<<"not for it" >"$BATS_TEST_TMPDIR/first"
    wait_until 5 grep -q hello "$BATS_TEST_TMPDIR/first"
    kist stop -t0 later >/dev/null
    kist start later >"$BATS_TEST_TMPDIR/second"
    wait_until 5 grep -q hello "$BATS_TEST_TMPDIR/second"
    [ "$(grep -c hello "$BATS_TEST_TMPDIR/first")" = 1 ]
    ! grep -q "not for it" "$BATS_TEST_TMPDIR"/first "$BATS_TEST_TMPDIR"/second || false
    run -1 kist attach later
    [[ "$output" == *"cannot attach to a container with the log driver passthrough"* ]]
    kist rm -ft0 later >/dev/null
}

@test "passthrough: its restart policy goes on writing there, after a killed monitor to nowhere; a terminal is refused" {
    kist run -d --name again --restart always --log-driver passthrough busybox sh -c 'echo run; sleep 0.2' >"$BATS_TEST_TMPDIR/out"
    wait_until 10 has_lines "$BATS_TEST_TMPDIR/out" 2
    kill_monitor again
    kist start again >/dev/null # adopts it
    local count
    count=$(kist inspect -f '{{.RestartCount}}' again)
    wait_until 10 restarted_more_than again "$count"
    kist rm -ft0 again >/dev/null
    run -125 script -qec "'$KIST' --root '$ROOT_T/root' --runroot '$ROOT_T/run' run --rm --log-driver passthrough busybox true" /dev/null
    [[ "$output" == *"the log driver passthrough cannot be used on a terminal"* ]]
}

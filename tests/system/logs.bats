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
        ! kist container exists refused
    }
    refuse "unknown log driver 'splunk'" --log-driver splunk
    refuse "unknown log option 'max-siz' for json-file log driver" --log-opt max-siz=1k
    refuse "unknown log option 'labels' for k8s-file log driver" --log-driver k8s-file --log-opt labels=a
    refuse "invalid value '0' for log option max-file" --log-opt max-file=0
    refuse "invalid value 'tcp://x' for log option syslog-address" --log-driver syslog --log-opt syslog-address=tcp://x
    refuse "invalid value '{{.Nonsense}}' for log option tag" --log-opt 'tag={{.Nonsense}}'
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

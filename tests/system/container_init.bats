#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# container init: namespaces, mounts and network without the program; what starts it, and what ends it.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() { check_footprint; }

state() { kist inspect -f '{{.State.Status}}' "$1"; }

@test "an initialized container has its namespaces and network, and no program; start runs it" {
    kist create --name c busybox sh -c 'echo hello; exec sleep 1000' >/dev/null
    run -0 kist container init c
    [ "$output" = c ]
    [ "$(kist inspect -f '{{.State.Status}} {{.State.Running}}' c)" = "initialized false" ]
    local pid=$(kist inspect -f '{{.State.Pid}}' c)
    [ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]
    nsenter --net="/proc/$pid/ns/net" ip addr show eth0 | grep -q "inet $(kist inspect -f '{{.NetworkSettings.IPAddress}}' c)"
    [ -x "/proc/$pid/root/bin/busybox" ]
    [ -z "$(kist logs c)" ]
    [ "$(kist ps -aq --filter status=initialized --no-trunc)" = "$(kist inspect -f '{{.Id}}' c)" ]
    [ "$(kist ps -a --format '{{.Status}}')" = Initialized ]
    [ -z "$(kist ps -q)" ]
    [ "$(kist wait --condition initialized c)" = 0 ]
    kist start c
    [ "$(state c)" = running ]
    [ "$(kist inspect -f '{{.State.Pid}}' c)" = "$pid" ] # the process that waited
    [ "$(kist logs c)" = hello ]
    [ "$(kist events --stream=false --filter container=c --format '{{.Status}}' | tail -3 | tr '\n' ' ')" = "create init start " ]
}

@test "start -a is attached from the first byte and has the exit code; a terminal has its size" {
    kist create --name c busybox sh -c 'seq 2000; exit 7' >/dev/null
    kist container init c
    run -7 kist start -a c
    [ "${#lines[@]}" = 2000 ]
    [ "$(kist inspect -f '{{.State.ExitCode}}' c)" = 7 ]
    kist container init c # an exited one, again
    [ "$(state c)" = initialized ]
    kist create -it --name t busybox sh -c 'tty; stty size; read -r line; echo "got $line"' >/dev/null
    kist container init t
    run -0 python3 - "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" start -ai t <<'EOF'
import sys, pexpect
child = pexpect.spawn(sys.argv[1], sys.argv[2:], dimensions=(33, 77), timeout=10)
child.expect("/dev/pts/0")
child.expect("33 77")
child.sendline("typed")
child.expect("got typed")
child.expect(pexpect.EOF)
EOF
}

@test "a program that cannot be started is told, and nothing is left" {
    kist create --name none busybox /no/such/program >/dev/null
    run -1 kist container init none # known as early as that
    [[ "$output" == *"/no/such/program"* ]]
    printf '#!/no/interpreter\n' >"$BATS_TEST_TMPDIR/script"
    chmod 755 "$BATS_TEST_TMPDIR/script"
    for options in "--name kept" "--rm --name gone"; do
        kist create $options busybox /script >/dev/null
        kist cp "$BATS_TEST_TMPDIR/script" "${options##* }:/script"
        kist container init "${options##* }"
        run -1 kist start "${options##* }"
        [[ "$output" == *"/script"*"interpreter"* ]]
    done
    [ "$(kist inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}}' kept)" = "created 127 0" ]
    run -1 kist container exists gone
    kist rm none kept
}

@test "stop, kill and rm end it, and no policy starts it again" {
    kist create --name c --restart always --stop-timeout 60 busybox sleep 1000 >/dev/null
    kist container init c
    timeout "$(at_most 5)" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" stop c
    [ "$(state c)" = exited ]
    kist container init c
    kist kill c
    [ "$(state c)" = exited ]
    kist container init c
    local pid=$(kist inspect -f '{{.State.Pid}}' c)
    kill -9 "$pid" # somebody else's signal
    wait_until 5 is_exited c
    sleep 0.3
    [ "$(state c)" = exited ]
    kist container init c
    kist rm c # without --force: there is nothing to lose
    run -1 kist container exists c
    kist create --rm --name r busybox true >/dev/null
    kist container init r
    kist rm r
    run -1 kist container exists r
}
is_exited() { [ "$(state "$1")" = exited ]; }

@test "what needs a program is refused; a running one cannot be initialized" {
    kist create --name c busybox sleep 1000 >/dev/null
    kist container init c
    run -1 kist exec c true
    [[ "$output" == *"not running"* ]]
    run -1 kist pause c
    [[ "$output" == *"initialized"* ]]
    run -1 kist kill -s USR1 c
    [[ "$output" == *"initialized"* ]]
    run -1 kist healthcheck run c
    run -1 kist top c
    [[ "$output" == *"not running"* ]]
    run -1 kist container init c
    [[ "$output" == *"it is initialized already"* ]]
    kist cp /etc/hostname c:/copied # its root is mounted, and only once
    kist update --memory 64m c >/dev/null
    kist start c
    [ "$(kist exec c cat /copied)" = "$(cat /etc/hostname)" ]
    run -1 kist container init c
    [[ "$output" == *"it is running"* ]]
}

@test "killed with its monitor: it is a created one again" {
    kist create --name c -p 18097:80 busybox echo up >/dev/null
    kist container init c
    local pid=$(kist inspect -f '{{.State.Pid}}' c)
    kill_monitor c
    wait_until 5 is_dead "$pid"
    [ "$(state c)" = created ]
    run -0 kist start -a c
    [ "$output" = up ]
    kist create --rm --name r busybox true >/dev/null
    kist container init r
    kill_monitor r
    kist container cleanup --all
    run -1 kist container exists r
}

@test "hooks run when their time has come, and health checks begin with the program" {
    mkdir -p "$ROOT_T/root/hooks"
    printf '#!/bin/sh\necho $0 >>%s/log\n' "$ROOT_T" >"$ROOT_T/root/hooks/early"
    cp "$ROOT_T/root/hooks/early" "$ROOT_T/root/hooks/late"
    chmod 700 "$ROOT_T/root/hooks"/*
    entry() { printf '[{"path": "%s", "args": ["%s"], "env": ["PATH=/usr/bin:/bin"]}]' "$ROOT_T/root/hooks/$1" "$1"; }
    printf '{"prestart": %s, "poststart": %s}' "$(entry early)" "$(entry late)" >"$BATS_TEST_TMPDIR/spec.json"
    chmod 600 "$BATS_TEST_TMPDIR/spec.json"
    kist create --name c --hook-spec "$BATS_TEST_TMPDIR/spec.json" --health-cmd true --health-interval 100ms busybox sleep 1000 >/dev/null
    kist container init c
    [ "$(sed 's|.*/||' "$ROOT_T/log")" = early ]
    sleep 0.3
    [ "$(kist inspect -f '{{len .State.Health.Log}}' c)" = 0 ]
    kist start c
    [ "$(sed 's|.*/||' "$ROOT_T/log" | tr '\n' ' ')" = "early late " ]
    wait_until 3 is_healthy c
}
is_healthy() { [ "$(kist inspect -f '{{.State.Health.Status}}' "$1")" = healthy ]; }

@test "several at once, and all of them" {
    for name in a b c; do kist create --name "$name" busybox sleep 1000 >/dev/null; done
    run -1 kist container init a nobody b
    [[ "$output" == *nobody* ]]
    [ "$(state a) $(state b) $(state c)" = "initialized initialized created" ]
    run -0 kist container init --all
    [ "$output" = "$(kist inspect -f '{{.Id}}' c)" ] || [ "$output" = c ]
    kist start --all >/dev/null
    [ "$(state a) $(state b) $(state c)" = "running running running" ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A container as a service: what a service manager hears by sd_notify(3).
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() {
    remember_footprint
    HEARD=$BATS_TEST_TMPDIR/heard
    # The manager: each datagram is a line.
    python3 - "$BATS_TEST_TMPDIR/manager" "$HEARD" 3>&- <<'P' &
import os, socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
with open(sys.argv[2], "w") as heard:
    while True:
        heard.write(manager.recv(9000).decode().replace("\n", "|") + "\n")
        heard.flush()
P
    MANAGER=$!
    wait_until 5 test -e "$HEARD"
    export NOTIFY_SOCKET=$BATS_TEST_TMPDIR/manager
}
teardown() {
    kill "$MANAGER"
    check_footprint
}

heard() { grep -qxF "$1" "$HEARD"; }
main_process() { echo "MAINPID=$(inspected State.MonitorPid c)|"; }
# say TEXT: as the container's process would: busybox has no client for datagram sockets.
say() {
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(sys.argv[1].encode(), sys.argv[2])' \
        "$1" "/proc/$(inspected State.Pid c)/root/run/notify/notify.sock"
}

@test "container: it says itself when it is ready, also after a restart and to a new monitor; not who its main process is" {
    kist run -d --name c busybox sh -c 'echo $NOTIFY_SOCKET; exec sleep 1000'
    [ "$(kist logs c)" = /run/notify/notify.sock ]
    heard "$(main_process)" # before the command returned
    run ! grep -q READY "$HEARD"
    say $'STATUS=nearly\nMAINPID=1\nFDSTORE=1\nREADY=1\n'
    wait_until 2 heard 'STATUS=nearly|READY=1|'
    say $'MAINPID=1'
    kist restart -t 0 c
    heard "$(main_process)"
    say 'STATUS=again'
    wait_until 2 heard 'STATUS=again|'
    kill_monitor c
    kist kill -s CONT c
    heard "$(main_process)"
    say 'STATUS=adopted'
    wait_until 2 heard 'STATUS=adopted|'
    run ! grep -q MAINPID=1'|' "$HEARD"
    run ! kist exec c touch /run/notify/x # it cannot put another socket there
    kist run --rm -u 7 busybox sh -c 'test -w $NOTIFY_SOCKET'
}

@test "conmon: ready as soon as it runs, and stopping is told; the container knows nothing of it" {
    kist run -d --name c --sdnotify conmon busybox sh -c 'echo "[$NOTIFY_SOCKET]"; ls -d /run/notify; trap "exit 0" TERM; while :; do sleep 0.1; done'
    heard "$(main_process)READY=1|"
    [ "$(kist logs c 2>/dev/null)" = "[]" ]
    kist stop c
    heard "STOPPING=1|"
}

@test "healthy: ready with the first check that succeeds" {
    kist run -d --name c --sdnotify healthy --health-cmd 'test -e /up' --health-interval 100ms busybox sleep 1000
    heard "$(main_process)"
    sleep 0.5
    run ! grep -q READY "$HEARD"
    kist exec c touch /up
    wait_until 5 heard 'READY=1|'
    run kist run --rm --sdnotify healthy busybox true
    [ "$status" -eq 125 ]
    [[ "$output" == *"needs a health check"* ]]
}

@test "ignore, no manager, and one that is gone: nothing is told, and the container runs" {
    kist run --rm --sdnotify ignore busybox sh -c 'test -z "$NOTIFY_SOCKET"'
    [ ! -s "$HEARD" ]
    NOTIFY_SOCKET='' run -0 kist run --rm busybox sh -c 'test -z "$NOTIFY_SOCKET"'
    NOTIFY_SOCKET=$BATS_TEST_TMPDIR/nowhere run -0 kist run --rm busybox echo runs
    [ "$output" = runs ]
    [ "$(kist create --name c --sdnotify conmon busybox true >/dev/null; kist inspect -f '{{.Config.sdNotifyMode}}' c)" = conmon ]
    run kist create --sdnotify maybe busybox true
    [ "$status" -eq 125 ]
    [[ "$output" == *"invalid value 'maybe' for --sdnotify"* ]]
}

# systemd's own view, as PID 1: it hears only what comes from processes of the unit's control group.
unit() { systemctl show -p "$1" --value "$UNIT"; }
unit_is() { [ "$(unit "$1")" = "$2" ]; }

@test "a unit of systemd: started when the container is ready, its main process is the monitor, stopped by stop and failed by an exit code" {
    [ -d /run/systemd/system ] || skip "systemd does not run here"
    UNIT=kist-test-$$.service
    local kist="$KIST --config $ROOT_T/kist.json --root $ROOT_T/root --runroot $ROOT_T/run"
    cat >"/run/systemd/system/$UNIT" <<U
[Service]
Type=notify
NotifyAccess=all
ExecStart=$kist run --rm -d --name c --sdnotify conmon busybox sh -c 'trap "exit 0" TERM; trap "exit 3" USR1; while :; do sleep 0.1; done'
U
    systemctl daemon-reload
    systemctl start "$UNIT"
    [ "$(unit ActiveState) $(unit MainPID)" = "active $(inspected State.MonitorPid c)" ]
    systemctl stop "$UNIT"
    [ "$(unit ActiveState) $(unit Result)" = "inactive success" ]
    run ! kist container exists c
    systemctl start "$UNIT"
    kist kill -s USR1 c
    wait_until 20 unit_is ActiveState failed
    [ "$(unit ExecMainStatus)" = 3 ]
    systemctl reset-failed "$UNIT"
    rm "/run/systemd/system/$UNIT"
    systemctl daemon-reload
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The host's clock is set while containers run (SECURITY F18): what takes a time takes that time, and only the moments shown jump.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() {
    [ "${GUEST_RUN:-}" = 1 ] || skip "would set this host's clock: tests/guest/run runs it"
    remember_footprint
}
teardown() {
    [ "${GUEST_RUN:-}" = 1 ] || return 0
    [ -z "${jumper:-}" ] || kill "$jumper" 2>/dev/null || true
    check_footprint
}

# Seconds that no clock setting changes.
uptime_seconds() { cut -d' ' -f1 /proc/uptime; }
since() { awk -v a="$1" -v b="$(uptime_seconds)" 'BEGIN { print b - a }'; }
between() { awk -v v="$1" -v low="$2" -v high="$3" 'BEGIN { exit !(v >= low && v <= high) }' || { echo "$1 is not between $2 and $3"; false; }; }

# jump: a day on, a day back, ten seconds to and fro, 2038 and 1990, each a second after the one before.
jump() {
    local now step
    for step in '+1 day' '-2 days' '+1 day' '+10 seconds' '-20 seconds' '+10 seconds' '2038-01-19 03:14:06' '1990-01-01 00:00:00' '2026-06-01 12:00:00'; do
        sleep 1
        date -s "$step" >/dev/null
    done
}

@test "F18: health checks keep their interval while the clock jumps" {
    kist run -d --name h --health-interval 1s --health-max-log-count 100 --health-cmd true busybox sleep 1000
    local start=$(uptime_seconds) before
    before=$(kist inspect -f '{{len .State.Health.Log}}' h)
    jump
    local took checks
    checks=$(($(kist inspect -f '{{len .State.Health.Log}}' h) - before))
    took=$(since "$start")
    echo "$checks checks in $took s"
    # Each comes a second after the end of the last, which takes its own time here.
    between "$checks" "$(awk -v t="$took" 'BEGIN { print int(t / 2) - 1 }')" "$(awk -v t="$took" 'BEGIN { print int(t) + 1 }')"
    [ "$(kist inspect -f '{{.State.Health.Status}}' h)" = healthy ]
}

@test "F18: stop -t waits as long as it says, and the start period is not over early" {
    kist run -d --name s --health-interval 1s --health-start-interval 1s --health-start-period 600s --health-retries 1 --health-cmd false busybox sh -c 'trap "" TERM; while :; do sleep 1; done'
    date -s '+1 day' >/dev/null
    sleep 3
    [ "$(kist inspect -f '{{.State.Health.Status}}' s)" = starting ]
    (sleep 1; date -s '-1 day' >/dev/null; sleep 1; date -s '+2 days' >/dev/null) 3>&- &
    jumper=$!
    local start=$(uptime_seconds)
    kist stop -t 5 s
    between "$(since "$start")" 5 8
    [ "$(kist inspect -f '{{.State.ExitCode}}' s)" = 137 ]
}

@test "F18: the back-off goes on by its own clock, under a new monitor too" {
    kist run -d --name r --restart always busybox false
    jump 3>&- &
    jumper=$!
    local start=$(uptime_seconds)
    wait_count r 6 # 0.1 + 0.2 + … + 3.2 s
    between "$(since "$start")" 4 25
    kill_monitor r
    date -s '-1 day' >/dev/null
    kist start r
    wait_count r 7
    between "$(since "$start")" 4 60
    kist stop r
}
wait_count() { # by uptime: wait_until looks at the clock
    local start=$(uptime_seconds)
    until [ "$(kist inspect -f '{{.RestartCount}}' "$1")" -ge "$2" ]; do
        between "$(since "$start")" 0 60
        sleep 0.2
    done
}

@test "F18: events and logs since a moment are those of the clock as it is now" {
    kist run --name l busybox echo line >/dev/null
    date -s '+1 day' >/dev/null
    [ -z "$(kist logs --since 1h l)" ]
    [ "$(kist logs --since 25h l)" = line ]
    kist run --name m busybox echo later >/dev/null
    [ "$(kist logs --since 1h m)" = later ]
    date -s '-1 day' >/dev/null
    [ "$(kist events --stream=false --filter container=l --filter event=die | wc -l)" = 1 ]
}

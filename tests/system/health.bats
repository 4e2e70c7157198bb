#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Health checks: SEEDS A083 to A106, SECURITY F41.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() { check_footprint; }

health() { inspected State.Health.Status "$1"; }
healthy_is() { has State.Health.Status "$1" "$2"; }
# Healthy as long as /ok is there.
guarded() { local name=$1; shift; kist run -d --name "$name" --health-cmd 'test -e /ok && echo fine' --health-interval 100ms "$@" busybox sh -c 'touch /ok; sleep 1000' >/dev/null; }
checks() { kist inspect --format '{{len .State.Health.Log}}' "$1"; }
no_process() { ! pgrep -f "$1" >/dev/null; }

@test "A095 A096 A101: starting, then healthy, shown in ps and inspect" {
    guarded h --health-interval "$(at_most 200)ms"
    [ "$(health h)" = starting ]
    [[ "$(kist ps --format '{{.Status}}')" == "Up "*" (health: starting)" ]]
    wait_until 3 healthy_is h healthy
    [[ "$(kist ps --format '{{.Status}}')" == "Up "*" (healthy)" ]]
    [ "$(kist ps -q --filter health=healthy | wc -l) $(kist ps -q --filter health=starting | wc -l)" = "1 0" ]
}

@test "A084: the first check runs after one interval, and the intervals are kept" {
    kist run -d --name h --health-cmd 'echo x >>/runs' --health-interval "$(at_most 400)ms" busybox sleep 1000
    sleep 0.3
    [ "$(kist exec h sh -c 'cat /runs 2>/dev/null | wc -l')" = 0 ]
    sleep "$(at_most 2)"
    local runs=$(kist exec h sh -c 'wc -l </runs')
    [ "$runs" -ge 4 ]
    [ "$runs" -le 5 ]
}

@test "A097 A098: retries failures make it unhealthy, checks go on, one success heals" {
    guarded h --health-retries 2
    wait_until 3 healthy_is h healthy
    kist exec h rm /ok
    wait_until 3 healthy_is h unhealthy
    [ "$(inspected State.Health.FailingStreak h)" -ge 2 ]
    [[ "$(kist ps --format '{{.Status}}')" == *"(unhealthy)" ]]
    kist exec h touch /ok
    wait_until 3 healthy_is h healthy
    [ "$(inspected State.Health.FailingStreak h)" = 0 ]
}

@test "A086: failures of the start period do not count" {
    kist run -d --name h --health-cmd 'exit 1' --health-interval 100ms --health-start-interval 100ms --health-start-period 1500ms --health-retries 1 busybox sleep 1000
    sleep 0.8
    [ "$(health h) $(inspected State.Health.FailingStreak h)" = "starting 0" ]
    [ "$(checks h)" -ge 2 ]
    wait_until 3 healthy_is h unhealthy
}

@test "A099: --health-exit-on-unhealthy kills with 137 and says why; the restart policy comes after it" {
    kist run -d --name h --health-cmd 'exit 1' --health-interval 100ms --health-retries 2 --health-exit-on-unhealthy busybox sleep 1000
    kist run -d --name r --health-cmd 'exit 1' --health-interval 100ms --health-retries 1 --health-on-failure kill --restart on-failure:1 busybox sleep 1000
    wait_until 5 has State.Status h exited
    [ "$(inspected State.ExitCode h)" = 137 ]
    [[ "$(inspected State.Error h)" == *unhealthy* ]]
    wait_until 5 has State.Status r exited
    [ "$(inspected RestartCount r)" = 1 ]
    # It is checked again only once it is started again.
    local last=$(kist inspect --format '{{(index .State.Health.Log 0).Start}}' h)
    sleep 0.5
    [ "$(kist inspect --format '{{(index .State.Health.Log 0).Start}}' h)" = "$last" ]
}

@test "--health-on-failure restart restarts without a policy, stop ends for good" {
    kist run -d --name r --health-cmd 'exit 1' --health-interval 150ms --health-retries 1 --health-on-failure restart --stop-timeout 0 busybox sleep 1000
    kist run -d --name s --health-cmd 'exit 1' --health-interval 150ms --health-retries 1 --health-on-failure stop --restart always --stop-timeout 1 busybox sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done'
    wait_until 5 has State.Status s exited
    [ "$(inspected State.ExitCode s) $(inspected RestartCount s)" = "9 0" ]
    wait_until 8 bash -c "[ \$('$KIST' --config '$ROOT_T/kist.json' --root '$ROOT_T/root' --runroot '$ROOT_T/run' inspect --format '{{.RestartCount}}' r) -ge 2 ]"
    kist stop -t 0 r
    has State.Status r exited
}

@test "A100 A102: five records with RFC 3339 times, the output cut at 4096 bytes" {
    kist run -d --name h --health-cmd 'echo first; head -c 100000 /dev/zero | tr "\0" x; exit 3' --health-interval 100ms busybox sleep 1000
    wait_until 5 bash -c "[ \$('$KIST' --config '$ROOT_T/kist.json' --root '$ROOT_T/root' --runroot '$ROOT_T/run' inspect --format '{{len .State.Health.Log}}' h) = 5 ]"
    sleep 0.4
    [ "$(checks h)" = 5 ]
    kist inspect h | python3 -c '
import json,sys,re
log = json.load(sys.stdin)[0]["State"]["Health"]["Log"]
assert len(log) == 5
for record in log:
    assert record["ExitCode"] == 3, record
    assert len(record["Output"]) == 4096 and record["Output"].startswith("first\nxxx"), len(record["Output"])
    for end in ("Start", "End"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", record[end]), record[end]
assert log == sorted(log, key=lambda r: r["Start"])
'
}

@test "--health-max-log-count and --health-max-log-size change that; invalid UTF-8 is shown as such" {
    kist run -d --name h --health-cmd 'printf "a\377b12345678"' --health-interval 50ms --health-max-log-count 2 --health-max-log-size 8 busybox sleep 1000
    sleep 0.6
    [ "$(checks h)" = 2 ]
    [ "$(kist inspect --format '{{(index .State.Health.Log 0).Output}}' h)" = "$(printf 'a\357\277\275b123')" ]
}

@test "A085 F41: a check that hangs is killed with its children at its timeout, whatever it ignores" {
    kist run -d --name h --health-interval 100ms --health-timeout 300ms --health-retries 1 \
        --health-cmd 'trap "" TERM; setsid sleep 7654 & sleep 7653 & echo waiting; sleep 7652' busybox sleep 1000
    wait_until 5 healthy_is h unhealthy
    [ "$(kist inspect --format '{{(index .State.Health.Log 0).ExitCode}}' h)" = -1 ]
    [[ "$(kist inspect --format '{{(index .State.Health.Log 0).Output}}' h)" == "Health check exceeded timeout (300ms): waiting"* ]]
    kist pause h
    wait_until 2 no_process "sleep 765[234]"
}

@test "F41: no child of a check outlives it, and checks never overlap" {
    kist run -d --name h --health-interval 50ms --health-cmd 'mkdir /busy || echo overlap >>/bad; setsid sleep 7651 & sleep 0.1; rmdir /busy' busybox sleep 1000
    wait_until 3 healthy_is h healthy
    sleep 1
    run kist exec h cat /bad
    [ "$status" -ne 0 ]
    kist pause h
    wait_until 2 no_process "sleep 7651"
}

@test "F41: a check that floods is bounded and ends at its timeout" {
    kist run -d --name h --health-interval 50ms --health-timeout 500ms --health-retries 1 --health-cmd yes busybox sleep 1000
    wait_until 5 healthy_is h unhealthy
    local pid=$(inspected State.MonitorPid h)
    [ "$(awk '/^Rss/ {sum += $2} END {print sum}' "/proc/$pid/smaps_rollup")" -lt 8000 ]
}

@test "a paused container is not checked" {
    guarded h
    wait_until 3 healthy_is h healthy
    kist pause h
    local before=$(kist inspect h | md5sum)
    sleep 0.6
    [ "$(kist inspect h | md5sum)" = "$before" ]
    run kist healthcheck run h
    [ "$status" -eq 1 ]
    [[ "$output" == *paused* ]]
    kist unpause h
    kist exec h rm /ok
    wait_until 3 healthy_is h unhealthy
}

@test "healthcheck run checks at once and exits by the result" {
    kist run -d --name h --health-cmd 'test -e /ok' --health-interval 1h busybox sleep 1000
    run kist healthcheck run h
    [ "$status" -eq 1 ]
    [ "$output" = starting ]
    kist healthcheck run --ignore-result h
    kist exec h touch /ok
    run kist healthcheck run h
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    [ "$(health h) $(checks h)" = "healthy 3" ]
    kist run -d --name n busybox sleep 1000
    run kist healthcheck run n
    [ "$status" -ne 0 ]
    [[ "$output" == *"no health check"* ]]
    kist stop -t 0 n
    run kist healthcheck run n
    [ "$status" -ne 0 ]
    [[ "$output" == *"not running"* ]]
}

@test "--health-interval disable: only on request" {
    kist run -d --name h --health-cmd true --health-interval disable busybox sleep 1000
    sleep 0.3
    [ "$(health h)" = starting ]
    kist healthcheck run h
    [ "$(health h)" = healthy ]
}

@test "A090 A103 A104: the image's HEALTHCHECK, overridden field by field or cancelled" {
    kist import --quiet --change 'CMD ["sh","-c","touch /ok; sleep 1000"]' --change 'HEALTHCHECK --interval=100ms --retries=4 CMD test -e /ok' "$ROOT_T/busybox.tar" checked >/dev/null
    kist run -d --name i checked
    kist run -d --name o --health-retries 1 --health-interval 200ms checked
    kist run -d --name n --no-healthcheck checked
    wait_until 3 healthy_is i healthy
    [ "$(kist inspect --format '{{json .Config.Healthcheck.Test}} {{.Config.Healthcheck.Interval}} {{.Config.Healthcheck.Retries}}' i)" = '["CMD-SHELL","test -e /ok"] 100000000 4' ]
    [ "$(kist inspect --format '{{.Config.Healthcheck.Interval}} {{.Config.Healthcheck.Retries}}' o)" = '200000000 1' ]
    [ "$(kist ps --filter name=n --format '{{.Status}}' | grep -c health)" = 0 ]
}

@test "A092 A093 A104: bad values are refused by name, before anything is made" {
    refuse() {
        run kist create "$@" busybox true
        [ "$status" -eq 125 ] || { echo "$*: $status $output"; return 1; }
        [[ "$output" == *"${1%%=*}"* ]] || { echo "$*: $output"; return 1; }
    }
    refuse --health-interval=-1s --health-cmd true
    refuse --health-interval=9223372036854775808ns --health-cmd true
    refuse --health-timeout=10us --health-cmd true
    refuse --health-start-period=x --health-cmd true
    refuse --health-retries=2147483648 --health-cmd true
    refuse --health-retries=-1 --health-cmd true
    refuse --health-interval=1s
    refuse --no-healthcheck --health-cmd true
    refuse --no-healthcheck --health-retries 1
    refuse --health-on-failure=explode --health-cmd true
    refuse --rm --health-on-failure restart --health-cmd true
    [ "$(kist ps -aq | wc -l)" = 0 ]
}

@test "the check runs as the container's user, in its folder, with its umask and rights" {
    kist run -d --name h -u 1000:1000 -w /tmp --env A=b --health-interval 100ms --health-cmd 'id -u; pwd; umask; echo $A; grep -E "CapInh|CapEff|Seccomp:" /proc/self/status' busybox sleep 1000
    wait_until 3 healthy_is h healthy
    local out=$(kist inspect --format '{{(index .State.Health.Log 0).Output}}' h)
    [ "$(echo "$out" | head -4 | xargs)" = "1000 /tmp 0027 b" ]
    [ "$(echo "$out" | grep -E 'CapInh|CapEff|Seccomp:' | awk '{print $2}' | xargs)" = "0000000000000000 0000000000000000 2" ]
}

@test "a check that cannot be executed is a failure that says why" {
    kist run -d --name h --health-cmd '["/no/such/probe"]' --health-interval 100ms --health-retries 1 busybox sleep 1000
    wait_until 3 healthy_is h unhealthy
    [ "$(kist inspect --format '{{(index .State.Health.Log 0).ExitCode}}' h)" = 127 ]
    [[ "$(kist inspect --format '{{(index .State.Health.Log 0).Output}}' h)" == *"/no/such/probe"* ]]
}

@test "startup checks come first; too many failures of them restart the container" {
    kist run -d --name s --health-cmd 'echo regular' --health-interval 100ms --health-startup-cmd 'test -e /up && echo startup' --health-startup-interval 100ms --health-startup-success 2 busybox sleep 1000
    sleep 0.5
    [ "$(health s)" = starting ]
    [ "$(inspected State.Health.FailingStreak s)" = 0 ]
    kist exec s touch /up
    wait_until 3 healthy_is s healthy
    kist run -d --name r --health-cmd true --health-startup-cmd false --health-startup-interval 100ms --health-startup-retries 2 --stop-timeout 0 busybox sleep 1000
    wait_until 8 bash -c "[ \$('$KIST' --config '$ROOT_T/kist.json' --root '$ROOT_T/root' --runroot '$ROOT_T/run' inspect --format '{{.RestartCount}}' r) -ge 1 ]"
}

@test "A105: health goes on under a new monitor, the status is kept" {
    guarded h
    wait_until 3 healthy_is h healthy
    kill_monitor h
    kist kill -s CONT h
    [ "$(health h)" = healthy ]
    kist exec h rm /ok
    wait_until 3 healthy_is h unhealthy
}

@test "events tell of changes only" {
    guarded told --health-retries 1
    wait_until 3 healthy_is told healthy
    sleep 0.4
    kist exec told rm /ok
    wait_until 3 healthy_is told unhealthy
    [ "$(kist events --stream=false --filter container=told --format '{{.Action}}' | grep -c '^health_status')" = 2 ]
}

@test "wait --condition healthy and unhealthy" {
    guarded h --health-retries 1
    kist wait --condition healthy h
    kist exec -d h sh -c 'sleep 0.3; rm /ok'
    kist wait --condition unhealthy h
}

@test "without a health check the idle monitor is never woken" {
    kist run -d --name idle busybox sleep 1000
    local pid=$(inspected State.MonitorPid idle)
    sleep 0.5
    local before=$(awk '/^voluntary/ {print $2}' "/proc/$pid/status")
    sleep 3
    [ "$(awk '/^voluntary/ {print $2}' "/proc/$pid/status")" = "$before" ]
}

@test "F38: a thousand checks leave the monitor as small as it was" {
    kist run -d --name h --health-cmd '["true"]' --health-interval 1ms busybox sleep 1000
    local pid=$(inspected State.MonitorPid h)
    sleep 1
    # Measured without a check: its process shares our pages.
    pss() { awk '/^Pss:/ {print $2}' "/proc/$pid/smaps_rollup"; }
    kist pause h
    local before=$(pss) fds=$(ls "/proc/$pid/fd" | wc -l)
    kist unpause h
    sleep 4
    kist pause h
    local after=$(pss)
    echo "PSS $before -> $after KiB"
    [ "$after" -le $((before + 64)) ]
    [ "$(ls "/proc/$pid/fd" | wc -l)" -le "$fds" ]
}

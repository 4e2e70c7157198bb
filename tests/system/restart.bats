#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Restart policies: SEEDS A110, A111, A124, A188, A250, SECURITY F42.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() { check_footprint; }

restarting() { has State.Status "$1" restarting; }
# Ends at once, again and again; after some restarts its back-off is long enough to look at it.
crash_loop() { kist run -d --name "$1" --restart "${2:-always}" busybox sh -c 'echo up; exit 3' >/dev/null; }
in_back_off() {
    # 0.8 s long; where processors are emulated 3.2 s.
    wait_until 10 has_restarted "$1" $((${PATIENCE:-1} > 1 ? 5 : 3)) && wait_until 5 restarting "$1"
}

@test "A188: the default is no restart, on-failure:n starts it n times more" {
    kist run --name plain busybox sh -c 'exit 3' || [ $? -eq 3 ]
    kist run -d --name f --restart on-failure:2 busybox sh -c 'echo up; exit 3'
    wait_until 5 has State.Status f exited
    [ "$(inspected RestartCount plain) $(inspected HostConfig.RestartPolicy.Name plain)" = "0 no" ]
    [ "$(inspected RestartCount f) $(inspected State.ExitCode f)" = "2 3" ]
    [ "$(kist logs f | grep -c up)" = 3 ]
    [ "$(kist inspect --format '{{.HostConfig.RestartPolicy.Name}}:{{.HostConfig.RestartPolicy.MaximumRetryCount}}' f)" = on-failure:2 ]
}

@test "on-failure leaves a success alone; always does not" {
    kist run -d --name ok --restart on-failure busybox true
    kist run -d --name again --restart always busybox true
    wait_until 5 has_restarted again 2
    [ "$(inspected State.Status ok) $(inspected RestartCount ok)" = "exited 0" ]
}

@test "the back-off doubles from 100 ms" {
    crash_loop c
    sleep 2.5
    # 0.1 + 0.2 + 0.4 + 0.8 = 1.5 s for four restarts, 3.1 s for five.
    [ "$(inspected RestartCount c)" = 4 ]
}

@test "ps shows the state restarting and when the next attempt is" {
    crash_loop c
    in_back_off c
    kist ps
    [[ "$(kist ps --format '{{.Status}}')" =~ ^Restarting\ \(3\)\ .*\ ago\ \(next\ in\ [0-9.]+m?s\)$ ]]
    [ "$(kist ps -q --filter status=restarting | wc -l)" = 1 ]
    [ "$(kist inspect --format '{{.State.Restarting}} {{.State.Running}} {{.State.Pid}}' c)" = "true true 0" ]
}

@test "A110: stop calls the next start off at once, and it stays off" {
    crash_loop c
    in_back_off c
    local start=$(date +%s%N)
    kist stop c
    [ $((($(date +%s%N) - start) / 1000000)) -lt "$(at_most 500)" ]
    [ "$(inspected State.Status c)" = exited ]
    local count=$(inspected RestartCount c)
    sleep 2
    [ "$(inspected State.Status c) $(inspected RestartCount c)" = "exited $count" ]
}

@test "A124: rename works while restarting" {
    crash_loop c
    in_back_off c
    kist rename c d
    local count=$(inspected RestartCount d)
    wait_until 10 has_restarted d $((count + 1))
}

@test "rm removes a restarting container without --force" {
    crash_loop c
    in_back_off c
    kist rm c
    run kist container exists c # inspect would take the image if its id began with c
    [ "$status" -eq 1 ]
}

@test "rm -f in the middle of a crash loop leaves nothing" {
    for n in 1 2 3 4 5; do
        crash_loop c
        sleep 0.$n
        kist rm -f c
    done
}

@test "kill ends it for good, by SIGKILL and by the stop signal; another signal does not" {
    kist run -d --name k --restart always busybox sleep 100
    kist run -d --name t --restart always busybox sh -c 'trap "exit 4" TERM; while :; do sleep 0.1; done'
    kist run -d --name h --restart always busybox sh -c 'trap "exit 5" HUP; while :; do sleep 0.1; done'
    sleep 0.3
    kist kill k
    kist kill -s TERM t
    kist kill -s HUP h
    wait_until 5 has_restarted h 1
    wait_until 5 has State.Status t exited
    [ "$(inspected State.Status k) $(inspected RestartCount k)" = "exited 0" ]
    [ "$(inspected RestartCount t)" = 0 ]
}

@test "a manual start counts from zero again" {
    crash_loop c
    in_back_off c
    kist stop c
    kist start c
    [ "$(inspected RestartCount c)" -lt 2 ]
}

@test "exec, attach and pause say that it is restarting" {
    crash_loop c
    in_back_off c
    for command in "exec c true" "attach c" "pause c"; do
        run kist $command
        [ "$status" -ne 0 ]
        [[ "$output" == *"is restarting"* || "$output" == *"a restarting container"* ]]
    done
}

@test "run in the foreground returns at the first end, wait at the next" {
    run kist run --name c --restart always busybox sh -c 'echo one; exit 3'
    [ "$status" -eq 3 ]
    [ "$output" = one ]
    [ "$(kist wait c)" = 3 ]
    has_restarted c 1
}

@test "a terminal and an open stdin work in every run" {
    kist run -dit --name c --restart always busybox sh -c 'tty; sleep 0.2; exit 1'
    wait_until 5 has_restarted c 2
    kist stop -t 0 c
    [ "$(kist logs c | grep -c /dev/pts/0)" -ge 2 ]
}

@test "a container that borrows a network follows the lender's new process" {
    kist run -d --name lender busybox sleep 100
    kist run -d --name guest --restart always --network container:lender busybox sh -c 'readlink /proc/self/ns/net; sleep 0.4; exit 1'
    kist restart -t 0 lender
    local pid=$(inspected State.Pid lender)
    wait_until 5 bash -c "'$KIST' --config '$ROOT_T/kist.json' --root '$ROOT_T/root' --runroot '$ROOT_T/run' logs guest | tail -1 | grep -qF \"$(readlink /proc/$pid/ns/net)\""
    kist stop -t 0 lender
    # Without a lender each attempt fails with the reason, and goes on.
    wait_until 8 bash -c "'$KIST' --config '$ROOT_T/kist.json' --root '$ROOT_T/root' --runroot '$ROOT_T/run' inspect --format '{{.State.Error}}' guest | grep -q 'does not run'"
    restarting guest
}

@test "A111: --rm and a restart policy exclude each other; restart of a --rm container works" {
    run kist run -d --rm --restart always busybox true
    [ "$status" -eq 125 ]
    [[ "$output" == *"--rm and --restart always exclude each other"* ]]
    kist run -d --rm --restart no --name r busybox sleep 100
    kist restart -t 0 r
    [ "$(inspected State.Status r)" = running ]
}

@test "bad policies are refused before anything is made" {
    for policy in sometimes on-failure:x on-failure:-1 on-failure:2147483648 always:3 :; do
        run kist create --restart "$policy" busybox true
        [ "$status" -eq 125 ]
        [[ "$output" == *"invalid restart policy '$policy'"* ]]
    done
    [ "$(kist ps -aq | wc -l)" = 0 ]
}

@test "F42: the monitor killed in back-off: the next command starts another, which goes on" {
    crash_loop c
    in_back_off c
    local count=$(inspected RestartCount c)
    kill_monitor c
    kist start c
    wait_until 20 has_restarted c $((count + 1))
    kist stop c
    [ "$(inspected State.Status c)" = exited ]
}

@test "the monitor and the container killed: the next command obeys the policy" {
    kist run -d --name c --restart always busybox sleep 100
    local pid=$(inspected State.Pid c)
    kill -STOP "$(inspected State.MonitorPid c)"
    kill -9 "$pid"
    kill_monitor c
    wait_until 2 has State.Status c exited
    kist start c
    wait_until 5 has State.Status c running
    [ "$(inspected RestartCount c)" = 1 ]
}

@test "what starts on boot: always, and unless-stopped that its user has not stopped" {
    kist create --name never --restart always busybox sleep 100
    for name in stopped-always:always stopped-unless:unless-stopped shut-unless:unless-stopped shut-failure:on-failure; do
        kist run -d --name "${name%:*}" --restart "${name#*:}" busybox sleep 100
    done
    kist stop -t 0 stopped-always stopped-unless
    kist stop -t 0 --shutdown shut-unless shut-failure
    [ "$(kist ps -a --filter should-start-on-boot=true --format '{{.Names}}' | sort | xargs)" = "shut-unless stopped-always" ]
    [ "$(kist ps -a --filter restart-policy=unless-stopped --format '{{.Names}}' | sort | xargs)" = "shut-unless stopped-unless" ]
    kist start --all --filter should-start-on-boot=true
    [ "$(kist ps --format '{{.Names}}' | sort | xargs)" = "shut-unless stopped-always" ]
    run kist ps --filter restart-policy=maybe
    [ "$status" -eq 125 ]
}

@test "the host's shutdown ends the container by its monitor, and is no user's stop" {
    kist run -d --name c --restart unless-stopped --stop-timeout 1 busybox sleep 100
    kill -TERM "$(inspected State.MonitorPid c)"
    wait_until 5 has State.Status c exited
    [ "$(kist ps -aq --filter should-start-on-boot=true | wc -l)" = 1 ]
}

@test "an idle monitor between two starts holds no process, cgroup or FIFO" {
    crash_loop c
    in_back_off c
    local id=$(inspected Id c)
    [ -z "$(find /sys/fs/cgroup -maxdepth 4 -type d -path "*$CGROUP_PARENT/$id" 2>/dev/null)" ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# exec: SEEDS A045, A122, A148 to A151, A192, A208.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() { check_footprint; }

@test "A151: exec runs beside the main process, and its end does not end the container" {
    kist run -d --name web busybox sleep 100
    run kist exec web echo inside
    [ "$status" -eq 0 ]
    [ "$output" = inside ]
    run kist exec web sh -c 'exit 9'
    [ "$status" -eq 9 ]
    [ "$(kist inspect --format '{{.State.Status}}' web)" = running ]
}

@test "exec into a container that has made groups of its own, as systemd in one does" {
    kist run -d --name c --privileged --health-cmd true --health-interval 100ms busybox sh -c '
        cd /sys/fs/cgroup; [ -e cgroup.procs ] || cd unified
        mkdir first; echo 1 >first/cgroup.procs
        for controller in $(cat cgroup.controllers); do echo "+$controller" >cgroup.subtree_control; done
        touch /ready; exec sleep 1000'
    wait_until 10 test -e "/proc/$(inspected State.Pid c)/root/ready"
    run -0 kist exec c sh -c 'grep ^0:: /proc/self/cgroup; cd /sys/fs/cgroup; [ -e cgroup.procs ] || cd unified; cat cgroup.subtree_control'
    # A kernel with all controllers on v1 has none to give away; then the container's own group takes processes.
    [[ "$output" == "0::/first"* || "${#lines[@]}" = 1 ]]
    wait_until 5 has State.Health.Status c healthy
    kist rm -f -t 0 c
}

@test "exec: 126 and 127 as run" {
    kist run -d --name web busybox sleep 100
    run kist exec web no-such-command
    [ "$status" -eq 127 ]
    run kist exec web /etc/passwd
    [ "$status" -eq 126 ]
    kist stop -t 0 web
    run kist exec web true
    [ "$status" -ne 0 ]
    [[ "$output" == *"not running"* ]]
}

@test "exec has the namespaces, cgroup, capabilities, seccomp mode, umask and user of the container" {
    kist run -d --name web -u 1000:2000 -e A=1 -w /tmp busybox sleep 100
    pid=$(kist inspect --format '{{.State.Pid}}' web)
    for space in mnt pid net ipc uts cgroup; do
        [ "$(kist exec web readlink /proc/self/ns/$space)" = "$(readlink "/proc/$pid/ns/$space")" ]
    done
    [ "$(kist exec web sh -c 'umask')" = 0027 ]
    [ "$(kist exec web id -u):$(kist exec web id -g)" = 1000:2000 ]
    [ "$(kist exec -u 0 web id -u)" = 0 ]
    [ "$(kist exec web sh -c 'echo $A; pwd')" = $'1\n/tmp' ]
    [ "$(kist exec -e A=2 -w / web sh -c 'echo $A; pwd')" = $'2\n/' ]
    diff <(grep -E '^(Cap|NoNewPrivs|Seccomp:)' "/proc/$pid/status") <(kist exec web grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status)
    [ "$(kist exec web cat /proc/self/cgroup)" = "$(kist exec web cat /proc/1/cgroup)" ]
}

@test "exec hands standard input through, and 1 MiB both ways byte for byte" {
    kist run -d --name web busybox sleep 100
    head -c 1048576 /dev/urandom >"$BATS_TEST_TMPDIR/in"
    kist exec -i web cat <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
    cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
    run kist exec web cat </etc/passwd
    [ -z "$output" ]
}

@test "A122: exec ends with its command even when a background process holds the output" {
    kist run -d --name web busybox sleep 100
    start=$(date +%s)
    # A file, not a pipe of this test: only kist itself could wait for the background process.
    timeout "$(at_most 10)" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" exec web sh -c 'sleep 50 & echo done' >"$BATS_TEST_TMPDIR/out"
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = done ]
    [ $(($(date +%s) - start)) -lt 5 ]
}

@test "A122: with a terminal exec ends with its command" {
    kist run -d --name web busybox sleep 100
    run /usr/bin/python3 - "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" <<'PY'
import sys, time, pexpect
c = pexpect.spawn(sys.argv[1], sys.argv[2:] + ["exec", "-it", "web", "sh"], timeout=5, encoding="utf-8", dimensions=(30, 90))
c.expect("/ # ")
c.sendline("stty size")
c.expect("30 90")
c.sendline("sleep 60 &")
c.expect("/ # ")
start = time.time()
c.sendline("exit 4")
c.expect(pexpect.EOF)
c.close()
assert c.exitstatus == 4, c.exitstatus
assert time.time() - start < 2, "exit hung"
PY
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "exec -d returns at once and the command goes on" {
    kist run -d --name web busybox sleep 100
    kist exec -d web sh -c 'sleep 0.3; echo x >/tmp/mark'
    run kist exec web cat /tmp/mark
    [ "$status" -ne 0 ]
    wait_until 3 kist exec web cat /tmp/mark
}

@test "exec --privileged has all capabilities, plain exec the container's" {
    kist run -d --name web busybox sleep 100
    plain=$(kist exec web sed -n 's/^CapEff:\s*//p' /proc/self/status)
    all=$(kist exec --privileged web sed -n 's/^CapEff:\s*//p' /proc/self/status)
    [ "$plain" = 00000000a80425fb ]
    [ "$all" != "$plain" ]
}

@test "no descriptor of the host reaches a container, in run and in exec" {
    kist run -d --name web busybox sleep 100
    for how in "run --rm busybox" "exec web"; do
        run kist $how ls /proc/self/fd
        [ "$status" -eq 0 ]
        [ "$(echo $output)" = "0 1 2 3" ]   # 3 is ls's own view of the folder
    done
}

@test "exec sessions are listed in ExecIDs as long as they run" {
    kist run -d --name web busybox sleep 100
    [ "$(kist inspect --format '{{json .ExecIDs}}' web)" = null ]
    kist exec -d web sleep 50
    kist exec -d web sleep 0.5
    [ "$(kist inspect --format '{{len .ExecIDs}}' web)" = 2 ]
    sleep 1
    [ "$(kist inspect --format '{{len .ExecIDs}}' web)" = 1 ]
    kist exec web true
    [ "$(kist inspect --format '{{len .ExecIDs}}' web)" = 1 ]
}

@test "exec sessions end with the container, also in the host's pid namespace" {
    kist run -d --name own busybox sleep 100
    kist run -d --name shared --pid host busybox sleep 100
    for name in own shared; do
        kist exec -d "$name" sleep 7651
        kist exec -d "$name" sh -c 'trap "" TERM HUP; sleep 7651'
        kist stop -t 0 "$name"
        [ "$(kist inspect --format '{{json .ExecIDs}}' "$name")" = null ]
    done
    wait_until 2 bash -c '! pgrep -f "[s]leep 7651"'
}

@test "an exec whose command was killed is not listed for ever" {
    kist run -d --name web busybox sleep 100
    "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" exec web sleep 1 &
    local command=$!
    wait_until 2 bash -c "[ \"\$('$KIST' --config '$ROOT_T/kist.json' --root '$ROOT_T/root' --runroot '$ROOT_T/run' inspect --format '{{json .ExecIDs}}' web)\" != null ]"
    kill -9 $command
    wait_until 5 eval '[ "$(kist inspect --format "{{json .ExecIDs}}" web)" = null ]'
}

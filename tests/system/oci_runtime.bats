#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# kist-oci by itself: the runtime's command line, without an engine above it.

load oci_helpers

setup_file() { make_bundle; }
teardown_file() { remove_bundle; }
setup() { remember_oci_footprint; }
teardown() { check_oci_footprint; }

@test "run prints what the program prints and exits with its code" {
    command_config sh -c 'echo out; echo err >&2; exit 7'
    run --separate-stderr oci run --bundle "$T/bundle" c
    [ "$status" -eq 7 ]
    [ "$output" = out ]
    [ "$stderr" = err ]
}

@test "create waits, start runs, delete removes" {
    command_config sh -c 'echo ran >/tmp/ran; exec sleep 100'
    oci create --bundle "$T/bundle" --pid-file "$T/pid" c
    status_is c created
    pid=$(cat "$T/pid")
    [ "$(oci state c | jq .pid)" = "$pid" ]
    [ ! -e "$T/bundle/rootfs/tmp/ran" ]
    # A process that sleeps until then keeps no more than a MiB.
    [ "$(awk '/^Rss:/ {print $2}' "/proc/$pid/smaps_rollup")" -le 1024 ]
    oci start c
    status_is c running
    wait_until 5 test -e "$T/bundle/rootfs/tmp/ran"
    rm "$T/bundle/rootfs/tmp/ran" "$T/pid"
    run oci start c
    [ "$status" -eq 1 ]
    [[ "$output" == *"cannot start container 'c': it is running"* ]]
    run oci delete c
    [ "$status" -eq 1 ]
    [[ "$output" == *"that is not stopped: running"* ]]
    oci kill c KILL
    wait_until 5 status_is c stopped
    [ "$(oci state c | jq .pid)" = 0 ]
    oci delete c
    run oci state c
    [ "$status" -eq 1 ]
    [[ "$output" == *"container 'c' does not exist"* ]]
}

@test "state has the fields of the specification" {
    command_config sleep 100
    config '.process.args=["sleep","100"]' '.annotations={"org.example.a":"b"}'
    oci create --bundle "$T/bundle" c
    run -0 oci state c
    jq -e --arg bundle "$T/bundle" '.ociVersion == "1.2.0" and .id == "c" and .status == "created" and (.pid > 1)
        and .bundle == $bundle and .rootfs == $bundle + "/rootfs" and .annotations["org.example.a"] == "b" and .owner == "root"
        and (.created | test("^20..-..-..T"))' <<<"$output"
}

@test "a created container can be deleted, and its process is gone" {
    command_config sleep 100
    oci create --bundle "$T/bundle" --pid-file "$T/pid" c
    pid=$(cat "$T/pid"); rm "$T/pid"
    oci delete c
    wait_until 5 eval "! grep -qs 'State:.[SRD]' /proc/$pid/status"
}

@test "an id is taken once, and odd ids are refused" {
    command_config sleep 100
    oci create --bundle "$T/bundle" c
    run oci create --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"already exists"* ]]
    for id in '' . .. .x a/b $'a\nb' 'a b' "$(printf 'x%.0s' $(seq 300))"; do
        run oci create --bundle "$T/bundle" "$id"
        [ "$status" -eq 1 ]
        [[ "$output" == *"invalid container id"* ]]
    done
}

@test "a command that does not exist is 127 at create, one that cannot be executed 126, and nothing is left" {
    command_config no-such-program
    run oci create --bundle "$T/bundle" c
    [ "$status" -eq 127 ]
    [[ "$output" == *"executable file not found in \$PATH"* ]]
    command_config /etc
    run oci run --bundle "$T/bundle" c
    [ "$status" -eq 126 ]
}

@test "start tells why the program could not be executed" {
    printf '#!/no/such/interpreter\n' >"$T/bundle/rootfs/tmp/script"
    chmod 755 "$T/bundle/rootfs/tmp/script"
    command_config /tmp/script
    oci create --bundle "$T/bundle" c
    run oci start c
    [ "$status" -eq 127 ]
    [[ "$output" == *"exec: '/tmp/script': No such file or directory (the file exists, but the interpreter"* ]]
    wait_until 5 status_is c stopped
    rm "$T/bundle/rootfs/tmp/script"
}

@test "exec runs beside the first process, with its own user, environment, folder and code" {
    command_config sleep 100
    oci run -d --bundle "$T/bundle" c
    run oci exec --user 5:6 --env A=b --cwd /tmp c sh -c 'echo $(id -u):$(id -g) $A $PWD; exit 9'
    [ "$status" -eq 9 ]
    [ "$output" = "5:6 b /tmp" ]
    run oci exec c no-such-program
    [ "$status" -eq 127 ]
    jq -n '{args:["sh","-c","echo $X; id -u"],cwd:"/",user:{uid:7,gid:7},env:["PATH=/bin","X=y"]}' >"$T/process.json"
    run -0 oci exec --process "$T/process.json" c
    [ "$output" = $'y\n7' ]
    oci exec --detach --pid-file "$T/pid" c sleep 50
    [ "$(tr '\0' ' ' </proc/"$(cat "$T/pid")"/cmdline)" = "sleep 50 " ]
    rm "$T/pid" "$T/process.json"
}

@test "exec into a created container works, into a stopped or paused one it does not" {
    command_config sleep 100
    oci create --bundle "$T/bundle" c
    [ "$(oci exec c echo early)" = early ]
    oci start c
    oci pause c
    status_is c paused
    run oci exec c true
    [ "$status" -eq 1 ]
    [[ "$output" == *"it is paused"* ]]
    run oci pause c
    [ "$status" -eq 1 ]
    oci resume c
    status_is c running
    oci kill c 9
    wait_until 5 status_is c stopped
    run oci exec c true
    [ "$status" -eq 1 ]
    run oci kill c
    [ "$status" -eq 1 ]
    [[ "$output" == *"container not running"* ]]
}

@test "kill --all reaches every process, a paused container dies of KILL" {
    command_config sh -c 'sleep 100 & sleep 101 & trap "" TERM; wait; exec sleep 102'
    oci run -d --bundle "$T/bundle" c
    wait_until 5 eval '[ "$(oci ps -f json c | jq length)" = 3 ]'
    oci kill --all c TERM
    wait_until 5 eval '[ "$(oci ps -f json c | jq length)" = 1 ]'
    oci pause c
    oci kill c KILL
    wait_until 5 status_is c stopped
}

@test "the terminal's master goes to the console socket" {
    config '.process.terminal=true' '.process.args=["sh","-c","tty; sleep 100"]'
    run oci create --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"--console-socket"* ]]
    python3 - "$T" "$KIST_OCI" <<'P'
import os, socket, subprocess, sys
folder, program = sys.argv[1:]
path = folder + "/" + "long" * 30 + ".sock"
os.chdir(folder)
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(os.path.basename("short.sock"))
os.rename("short.sock", path)
listener.listen()
subprocess.check_call([program, "--root", folder + "/state", "create", "--bundle", folder + "/bundle", "--console-socket", path, "c"])
connection, _ = listener.accept()
data, fds, _, _ = socket.recv_fds(connection, 100, 2)
assert len(fds) == 1 and data, (data, fds)
assert os.get_blocking(fds[0])
subprocess.check_call([program, "--root", folder + "/state", "start", "c"])
said = b""
while not said.endswith(b"\r\n"): # a terminal may give a line in pieces
    said += os.read(fds[0], 100)
assert said == b"/dev/pts/0\r\n", said
os.unlink(path)
P
}

@test "run with a terminal relays it, in the foreground" {
    config '.process.terminal=true' '.process.args=["sh","-c","tty; read a; echo got $a; exit 5"]'
    python3 - "$T" "$KIST_OCI" <<'P'
import pexpect, sys
folder, program = sys.argv[1:]
child = pexpect.spawn(program, ["--root", folder + "/state", "run", "--bundle", folder + "/bundle", "c"], timeout=10)
child.expect("/dev/pts/0")
child.sendline("word")
child.expect("got word")
child.expect(pexpect.EOF)
child.wait()
assert child.exitstatus == 5, child.exitstatus
P
}

@test "descriptors are passed on as asked and no other" {
    command_config sh -c 'ls /proc/self/fd | tr "\n" " "; cat <&3'
    run -0 bash -c '"$0" --root "$1/state" run --preserve-fds 1 --bundle "$1/bundle" c 3< <(echo three) 4</dev/null 9</dev/null' "$KIST_OCI" "$T"
    # ls itself opens one more.
    [ "$output" = $'0 1 2 3 4 three' ]
    run oci run --preserve-fds 5 --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"--preserve-fds: descriptor"* ]]
}

@test "sockets of an activating service manager arrive with LISTEN_FDS and LISTEN_PID" {
    command_config sh -c 'echo $LISTEN_FDS $LISTEN_PID; cat <&3'
    run -0 bash -c 'exec 3< <(echo three); LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" --root "$1/state" run --bundle "$1/bundle" c' "$KIST_OCI" "$T"
    [ "$output" = $'1 1\nthree' ]
    command_config sh -c 'echo "$LISTEN_FDS."; ls /proc/self/fd | wc -l'
    run -0 bash -c 'exec 3< <(echo three); LISTEN_FDS=1 LISTEN_PID=1 exec "$0" --root "$1/state" run --bundle "$1/bundle" c' "$KIST_OCI" "$T"
    [ "$output" = $'.\n4' ]
}

@test "READY=1 of the container is told to the service manager, other words are not" {
    # busybox has no client for datagram sockets on paths: the test speaks through the container's own folder.
    command_config sleep 100
    python3 - "$T" "$KIST_OCI" <<'P'
import os, socket, subprocess, sys, time
folder, program = sys.argv[1:]
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(folder + "/manager")
env = dict(os.environ, NOTIFY_SOCKET=folder + "/manager")
def oci(*words, **more):
    return subprocess.Popen([program, "--root", folder + "/state", *words], env=env, **more)
assert oci("create", "--bundle", folder + "/bundle", "c").wait() == 0
start = oci("start", "c")
path = folder + "/state/c/notify/notify.sock"
for _ in range(100):
    if os.path.exists(path): break
    time.sleep(0.05)
inside = subprocess.check_output([program, "--root", folder + "/state", "exec", "c", "sh", "-c", "echo $NOTIFY_SOCKET; ls -l /run/notify"], text=True)
assert inside.startswith("/run/notify/notify.sock\n") and "srwxrwxrwx" in inside, inside
client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
client.sendto(b"STATUS=starting\nMAINPID=1\n", path)
time.sleep(0.3)
assert start.poll() is None
client.sendto(b"STATUS=up\nREADY=1\n", path)
assert start.wait(timeout=5) == 0
manager.settimeout(5)
words = manager.recv(1000).decode().split("\n")
state = subprocess.check_output([program, "--root", folder + "/state", "state", "c"], text=True)
assert words[0] == "READY=1" and words[1].startswith("MAINPID=") and words[1][8:] in state, words
manager.setblocking(False)
try:
    sys.exit(manager.recv(1000))
except BlockingIOError:
    pass
os.unlink(folder + "/manager")
P
    rmdir "$T/bundle/rootfs/run/notify" "$T/bundle/rootfs/run"
}

@test "run --no-pivot shows the container's root alone" {
    command_config sh -c 'ls / | tr "\n" " "; ls /../.. | wc -l'
    run -0 oci run --no-pivot --bundle "$T/bundle" c
    [[ "$output" == "bin dev etc home proc root sys tmp usr var 10" ]]
}

@test "update changes limits, events shows them" {
    command_config sleep 100
    oci run -d --bundle "$T/bundle" c
    oci update --pids-limit 50 --memory 64m c
    run -0 oci events --stats c
    jq -e '.type == "stats" and .data.pids.limit == 50 and .data.memory.usage.limit == 67108864 and .data.pids.current == 1' <<<"$output"
    echo '{"pids":{"limit":60}}' | oci update --resources - c
    oci events --stats c | jq -e '.data.pids.limit == 60'
    echo '{"pids":{"limit":"x"}}' >"$T/resources.json"
    run oci update --resources "$T/resources.json" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"resources.json: pids.limit: expected an integer"* ]]
    rm "$T/resources.json"
}

# value ID V1FILE V2FILE: what that file of the container's cgroup has.
value() {
    local id=$1 v1=$2 v2=$3 file
    file=$(find /sys/fs/cgroup -path "*/kist-oci/$id/$v1")
    [ -n "$file" ] || file=$(find /sys/fs/cgroup -path "*/kist-oci/$id/$v2")
    cat "$file"
}

@test "update: a quota keeps the period and a period the quota; a set of processors for one that had none" {
    command_config sleep 100
    oci run -d --bundle "$T/bundle" c
    oci update --cpu-period 50000 --cpu-quota 25000 c
    oci update --cpu-quota 20000 c
    oci update --cpu-period 40000 c
    [[ "$(value c cpu.cfs_quota_us cpu.max)" =~ ^20000(\ 40000)?$ ]]
    [[ "$(value c cpu.cfs_period_us cpu.max)" =~ ^(20000\ )?40000$ ]]
    oci update --cpuset-cpus 0 c
    grep -q '^Cpus_allowed_list:[[:space:]]*0$' "/proc/$(oci state c | jq .pid)/status"
}

@test "events prints lines until the container ends" {
    command_config sleep 0.5
    oci run -d --bundle "$T/bundle" c
    run -0 timeout "$(at_most 10)" "$KIST_OCI" --root "$T/state" events --interval 100ms c
    [ "${#lines[@]}" -ge 2 ]
}

@test "list shows all containers, damaged ones are named" {
    command_config sleep 100
    oci create --bundle "$T/bundle" a
    oci run -d --bundle "$T/bundle" b
    [ "$(oci list -q | tr '\n' ' ')" = "a b " ]
    [ "$(oci list -f json | jq -r '.[] | .id + " " + .status' | tr '\n' ',')" = "a created,b running," ]
    run -0 oci list
    [[ "${lines[0]}" =~ ^ID\ +PID\ +STATUS\ +BUNDLE\ +CREATED\ +OWNER ]]
    mkdir "$T/state/damaged"
    echo '{"schema":1,' >"$T/state/damaged/state.json"
    run -0 --separate-stderr oci list -q
    [ "$output" = $'a\nb' ]
    [[ "$stderr" == *"damaged/state.json: line"* ]]
    rm -r "$T/state/damaged"
}

@test "the log has the error as text or JSON" {
    run oci --log "$T/log" --log-format json state none
    [ "$status" -eq 1 ]
    jq -e '.level == "error" and .msg == "container '"'none'"' does not exist" and (.time | test("^20"))' "$T/log"
    run oci --log "$T/log" state none
    tail -1 "$T/log" | grep -q '^time=".*" level=error msg="container '"'none'"' does not exist"$'
    rm "$T/log"
}

@test "options that cannot be kept are refused" {
    for option in --rootless=true --log-format=xml --no-such-option; do
        run oci "$option" list
        [ "$status" -eq 1 ]
    done
    run oci delete none
    [ "$status" -eq 1 ]
    oci delete --force none
}

@test "systemd's control groups need cgroup v2" {
    [ ! -e /sys/fs/cgroup/cgroup.controllers ] || skip "this host has v2 alone: see systemd_cgroup.bats"
    command_config true
    run oci --systemd-cgroup run --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"starting scope 'kist-oci-c.scope': the systemd cgroup manager needs cgroup v2"* ]]
    [[ "$output" == *"use the cgroupfs manager"* ]]
    mkdir -m 700 "$BATS_TEST_TMPDIR/images"
    run oci --systemd-cgroup restore --bundle "$T/bundle" --image-path "$BATS_TEST_TMPDIR/images" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"the systemd cgroup manager needs cgroup v2"* ]]
    run oci state c
    [[ "$output" == *"does not exist"* ]]
}

@test "a control group with processes in it is not taken over" {
    mount=$(awk '$0 ~ / - cgroup2 / {print $5; exit}' /proc/self/mountinfo)
    [ -n "$mount" ] || mount=/sys/fs/cgroup/pids
    mkdir -p "$mount/kist-oci/busy"
    sleep 100 &
    victim=$!
    echo $victim >"$mount/kist-oci/busy/cgroup.procs"
    config '.process.args=["true"]' '.linux.cgroupsPath="/kist-oci/busy"'
    run oci run --bundle "$T/bundle" c
    kill -0 $victim
    kill $victim
    wait $victim || true
    rmdir "$mount/kist-oci/busy"
    [ "$status" -eq 1 ]
    [[ "$output" == *"has processes in it"* ]]
}

@test "a create that is killed leaves what delete --force removes" {
    command_config sleep 100
    for delay in 0.000 0.002 0.004 0.006 0.010; do
        timeout -s KILL "$delay" "$KIST_OCI" --root "$T/state" create --bundle "$T/bundle" c || true
        oci delete --force c
    done
}

@test "spec writes a config.json that runs, and does not overwrite" {
    rm "$T/bundle/config.json"
    oci spec --bundle "$T/bundle"
    run oci spec --bundle "$T/bundle"
    [ "$status" -eq 1 ]
    jq -e '.process.terminal and .root.readonly' "$T/bundle/config.json"
    # Not its shell: that would end when `script` hands on the end of its input, but what comes before the terminal is raw is lost.
    jq '.process.args = ["tty"]' "$T/bundle/config.json" >"$T/bundle/tty.json"
    mv "$T/bundle/tty.json" "$T/bundle/config.json"
    run -0 script -qec "$KIST_OCI --root $T/state run --bundle $T/bundle c" /dev/null </dev/null
    [[ "$output" == *"/dev/pts/0"* ]]
}

@test "features is a document of what is supported" {
    run -0 oci features
    jq -e '.ociVersionMax == "1.2.0" and (.linux.namespaces | index("pid")) and (.linux.capabilities | index("CAP_CHOWN"))
        and (.mountOptions | index("rro")) and (.linux.seccomp.actions | index("SCMP_ACT_ERRNO"))
        and .annotations["org.opencontainers.runc.checkpoint.enabled"] == "true"' <<<"$output"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# kist-oci checkpoint and restore, by criu: where criu can work at all, which depends on the kernel.

load oci_helpers

setup_file() {
    make_bundle
    export WHY_NOT=
    if ! command -v criu >/dev/null; then
        WHY_NOT="needs criu"
    elif ! said=$(criu check 2>&1); then
        WHY_NOT="criu check fails on this kernel: $(head -1 <<<"$said")"
    else
        ip netns add kist-criu && ip netns del kist-criu # the first one of a boot leaves a mount
    fi
}
teardown_file() { remove_bundle; }
setup() {
    remember_oci_footprint
    I=$BATS_TEST_TMPDIR/images
    counter='i=0; while :; do i=$((i+1)); echo $i >/tmp/n; sleep 0.1; done'
}
teardown() {
    if [ -z "${BATS_TEST_COMPLETED:-}${BATS_TEST_SKIPPED:-}" ]; then grep -sH Error "$I"/*.log "$T/err"; fi
    rm -rf "$T/bundle/rootfs/tmp"/* "$T/err" "$T/pid" "$T/out"
    check_oci_footprint
}

need_working_criu() { [ -z "$WHY_NOT" ] || skip "$WHY_NOT"; }
need_criu() { command -v criu >/dev/null || skip "needs criu"; }
# What the container of $counter has come to.
count() { cat "$T/bundle/rootfs/tmp/n" 2>/dev/null || echo 0; }
counts_beyond() { [ "$(count)" -gt "$1" ]; }
start_counter() {
    config ".process.args=[\"sh\",\"-c\",$(jq -Rn '$ARGS.positional[0]' --args "$counter")]" "$@"
    oci run -d --bundle "$T/bundle" c </dev/null >"$T/out" 2>&1
    wait_until 20 counts_beyond 3
}

@test "a process goes on where it was, with its mounts, control group, names and limits" {
    need_working_criu
    start_counter '.hostname="kept"' '.linux.resources.pids={"limit":50}'
    oci exec c sh -c 'echo kept >/dev/shm/file'
    before=$(oci exec c sh -c 'sort -k5 /proc/self/mountinfo | cut -d" " -f4-6')
    oci checkpoint --image-path "$I" c
    status_is c stopped
    [ "$(oci state c | jq .pid)" = 0 ]
    oci delete c
    at=$(count)
    [ "$(stat -c %a "$I")" = 700 ]
    jq '.hostname="other"' "$T/bundle/config.json" >"$T/changed" && mv "$T/changed" "$T/bundle/config.json"
    oci restore --detach --image-path "$I" --bundle "$T/bundle" --pid-file "$T/pid" c </dev/null >"$T/out" 2>"$T/err"
    status_is c running
    [ "$(oci state c | jq .pid)" = "$(cat "$T/pid")" ]
    wait_until 20 counts_beyond $((at + 3))
    [ "$(oci exec c hostname)" = kept ]
    [ "$(oci exec c cat /dev/shm/file)" = kept ]
    after=$(oci exec c sh -c 'sort -k5 /proc/self/mountinfo | cut -d" " -f4-6')
    diff <(sed 's/^[^ ]* //' <<<"$before") <(sed 's/^[^ ]* //' <<<"$after")
    # its own control group is all that it sees
    [ "$(oci exec c sed -n 's/^0:://p' /proc/self/cgroup)" = / ]
    oci exec c ls /sys/fs/cgroup | grep -q '^cgroup.procs$\|^pids$\|^memory$'
    oci exec c sh -c 'head -c1 /proc/kcore | wc -c' | grep -qx 0
    run oci exec c sh -c 'echo 1 >/proc/sys/vm/drop_caches'
    [ "$status" -ne 0 ]
    grep -q '/kist-oci/c$' "/proc/$(cat "$T/pid")/cgroup"
    oci events --stats c | jq -e '.data.pids.limit == 50'
    oci kill c KILL
    wait_until 5 status_is c stopped
    oci delete c
}

@test "checkpoint --leave-running, and the copy takes the other's place" {
    need_working_criu
    start_counter
    oci checkpoint --leave-running --image-path "$I" c
    status_is c running
    at=$(count)
    wait_until 20 counts_beyond $((at + 3))
    oci delete --force c
    oci restore -d --image-path "$I" --bundle "$T/bundle" d </dev/null >"$T/out" 2>"$T/err"
    wait_until 20 eval '[ "$(count)" -ge 4 ]'
    [ "$(count)" -lt $((at + 200)) ]
    oci delete --force d
}

@test "restore in the foreground passes signals on and exits with the program's code" {
    need_working_criu
    counter='trap "exit 7" TERM; i=0; while :; do i=$((i+1)); echo $i >/tmp/n; sleep 0.1; done'
    start_counter
    oci checkpoint --image-path "$I" --work-path "$I/work" c
    oci delete c
    [ -s "$I/work/dump.log" ]
    at=$(count)
    "$KIST_OCI" --root "$T/state" restore --image-path "$I" --bundle "$T/bundle" c </dev/null >"$T/out" 2>"$T/err" 3>&- &
    waiter=$!
    wait_until 30 counts_beyond $((at + 2))
    kill -TERM $waiter
    code=0
    wait $waiter || code=$?
    [ "$code" = 7 ]
    run oci state c
    [ "$status" -eq 1 ]
    [[ "$output" == *"does not exist"* ]]
}

@test "pre-dumps write memory that the checkpoint then need not write" {
    need_working_criu
    start_counter
    oci checkpoint --pre-dump --image-path "$I/1" c
    status_is c running
    oci checkpoint --pre-dump --parent-path ../1 --image-path "$I/2" c
    status_is c running
    oci checkpoint --parent-path ../2 --image-path "$I/3" c
    oci delete c
    [ "$(readlink "$I/3/parent")" = ../2 ]
    at=$(count)
    oci restore -d --image-path "$I/3" --bundle "$T/bundle" c </dev/null >"$T/out" 2>"$T/err"
    wait_until 20 counts_beyond $((at + 3))
    run oci checkpoint --parent-path /absolute --image-path "$I/4" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"--parent-path '/absolute': expected a path from the images folder"* ]]
    oci delete --force c
}

@test "binds are the host's, a tmpfs keeps its content, places for mounts are made in a new root" {
    need_working_criu
    mkdir -p "$BATS_TEST_TMPDIR/host/below"
    echo host >"$BATS_TEST_TMPDIR/host/file"
    mounts='[{"destination":"/data","type":"bind","source":"'$BATS_TEST_TMPDIR'/host","options":["rbind","ro"]},
        {"destination":"/again","type":"bind","source":"'$BATS_TEST_TMPDIR'/host","options":["bind","ro"]},
        {"destination":"/one","type":"bind","source":"'$BATS_TEST_TMPDIR'/host/file","options":["bind"]},
        {"destination":"/scratch","type":"tmpfs","source":"tmpfs","options":["nosuid","size=1m"]},
        {"destination":"/scratch/data","type":"bind","source":"'$BATS_TEST_TMPDIR'/host/below","options":["bind"]}]'
    start_counter ".mounts += $mounts" '.linux.readonlyPaths += ["/scratch/data"]'
    oci exec c sh -c 'echo in memory >/scratch/file'
    oci checkpoint --image-path "$I" c
    oci delete c
    rmdir "$T/bundle/rootfs"/{again,data,scratch}
    rm "$T/bundle/rootfs/one"
    echo changed >"$BATS_TEST_TMPDIR/host/file"
    oci restore -d --image-path "$I" --bundle "$T/bundle" c </dev/null >"$T/out" 2>"$T/err"
    [ "$(oci exec c cat /data/file /one /scratch/file)" = $'changed\nchanged\nin memory' ]
    for path in /data /again /scratch/data; do
        run oci exec c touch "$path/x"
        [[ "$output" == *"$path/x: Read-only file system"* ]]
    done
    oci exec c sh -c 'echo there >/one'
    [ "$(cat "$BATS_TEST_TMPDIR/host/file")" = there ]
    oci delete --force c
    rmdir "$T/bundle/rootfs"/{again,data,scratch}
    rm "$T/bundle/rootfs/one"
}

@test "pipes and files of the host as standard streams are those of the restore" {
    need_working_criu
    python3 - "$T" "$KIST_OCI" "$I" <<'P'
import json, os, subprocess, sys, time
folder, program, images = sys.argv[1:]
path = folder + "/bundle/config.json"
config = json.load(open(path))
config["process"]["args"] = ["sh", "-c", "while read a; do echo got $a; echo err $a >&2; done"]
json.dump(config, open(path, "w"))
def oci(*words, **more):
    return subprocess.run([program, "--root", folder + "/state", *words], check=True, timeout=120, **more)
def start(*words):
    ours, theirs = {}, {}
    theirs["stdin"], ours["in"] = os.pipe()
    ours["out"], theirs["stdout"] = os.pipe()
    theirs["stderr"] = os.open(folder + "/err", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    oci(*words, "--bundle", folder + "/bundle", "c", **theirs)
    for fd in theirs.values(): os.close(fd)
    return ours
def ask(ours, word):
    os.write(ours["in"], word + b"\n")
    answer = os.read(ours["out"], 100)
    assert answer == b"got " + word + b"\n", answer
first = start("run", "-d")
ask(first, b"one")
oci("checkpoint", "--image-path", images, "c")
oci("delete", "c")
assert os.read(first["out"], 100) == b""
second = start("restore", "-d", "--image-path", images)
ask(second, b"two")
time.sleep(0.5)
assert open(folder + "/err").read() == "err one\nerr two\n", open(folder + "/err").read()
oci("delete", "--force", "c")
P
}

@test "a terminal goes to the console socket, with the same session inside" {
    need_working_criu
    config '.process.terminal=true' '.process.args=["sh","-c","tty; while read a; do echo got $a; done"]'
    python3 - "$T" "$KIST_OCI" "$I" <<'P'
import os, select, socket, subprocess, sys
folder, program, images = sys.argv[1:]
path = folder + "/console"
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(path)
listener.listen()
def oci(*words):
    subprocess.run([program, "--root", folder + "/state", *words], check=True, timeout=120, stdin=subprocess.DEVNULL)
def master():
    connection, _ = listener.accept()
    return socket.recv_fds(connection, 100, 1)[1][0]
def read_until(fd, word):
    text = b""
    while word not in text:
        assert select.select([fd], [], [], 30)[0], text
        text += os.read(fd, 1000)
oci("run", "-d", "--bundle", folder + "/bundle", "--console-socket", path, "c")
first = master()
read_until(first, b"/dev/pts/0")
oci("checkpoint", "--image-path", images, "c")
oci("delete", "c")
os.close(first)
oci("restore", "-d", "--bundle", folder + "/bundle", "--console-socket", path, "--image-path", images, "c")
second = master()
os.write(second, b"word\n")
read_until(second, b"got word")
oci("delete", "--force", "c")
os.unlink(path)
P
    run oci restore -d --bundle "$T/bundle" --image-path "$I" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"--console-socket"* ]]
}

@test "hooks run before the processes go on and after, and one that fails undoes the restore" {
    need_working_criu
    start_counter
    oci checkpoint --image-path "$I" c
    oci delete c
    hook() { printf '{"path":"/bin/sh","args":["sh","-c","echo %s >>%s/hooks; cat >>%s/hooks; exit %s"]}' "$1" "$T" "$T" "$2"; }
    config ".hooks={\"prestart\":[$(hook prestart 0)],\"createRuntime\":[$(hook runtime 0)],\"poststart\":[$(hook poststart 0)]}"
    oci restore -d --image-path "$I" --bundle "$T/bundle" c </dev/null >"$T/out" 2>"$T/err"
    [ "$(grep -c . "$T/hooks")" -ge 3 ]
    [ "$(grep -o '^prestart\|^runtime\|^poststart\|}prestart\|}runtime\|}poststart' "$T/hooks" | tr -d '}' | tr '\n' ' ')" = "prestart runtime poststart " ]
    grep -q '"status":"creating"' "$T/hooks"
    grep -q '"status":"running"' "$T/hooks"
    oci delete --force c
    config ".hooks={\"createRuntime\":[$(hook runtime 9)]}"
    run oci restore -d --image-path "$I" --bundle "$T/bundle" c </dev/null
    [ "$status" -eq 1 ]
    [[ "$output" == *"createRuntime[0]"*"exit code 9"* ]]
    run oci state c
    [[ "$output" == *"does not exist"* ]]
    rm "$T/hooks"
}

@test "what a container made in its control group comes back" {
    need_working_criu
    [ -e /sys/fs/cgroup/cgroup.controllers ] || skip "needs cgroup v2"
    counter='mkdir /sys/fs/cgroup/inner && echo $$ >/sys/fs/cgroup/inner/cgroup.procs; i=0; while :; do i=$((i+1)); echo $i >/tmp/n; sleep 0.1; done'
    start_counter '(.mounts[] | select(.type=="cgroup") | .options)=["nosuid"]'
    grep -q '/kist-oci/c/inner$' "/proc/$(oci state c | jq .pid)/cgroup"
    oci checkpoint --image-path "$I" c
    oci delete c
    at=$(count)
    oci restore -d --image-path "$I" --bundle "$T/bundle" other </dev/null >"$T/out" 2>"$T/err"
    wait_until 20 counts_beyond $((at + 2))
    grep -q '/kist-oci/other/inner$' "/proc/$(oci state other | jq .pid)/cgroup"
    [ ! -e /sys/fs/cgroup/kist-oci/c ]
    oci delete --force other
}

@test "a network namespace by path is joined again" {
    need_working_criu
    ip netns add kist-criu
    start_counter '(.linux.namespaces[] | select(.type=="network") | .path)="/run/netns/kist-criu"'
    oci checkpoint --image-path "$I" c
    oci delete c
    at=$(count)
    oci restore -d --image-path "$I" --bundle "$T/bundle" c </dev/null >"$T/out" 2>"$T/err"
    wait_until 20 counts_beyond $((at + 2))
    [ "$(stat -Lc %i "/proc/$(oci state c | jq .pid)/ns/net")" = "$(stat -Lc %i /run/netns/kist-criu)" ]
    oci delete --force c
    ip netns del kist-criu
}

@test "--empty-ns network leaves out what is in the container's own network namespace" {
    need_working_criu
    start_counter
    nsenter -t "$(oci state c | jq .pid)" -n ip link add inside type bridge
    oci exec c grep -q inside: /proc/net/dev
    oci checkpoint --empty-ns network --image-path "$I" c
    oci delete c
    at=$(count)
    oci restore -d --empty-ns network --image-path "$I" --bundle "$T/bundle" c </dev/null >"$T/out" 2>"$T/err"
    wait_until 20 counts_beyond $((at + 2))
    run oci exec c grep -c : /proc/net/dev
    [ "$output" = 1 ]
    oci delete --force c
}

@test "what cannot be done is said before anything happens" {
    need_criu
    run oci checkpoint none
    [ "$status" -eq 1 ]
    [[ "$output" == *"container 'none' does not exist"* ]]
    config '.process.args=["sleep","100"]'
    oci create --bundle "$T/bundle" c
    run oci checkpoint --image-path "$I" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"checkpointing container 'c': it is created"* ]]
    oci start c
    run env PATH=/nowhere "$KIST_OCI" --root "$T/state" checkpoint --image-path "$I" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"criu not found"*"install"* ]]
    mkdir -m 777 "$BATS_TEST_TMPDIR/open"
    for word in checkpoint "restore --bundle $T/bundle"; do
        run oci $word --image-path "$BATS_TEST_TMPDIR/open" c
        [ "$status" -eq 1 ]
        [[ "$output" == *"others may write there"* ]]
    done
    run oci checkpoint --manage-cgroups-mode some c
    [[ "$output" == *"--manage-cgroups-mode"*"soft, full, strict or ignore"* ]]
    run oci checkpoint --empty-ns user c
    [[ "$output" == *"only 'network'"* ]]
    run oci checkpoint --lazy-pages c
    [[ "$output" == *"lazy-pages"* ]]
    status_is c running
}

@test "a restore that fails leaves nothing, and names the log" {
    need_criu
    run oci restore --bundle "$T/bundle" --image-path "$BATS_TEST_TMPDIR/none" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"restoring container 'c': opening folder '$BATS_TEST_TMPDIR/none': No such file or directory"* ]]
    mkdir -m 700 "$I"
    run oci restore --bundle "$T/bundle" --image-path "$I" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"it holds no checkpoint"* ]]
    echo '["/dev/null","/dev/null","/dev/null"]' >"$I/descriptors.json"
    run oci restore --bundle "$T/bundle" --image-path "$I" --pid-file "$T/pid" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"restoring container 'c': criu: "*"$I/restore.log"* ]]
    [ ! -e "$T/pid" ]
    run oci state c
    [[ "$output" == *"does not exist"* ]]
}

@test "a container whose checkpoint fails goes on; a connection is kept when that is allowed" {
    need_working_criu
    ip netns add kist-criu
    ip -n kist-criu link set lo up
    ip netns exec kist-criu timeout 300 python3 -c 'import socket, time
listener = socket.create_server(("127.0.0.1", 9))
connection = listener.accept()[0]
connection.settimeout(300)
while word := connection.recv(100): connection.send(b"got " + word)' 3>&- &
    counter="mkfifo /tmp/f; (until nc 127.0.0.1 9 <>/tmp/f; do sleep 0.1; done) >/tmp/answers 2>&1 & $counter"
    start_counter '(.linux.namespaces[] | select(.type=="network") | .path)="/run/netns/kist-criu"'
    answered() { echo "$1" >"$T/bundle/rootfs/tmp/f" && wait_until 20 grep -q "^got $1\$" "$T/bundle/rootfs/tmp/answers"; }
    answered one
    run oci checkpoint --image-path "$I" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"checkpointing container 'c': criu: "*"onnected TCP socket"*"$I/dump.log"* ]]
    status_is c running
    at=$(count)
    wait_until 20 counts_beyond $((at + 3))
    answered two
    oci checkpoint --tcp-established --image-path "$I" c
    oci delete c
    oci restore -d --tcp-established --image-path "$I" --bundle "$T/bundle" c </dev/null >"$T/out" 2>"$T/err"
    answered three
    oci delete --force c
    kill $!
    ip netns del kist-criu
}

@test "a paused container is checkpointed, and stays paused when it is left" {
    need_working_criu
    start_counter
    oci pause c
    oci checkpoint --leave-running --image-path "$I" c
    status_is c paused
    at=$(count)
    oci resume c
    wait_until 20 counts_beyond $((at + 3))
    oci delete --force c
    oci restore -d --image-path "$I" --bundle "$T/bundle" c </dev/null >"$T/out" 2>"$T/err"
    wait_until 20 eval '[ "$(count)" -ge 4 ]'
    status_is c running
    oci delete --force c
}

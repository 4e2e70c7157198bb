#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The members of config.json: those that are carried out, and how wrong ones are told.

load oci_helpers

setup_file() { make_bundle; }
teardown_file() { remove_bundle; }
setup() { remember_oci_footprint; }
teardown() { config; check_oci_footprint; }

# refused TEXT: the bundle as it is cannot be run, for this reason; nothing is made.
refused() {
    run timeout "$(at_most 20)" "$KIST_OCI" --root "$T/state" run --bundle "$T/bundle" c
    echo "$output" | head -c 2000
    [ "$status" -eq 1 ]
    [[ "$output" == "kist-oci: "*"$T/bundle/config.json"*": "*"$1"* ]]
    [ "${#lines[@]}" -eq 1 ]
    [ ! -e "$T/state/c" ]
}
maps='.linux.namespaces += [{"type":"user"}] | .linux.uidMappings=[{"containerID":0,"hostID":100000,"size":65536}] | .linux.gidMappings=.linux.uidMappings'

@test "a truncated, empty, binary or endless config.json" {
    config
    full=$(cat "$T/bundle/config.json")
    for length in 0 1 100 1000 $((${#full} - 2)); do
        printf '%s' "${full:0:length}" >"$T/bundle/config.json"
        refused "line "
    done
    head -c 1000 /dev/urandom >"$T/bundle/config.json"
    refused ""
    { printf '{"ociVersion":"1.2.0","x":"'; head -c 20000000 /dev/zero | tr '\0' x; printf '"}'; } >"$T/bundle/config.json"
    refused "larger than"
    rm "$T/bundle/config.json"
    run oci run --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"config.json': No such file or directory"* ]]
}

@test "wrong types, unknown versions and duplicate keys are named by their path" {
    while IFS='|' read -r filter text; do
        config "$filter"
        refused "$text"
    done <<'LIST'
.linux.resources.memory={limit:"1g"}|linux.resources.memory.limit: expected an integer
.process.args="sh"|process.args: expected a list
.process.args=[1]|process.args[0]: expected a string
.process.user.uid=-1|process.user.uid: expected an integer from 0 to 4294967295
.mounts[1].destination=7|mounts[1].destination: expected a string
.ociVersion="2.0.0"|ociVersion: '2.0.0' is not supported
.ociVersion=1|ociVersion: expected a string
del(.process)|process: expected a value, it is missing
del(.root)|root.path: expected a path
.root.path="none"|root.path: '
.process.cwd="x"|process.cwd: 'x' is not absolute
.linux.namespaces=[{"type":"mount"},{"type":"mount"}]|linux.namespaces: 'mount' is given twice
.linux.namespaces[0].type="x"|linux.namespaces[0].type: expected one of
.linux.intelRdt={}|linux.intelRdt: Intel RDT is not supported
.vm={}|vm: this runtime makes no virtual machines
.linux.resources.unified={"../x":"1"}|linux.resources: setting '../x'
.linux.seccomp={}|linux.seccomp.defaultAction: expected a value
LIST
    config
    sed -i '0,/"ociVersion"/s//"ociVersion": "1.2.0", "ociVersion"/' "$T/bundle/config.json"
    refused "member 'ociVersion' appears twice"
}

@test "bombs of depth and width end soon and in little memory" {
    python3 -c 'print("[" * 1000000)' >"$T/bundle/config.json"
    refused "nested deeper than"
    python3 -c 'print("{\"a\":" * 100000 + "1" + "}" * 100000)' >"$T/bundle/config.json"
    refused "nested deeper than"
    config
    python3 - "$T/bundle/config.json" 50000 <<'P'
import json, sys
path, count = sys.argv[1], int(sys.argv[2])
spec = json.load(open(path))
spec["mounts"] = [{"destination": f"/m{i}", "type": "tmpfs", "source": "tmpfs"} for i in range(count)]
json.dump(spec, open(path, "w"))
P
    refused "mounts: 50000 are more than the 20000 allowed"
    python3 - "$T/bundle/config.json" <<'P'
import sys
with open(sys.argv[1], "w") as file:
    file.write('{"ociVersion":"1.2.0","mounts":[' + ",".join(['{"destination":"/m","type":"tmpfs"}'] * 1000000) + "]}")
P
    refused "larger than"
    run -0 env -i /usr/bin/time -f %M "$KIST_OCI" --root "$T/state" --version
}

@test "a user namespace maps the container's root to another user" {
    chown -R 100000:100000 "$T/bundle/rootfs"
    config "$maps" '.process.args=["sh","-c","id -u; cat /proc/self/uid_map; touch /tmp/made; stat -c %u /tmp/made /etc/passwd; echo x >/dev/null && echo null; ls /proc/1/fd | wc -l; cat /proc/self/setgroups"]'
    run -0 oci run --bundle "$T/bundle" c
    [ "${lines[0]}" = 0 ]
    [[ "${lines[1]}" =~ ^\ *0\ +100000\ +65536$ ]]
    [ "${lines[2]} ${lines[3]} ${lines[4]}" = "0 0 null" ]
    [ "$(stat -c %u "$T/bundle/rootfs/tmp/made")" = 100000 ]
    rm "$T/bundle/rootfs/tmp/made"
    chown -R 0:0 "$T/bundle/rootfs"
}

@test "exec enters the user namespace, and the process is nobody special outside" {
    config "$maps" '.process.args=["sleep","100"]'
    oci run -d --bundle "$T/bundle" c
    run -0 oci exec c sh -c 'id -u; cat /proc/self/uid_map; grep CapEff /proc/self/status'
    [[ "${lines[1]}" =~ 100000 ]]
    oci exec -d --user 7:8 --pid-file "$T/pid" c sleep 50
    [ "$(stat -c %u:%g /proc/"$(cat "$T/pid")")" = 100007:100008 ]
    rm "$T/pid"
    [ "$(stat -c %u /proc/"$(oci state c | jq .pid)")" = 100000 ]
}

@test "a terminal, masks, devices, limits and cgroups work in a user namespace" {
    config "$maps" '.process.terminal=true' '.process.rlimits=[{"type":"RLIMIT_NOFILE","soft":100,"hard":200}]' '.process.oomScoreAdj=50' '.hostname="mapped"' \
        '.linux.resources.pids={"limit":44}' \
        '.process.args=["sh","-c","tty; hostname; ulimit -n; cat /proc/self/oom_score_adj; ls /sys/firmware | wc -l; ls /sys/fs/cgroup | wc -l; cat /dev/zero | head -c 3 | wc -c; touch /sys/fs/cgroup/x 2>&1 | grep -c Read-only"]'
    run -0 script -qec "$KIST_OCI --root $T/state run --bundle $T/bundle c" /dev/null </dev/null
    echo "$output"
    output=$(tr -d '\r' <<<"${output//^@/}")
    [[ "$output" == *$'/dev/pts/0\nmapped\n100\n50\n0\n'* ]]
    [[ "$output" == *$'\n3\n1' ]]
}

@test "a user namespace is joined by path, with the network that belongs to it" {
    config "$maps" '.process.args=["sleep","100"]'
    oci run -d --bundle "$T/bundle" a
    pid=$(oci state a | jq .pid)
    config '.process.args=["sh","-c","cat /proc/self/uid_map; readlink /proc/self/ns/user; readlink /proc/self/ns/net; ip link set lo down; echo $?"]' '.process.capabilities.bounding += ["CAP_NET_ADMIN"]' '.process.capabilities.permitted += ["CAP_NET_ADMIN"]' '.process.capabilities.effective += ["CAP_NET_ADMIN"]' \
        '.linux.namespaces=[{"type":"mount"},{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"cgroup"},{"type":"user","path":"/proc/'"$pid"'/ns/user"},{"type":"network","path":"/proc/'"$pid"'/ns/net"}]' \
        '.linux.readonlyPaths=[]'
    run -0 oci run --bundle "$T/bundle" b
    echo "$output"
    [[ "${lines[0]}" =~ 100000 ]]
    [ "${lines[1]} ${lines[2]}" = "$(readlink /proc/"$pid"/ns/user) $(readlink /proc/"$pid"/ns/net)" ]
    [ "${lines[3]}" = 0 ]
}

@test "namespaces are joined by path without a user namespace too" {
    config '.process.args=["sleep","100"]' '.hostname="first"'
    oci run -d --bundle "$T/bundle" a
    pid=$(oci state a | jq .pid)
    config '.process.args=["sh","-c","readlink /proc/self/ns/uts; readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc; hostname; cat /proc/1/cmdline | tr -d \"\\\\0\""]' 'del(.hostname)' \
        '.linux.namespaces=[{"type":"mount"},{"type":"pid","path":"/proc/'"$pid"'/ns/pid"},{"type":"ipc","path":"/proc/'"$pid"'/ns/ipc"},{"type":"uts","path":"/proc/'"$pid"'/ns/uts"},{"type":"network"},{"type":"cgroup"}]'
    run -0 oci run --bundle "$T/bundle" b
    [ "${lines[0]} ${lines[1]} ${lines[2]}" = "$(readlink /proc/"$pid"/ns/uts) $(readlink /proc/"$pid"/ns/pid) $(readlink /proc/"$pid"/ns/ipc)" ]
    [ "${lines[3]}" = first ]
    [[ "$output" == *sleep* ]]
}

@test "a time namespace moves the clocks, and exec enters it" {
    config '.linux.namespaces += [{"type":"time"}]' '.linux.timeOffsets={"boottime":{"secs":864000},"monotonic":{"secs":5,"nanosecs":7}}' '.process.args=["sleep","100"]'
    oci run -d --bundle "$T/bundle" c
    host=$(cut -d. -f1 /proc/uptime)
    inside=$(oci exec c cut -d. -f1 /proc/uptime)
    [ $((inside - host)) -ge 863999 ]
    [ "$(oci exec c readlink /proc/self/ns/time)" != "$(readlink /proc/self/ns/time)" ]
    [ "$(oci exec c readlink /proc/self/ns/time)" = "$(readlink /proc/"$(oci state c | jq .pid)"/ns/time)" ]
}

@test "an idmapped mount shows other owners, with maps of its own or the container's" {
    mkdir "$T/volume"
    touch "$T/volume/file"
    chown 5:6 "$T/volume/file"
    config '.mounts += [{"destination":"/v","type":"bind","source":"'"$T/volume"'","options":["rbind","idmap"],"uidMappings":[{"containerID":0,"hostID":1000,"size":100}],"gidMappings":[{"containerID":0,"hostID":2000,"size":100}]}]' \
        '.process.args=["stat","-c","%u:%g","/v/file"]'
    run -0 oci run --bundle "$T/bundle" c
    [ "$output" = 1005:2006 ]
    mkdir -p "$T/bundle/rootfs/plain"
    config "$maps" '.mounts += [{"destination":"/v","type":"bind","source":"'"$T/volume"'","options":["rbind","idmap"]},{"destination":"/plain","type":"bind","source":"'"$T/volume"'","options":["rbind"]}]' \
        '.process.args=["stat","-c","%u:%g","/v/file","/plain/file"]'
    run -0 oci run --bundle "$T/bundle" c
    [ "$output" = $'5:6\n65534:65534' ]
    config '.mounts += [{"destination":"/v","type":"bind","source":"'"$T/volume"'","options":["rbind","idmap"]}]' '.process.args=["true"]'
    run oci run --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"mounting '/v': 'idmap' without maps needs a user namespace"* ]]
    rm -r "$T/volume"
}

@test "scheduler, I/O priority, processors and execution domain" {
    config '.process.scheduler={"policy":"SCHED_BATCH","nice":7}' '.process.ioPriority={"class":"IOPRIO_CLASS_IDLE"}' '.linux.personality={"domain":"LINUX32"}' \
        '.process.args=["sh","-c","uname -m; ionice -p 1; cut -d\" \" -f19,41 /proc/1/stat; sleep 100"]'
    oci run -d --bundle "$T/bundle" c >"$T/out"
    wait_until 5 eval '[ "$(wc -l <"$T/out")" = 3 ]'
    run cat "$T/out"
    [ "${lines[0]}" = "$(setarch linux32 uname -m)" ]
    [[ "${lines[1]}" == idle* ]]
    [ "${lines[2]}" = "7 3" ]
    jq -n '{args:["grep","Cpus_allowed_list","/proc/self/status"],cwd:"/",user:{},env:["PATH=/bin"],execCPUAffinity:{initial:"0",final:"0"}}' >"$T/process.json"
    run -0 oci exec --process "$T/process.json" c
    [[ "$output" =~ Cpus_allowed_list:[[:space:]]+0$ ]]
    rm "$T/out" "$T/process.json"
}

@test "notifications of the seccomp filter go to the agent at listenerPath, in run and exec" {
    config '.process.args=["sh","-c","mkdir /tmp/made; echo code=$?; sleep 100"]' '.linux.seccomp={"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"'"$T"'/agent","listenerMetadata":"hello","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}]}'
    run oci run --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"seccomp listener"* ]]
    python3 - "$T" "$KIST_OCI" <<'P'
import ctypes, fcntl, json, os, socket, struct, subprocess, sys
folder, program = sys.argv[1:]
agent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
agent.bind(folder + "/agent")
agent.listen()
agent.settimeout(10)
RECV, SEND = 0xc0502100, 0xc0182101
def serve():
    connection, _ = agent.accept()
    data, fds, _, _ = socket.recv_fds(connection, 65536, 4)
    state = json.loads(data)
    assert state["metadata"] == "hello" and state["fds"] == ["seccompFd"] and state["pid"] > 1 and state["state"]["id"] == "c", state
    request = bytearray(80)
    fcntl.ioctl(fds[0], RECV, request)
    fcntl.ioctl(fds[0], SEND, struct.pack("QqiI", struct.unpack_from("Q", request)[0], 0, -17, 0))  # EEXIST
oci = [program, "--root", folder + "/state"]
out = open(folder + "/out", "w")
subprocess.check_call(oci + ["create", "--bundle", folder + "/bundle", "c"], stdout=out, stderr=out)
start = subprocess.Popen(oci + ["start", "c"])
serve()
assert start.wait(timeout=10) == 0
run = subprocess.Popen(oci + ["exec", "c", "sh", "-c", "mkdir /tmp/x; exit $?"], stderr=out)
serve()
assert run.wait(timeout=10) == 1
os.unlink(folder + "/agent")
P
    wait_until 5 grep -q 'code=1' "$T/out"
    grep -q 'File exists' "$T/out"
    [ ! -e "$T/bundle/rootfs/tmp/made" ]
    rm "$T/out"
}

@test "flags of the filter are known or refused" {
    config '.process.args=["true"]' '.linux.seccomp={"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_SPEC_ALLOW"]}'
    oci run --bundle "$T/bundle" c
    config '.process.args=["true"]' '.linux.seccomp={"defaultAction":"SCMP_ACT_ALLOW","flags":["X"]}'
    run oci run --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"linux.seccomp.flags: unknown flag 'X'"* ]]
    config '.process.args=["true"]' '.linux.seccomp={"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}]}'
    run oci run --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"SCMP_ACT_NOTIFY needs a listener"* ]]
}

@test "all six kinds of hooks run in their order, with the state, in their namespaces" {
    cat >"$T/hook" <<H
#!/bin/sh
state=\$(cat)
echo "\$1 \$(echo "\$state" | jq -r '.id + " " + .status + " " + .annotations["a.b"]') env=\$HOOK:\$HOME pid=\$(echo "\$state" | jq -r '(.pid // 0) > 0') \$([ "\$(readlink /proc/self/ns/mnt)" = "$(readlink /proc/self/ns/mnt)" ] && echo host || echo container)" >>"$T/log"
H
    chmod 755 "$T/hook"
    printf '#!/bin/sh\ncat >/tmp/state; echo started >>/tmp/order\n' >"$T/bundle/rootfs/bin/inside"
    chmod 755 "$T/bundle/rootfs/bin/inside"
    config '.process.args=["sh","-c","echo program >>/tmp/order"]' '.annotations={"a.b":"c"}' \
        '.hooks={prestart:[{path:"'"$T/hook"'",args:["hook","prestart"],env:["HOOK=1","PATH=/usr/bin:/bin"]}],createRuntime:[{path:"'"$T/hook"'",args:["hook","createRuntime"],env:["PATH=/usr/bin:/bin"]}],createContainer:[{path:"'"$T/hook"'",args:["hook","createContainer"],env:["PATH=/usr/bin:/bin"]}],startContainer:[{path:"/bin/inside",env:["PATH=/bin"]}],poststart:[{path:"'"$T/hook"'",args:["hook","poststart"],env:["PATH=/usr/bin:/bin"]}],poststop:[{path:"'"$T/hook"'",args:["hook","poststop"],env:["PATH=/usr/bin:/bin"]}]}'
    oci create --bundle "$T/bundle" c
    [ "$(cut -d' ' -f1 "$T/log" | tr '\n' ' ')" = "prestart createRuntime createContainer " ]
    oci start c
    wait_until 5 status_is c stopped
    oci delete c
    cat "$T/log"
    [ "$(cut -d' ' -f1,3 "$T/log" | tr '\n' ',')" = "prestart creating,createRuntime creating,createContainer creating,poststart running,poststop stopped," ]
    grep -q '^prestart c creating c env=1: pid=true host$' "$T/log"
    grep -q '^createContainer .* container$' "$T/log"
    [ "$(cat "$T/bundle/rootfs/tmp/order" | tr '\n' ' ')" = "started program " ]
    [ "$(jq -r .status "$T/bundle/rootfs/tmp/state")" = created ]
    rm "$T/log" "$T/hook" "$T/bundle/rootfs/tmp/order" "$T/bundle/rootfs/tmp/state" "$T/bundle/rootfs/bin/inside"
}

@test "a hook that fails, hangs or is missing keeps the container from being made" {
    while IFS='|' read -r hook text; do
        config '.process.args=["true"]' ".hooks={createRuntime:[$hook]}"
        run timeout "$(at_most 10)" "$KIST_OCI" --root "$T/state" run --bundle "$T/bundle" c
        echo "$output"
        [ "$status" -eq 1 ]
        [[ "$output" == *"$text"* ]]
        [ ! -e "$T/state/c" ]
    done <<'LIST'
{path:"/bin/sh",args:["sh","-c","echo because >&2; exit 3"]}|because
{path:"/bin/sleep",args:["sleep","100"],timeout:1}|createRuntime
{path:"/no/such/hook"}|createRuntime
{path:"bin/true"}|hooks.createRuntime[0].path: 'bin/true' is not absolute
{path:"/bin/true",timeout:0}|hooks.createRuntime[0].timeout: expected a number above 0
LIST
}

@test "a label without SELinux is an error, not left out" {
    [ ! -e /sys/fs/selinux/status ] || skip "this host has SELinux"
    config '.linux.mountLabel="system_u:object_r:container_file_t:s0"' '.process.args=["true"]'
    run oci run --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    config '.process.selinuxLabel="system_u:system_r:container_t:s0"' '.process.args=["true"]'
    run oci run --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"SELinux label"* ]]
}

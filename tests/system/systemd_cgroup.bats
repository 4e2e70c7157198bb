#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Control groups made by systemd, as scopes: kist-oci --systemd-cgroup. Runs where systemd does, with cgroup v2.

load oci_helpers

setup_file() {
    need_root
    WHY_NOT=$(reason_against_scopes)
    export WHY_NOT
    make_bundle
}
teardown_file() { remove_bundle; }
setup() {
    remember_oci_footprint
    [ -z "$WHY_NOT" ] || skip "$WHY_NOT"
}
teardown() {
    check_oci_footprint
    [ -z "$WHY_NOT" ] || return 0
    [ -z "$(systemctl list-units --all --plain --no-legend 'kist-oci-*.scope' 'test-*.scope')" ]
}

sd() { oci --systemd-cgroup "$@"; }
# shown UNIT PROPERTY: as systemd has it.
shown() { systemctl show --value -p "$2" "$1"; }
in_group() { cat "/sys/fs/cgroup/system.slice/kist-oci-c.scope/$1"; }
scope_is_gone() { [ "$(shown "$1" LoadState)" = not-found ] && [ ! -e "/sys/fs/cgroup/system.slice/$1" ]; }
# limited_config: a container that sleeps, with every limit that systemd knows.
limited_config() {
    config '.process.args=["sleep","1000"]' '.linux.resources.memory={limit:67108864, reservation:33554432, swap:100663296}' \
        '.linux.resources.cpu={shares:512, quota:30000, period:100000, cpus:"0", mems:"0"}' '.linux.resources.pids={limit:33}' "$@"
}
limits_are_in_force() {
    [ "$(in_group memory.max)" = 67108864 ]
    [ "$(in_group memory.low)" = 33554432 ]
    [ "$(in_group memory.swap.max)" = 33554432 ]
    [ "$(in_group cpu.max)" = "30000 100000" ]
    [ "$(in_group cpu.weight)" = 59 ]
    [ "$(in_group cpuset.cpus)" = 0 ]
    [ "$(in_group cpuset.mems)" = 0 ]
    [ "$(in_group pids.max)" = 33 ]
}

@test "a container is a scope in system.slice, and its end is the scope's" {
    config '.process.args=["sh","-c","cat /proc/1/cgroup; exit 5"]' '.linux.namespaces |= map(select(.type != "cgroup"))'
    run sd run --bundle "$T/bundle" c
    [ "$status" -eq 5 ]
    [ "$output" = "0::/system.slice/kist-oci-c.scope" ]
    scope_is_gone kist-oci-c.scope
}

@test "limits are systemd's properties and the values of files, and a reload of systemd keeps them" {
    limited_config
    sd create --bundle "$T/bundle" c
    limits_are_in_force
    sd start c
    [ "$(shown kist-oci-c.scope Slice)" = system.slice ]
    [ "$(shown kist-oci-c.scope Delegate)" = yes ]
    [ "$(shown kist-oci-c.scope Description)" = "container c" ]
    [ "$(shown kist-oci-c.scope MemoryMax)" = 67108864 ]
    [ "$(shown kist-oci-c.scope MemoryLow)" = 33554432 ]
    [ "$(shown kist-oci-c.scope MemorySwapMax)" = 33554432 ]
    [ "$(shown kist-oci-c.scope CPUWeight)" = 59 ]
    [ "$(shown kist-oci-c.scope CPUQuotaPerSecUSec)" = 300ms ]
    [ "$(shown kist-oci-c.scope AllowedCPUs)" = 0 ]
    [ "$(shown kist-oci-c.scope AllowedMemoryNodes)" = 0 ]
    [ "$(shown kist-oci-c.scope TasksMax)" = 33 ]
    limits_are_in_force
    # only the container's processes are in it
    [ "$(in_group cgroup.procs)" = "$(oci state c | jq .pid)" ]
    systemctl daemon-reload
    # a change of a neighbour makes systemd write the slice's files anew
    systemctl set-property --runtime kist-oci-c.scope IOWeight=200
    limits_are_in_force
}

@test "without limits there are none, though systemd has a default for processes" {
    command_config sleep 1000
    sd create --bundle "$T/bundle" c
    [ "$(in_group pids.max)" = max ]
    [ "$(in_group memory.max)" = max ]
    [ "$(in_group cpu.max)" = "max 100000" ]
    systemctl daemon-reload
    [ "$(in_group pids.max)" = max ]
}

@test "devices stay closed, and limits that systemd does not know stay too, when systemd reloads" {
    config '.process.args=["sh","-c","sleep 1000"]' '.linux.resources.devices=[{allow:false,access:"rwm"}]' \
        '.linux.resources.unified={"cpu.max.burst":"10000","memory.high":"50331648"}' \
        '.linux.resources.cpu={quota:50000,period:100000}' '.process.capabilities.bounding+=["CAP_MKNOD"]' \
        '.process.capabilities.effective+=["CAP_MKNOD"]' '.process.capabilities.permitted+=["CAP_MKNOD"]' \
        '.mounts+=[{destination:"/tmp",type:"tmpfs",source:"tmpfs",options:["dev"]}]'
    sd create --bundle "$T/bundle" c
    sd start c
    closed() {
        oci exec c sh -c 'echo ok >/dev/null' && ! oci exec c sh -c 'rm -f /tmp/d; mknod /tmp/d c 1 1 && dd if=/tmp/d bs=1 count=1'
    }
    run closed
    [ "$status" -eq 0 ]
    systemctl daemon-reload
    systemctl set-property --runtime kist-oci-c.scope IOWeight=200
    run closed
    [ "$status" -eq 0 ]
    [[ "$output" == *"Operation not permitted"* ]]
    [ "$(in_group cpu.max.burst)" = 10000 ]
    [ "$(in_group memory.high)" = 50331648 ]
    [ "$(shown kist-oci-c.scope MemoryHigh)" = 50331648 ]
}

@test "one process is enough of a limit for one process" {
    config '.process.args=["echo","hi"]' '.linux.resources.pids={limit:1}'
    run -0 sd run --bundle "$T/bundle" c
    [ "$output" = hi ]
    config '.process.args=["sleep","1000"]' '.linux.resources.pids={limit:1}'
    sd create --bundle "$T/bundle" c
    [ "$(in_group pids.max)" = 1 ]
    [ "$(in_group pids.current)" = 1 ]
    run sd exec c true
    [ "$status" -eq 1 ]
    [[ "$output" == *"a limit on processes is reached"* ]]
}

@test "update changes properties and files, and a reload keeps the new values" {
    limited_config
    sd create --bundle "$T/bundle" c
    sd start c
    oci update --memory 96m --memory-swap 96m --pids-limit 44 --cpu-quota 20000 --cpu-share 1024 c
    changed() {
        [ "$(in_group memory.max)" = 100663296 ]
        [ "$(in_group memory.swap.max)" = 0 ]
        [ "$(in_group pids.max)" = 44 ]
        [ "$(in_group cpu.max)" = "20000 100000" ]
        [ "$(in_group cpu.weight)" = 100 ]
        [ "$(in_group cpuset.cpus)" = 0 ]
    }
    changed
    [ "$(shown kist-oci-c.scope MemoryMax)" = 100663296 ]
    [ "$(shown kist-oci-c.scope TasksMax)" = 44 ]
    systemctl daemon-reload
    systemctl set-property --runtime kist-oci-c.scope IOWeight=200
    changed
    oci update --cpu-period 50000 c
    [ "$(in_group cpu.max)" = "20000 50000" ]
    oci update --cpu-quota 25000 c
    [ "$(in_group cpu.max)" = "25000 50000" ]
    [ "$(shown kist-oci-c.scope CPUQuotaPerSecUSec)" = 500ms ]
    echo '{"unified":{"memory.high":"50331648"},"cpu":{"idle":1}}' | oci update --resources - c
    [ "$(in_group memory.high)" = 50331648 ]
    [ "$(in_group cpu.idle)" = 1 ]
    systemctl daemon-reload
    systemctl set-property --runtime kist-oci-c.scope IOWeight=300
    [ "$(in_group cpu.idle)" = 1 ]
}

@test "delete removes the scope of a container that was never started, that ended and that runs" {
    command_config sleep 1000
    sd create --bundle "$T/bundle" c
    oci delete c
    scope_is_gone kist-oci-c.scope
    sd create --bundle "$T/bundle" --pid-file "$BATS_TEST_TMPDIR/pid" c
    oci kill c KILL
    wait_until 5 status_is c stopped
    oci delete c
    scope_is_gone kist-oci-c.scope
    sd create --bundle "$T/bundle" c
    oci start c
    oci delete --force c
    scope_is_gone kist-oci-c.scope
}

@test "pause, exec, ps, events and resume find the scope" {
    command_config sleep 1000
    sd create --bundle "$T/bundle" c
    oci start c
    run -0 oci exec c cat /proc/self/cgroup
    [ "$output" = "0::/" ]
    oci pause c
    status_is c paused
    [ "$(in_group cgroup.freeze)" = 1 ]
    oci resume c
    status_is c running
    run -0 oci ps --format json c
    [ "$output" = "[$(oci state c | jq .pid)]" ]
    oci events --stats c | jq -e '.data.pids.current == 1'
}

@test "a scope lies in the slice that cgroupsPath names, and takes properties from annotations" {
    config '.process.args=["sleep","1000"]' '.linux.cgroupsPath="ktest-a.slice:test:x"' \
        '.annotations={"org.systemd.property.TimeoutStopSec":"uint64 7","org.systemd.property.Description":"'"'mine'"'"}'
    sd create --bundle "$T/bundle" c
    [ "$(cat "/proc/$(oci state c | jq .pid)/cgroup")" = "0::/ktest.slice/ktest-a.slice/test-x.scope" ]
    [ "$(shown test-x.scope Slice)" = ktest-a.slice ]
    [ "$(shown test-x.scope TimeoutStopUSec)" = 7s ]
    [ "$(shown test-x.scope Description)" = mine ]
    oci delete c
    scope_is_gone test-x.scope
    config '.process.args=["true"]' '.annotations={"org.systemd.property.NoSuchThing":"true"}'
    run sd run --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"starting scope 'kist-oci-c.scope'"*"NoSuchThing"* ]]
    config '.process.args=["true"]' '.annotations={"org.systemd.property.TimeoutStopSec":"soon"}'
    run sd run --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"annotation 'org.systemd.property.TimeoutStopSec': 'soon' is no value"* ]]
}

@test "a cgroupsPath of the other manager is refused" {
    config '.process.args=["true"]' '.linux.cgroupsPath="/a/b"'
    run sd run --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"linux.cgroupsPath: '/a/b' is not of the form SLICE:PREFIX:NAME"* ]]
    config '.process.args=["true"]' '.linux.cgroupsPath="system.slice:a:b"'
    run oci run --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"is for the systemd cgroup manager"*"--systemd-cgroup"* ]]
}

@test "a scope of somebody else is left alone" {
    systemd-run --scope --unit test-other.scope -q sleep 1000 &
    wait_until 5 systemctl -q is-active test-other.scope
    config '.process.args=["true"]' '.linux.cgroupsPath=":test:other"'
    run sd run --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"test-other.scope"* ]]
    systemctl -q is-active test-other.scope
    systemctl stop test-other.scope
    wait
}

@test "a container that criu writes down in one scope is restored in another" {
    [ -n "$(command -v criu)" ] || skip "needs criu"
    images=$BATS_TEST_TMPDIR/images
    limited_config
    sd run -d --bundle "$T/bundle" c </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1
    oci checkpoint --image-path "$images" c
    oci delete c
    scope_is_gone kist-oci-c.scope
    config '.process.args=["none"]' '.linux.cgroupsPath="ktest.slice:test:again"' '.linux.resources.pids={limit:20}'
    sd restore --detach --bundle "$T/bundle" --image-path "$images" again </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1
    status_is again running
    [ "$(cat "/proc/$(oci state again | jq .pid)/cgroup")" = "0::/ktest.slice/test-again.scope" ]
    [ "$(shown test-again.scope TasksMax)" = 20 ]
    [ "$(cat /sys/fs/cgroup/ktest.slice/test-again.scope/pids.max)" = 20 ]
    [ "$(cat /sys/fs/cgroup/ktest.slice/test-again.scope/cgroup.procs)" = "$(oci state again | jq .pid)" ]
    oci delete --force again
    scope_is_gone test-again.scope
    # what fails leaves no scope
    rm "$images"/core-1.img
    run sd restore --detach --bundle "$T/bundle" --image-path "$images" again </dev/null
    [ "$status" -eq 1 ]
    scope_is_gone test-again.scope
}

@test "a start that fails leaves no scope" {
    command_config no-such-program
    run -127 sd create --bundle "$T/bundle" c
    scope_is_gone kist-oci-c.scope
    config '.process.args=["true"]' '.linux.resources.unified={"memory.max":"much"}'
    run sd create --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"memory.max"* ]]
    scope_is_gone kist-oci-c.scope
}

@test "a runtime that is killed while it makes a container leaves no scope behind" {
    command_config sleep 1000
    for pause in 0.1 0.3 0.5 1 2; do
        "$KIST_OCI" --root "$T/state" --systemd-cgroup create --bundle "$T/bundle" c >/dev/null 2>&1 &
        sleep "$pause"
        kill -KILL $! 2>/dev/null || true
        wait $! 2>/dev/null || true
        oci delete --force c
        wait_until 10 scope_is_gone kist-oci-c.scope
    done
}

@test "without systemd's socket the message says what is missing" {
    command_config true
    run unshare -m --propagation private sh -c 'mount --bind /dev/null /run/systemd/private && exec "$@"' sh \
        "$KIST_OCI" --root "$T/state" --systemd-cgroup run --bundle "$T/bundle" c
    [ "$status" -eq 1 ]
    [[ "$output" == *"starting scope 'kist-oci-c.scope': connecting to '/run/systemd/private': Connection refused"* ]]
    [[ "$output" == *"is systemd running here?"* ]]
}

@test "Podman with its systemd manager: run, exec, update, pause, stop, kill" {
    export CONTAINERS_CONF=$T/containers.conf
    printf '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\nevents_logger = "file"\n' >"$CONTAINERS_CONF"
    podman_() {
        podman --root "$T/podman" --runroot "$T/podman-run" --storage-driver vfs --cgroup-manager systemd --runtime "$KIST_OCI" "$@"
    }
    podman_ import -q "$T/busybox.tar" localhost/busybox >/dev/null
    options=(--network none --security-opt apparmor=unconfined)
    run podman_ run --rm "${options[@]}" busybox sh -c 'echo hi; exit 3'
    [ "$status" -eq 3 ]
    [ "$output" = hi ]
    id=$(podman_ run -d --name p --memory 64m "${options[@]}" busybox sleep 1000)
    unit=libpod-$id.scope
    [ "$(shown "$unit" MemoryMax)" = 67108864 ]
    [ "$(shown "$unit" Slice)" = machine.slice ]
    [ "$(podman_ exec p cat /sys/fs/cgroup/memory.max)" = 67108864 ]
    podman_ update --memory 96m --memory-swap 96m p
    [ "$(shown "$unit" MemoryMax)" = 100663296 ]
    [ "$(cat "/sys/fs/cgroup/machine.slice/$unit/memory.max")" = 100663296 ]
    podman_ pause p
    [ "$(cat "/sys/fs/cgroup/machine.slice/$unit/cgroup.freeze")" = 1 ]
    podman_ unpause p
    run -0 podman_ stats --no-stream --format '{{.Name}} {{.PIDs}}' p
    [ "$output" = "p 1" ]
    podman_ stop -t 0 p
    [ "$(shown "$unit" LoadState)" = not-found ]
    podman_ start p
    [ "$(shown "$unit" LoadState)" = loaded ]
    podman_ kill p
    podman_ rm -f -t 0 p
    [ "$(shown "$unit" LoadState)" = not-found ]
    podman_ rm -af -t 0 >/dev/null
    podman_ system prune -af >/dev/null
}

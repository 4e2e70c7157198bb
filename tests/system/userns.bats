#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# kist run --userns, --uidmap and their like: the container's root is nobody special on the host.

load network_helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() { check_footprint; }

pid_of() { kist inspect -f '{{.State.Pid}}' "$1"; }

@test "--uidmap: root inside is another user outside, files of the image and new ones are root's inside" {
    kist run -d --name c --network none --uidmap 0:300000:65536 busybox sleep 100 >/dev/null
    [ "$(stat -c %u:%g /proc/"$(pid_of c)")" = 300000:300000 ]
    run -0 kist exec c sh -c 'id -u; touch /made; stat -c %u:%g /made /etc/passwd /bin/busybox; cat /proc/self/uid_map; echo word >/dev/shm/x && cat /etc/hostname >/dev/null && echo ok'
    [ "${lines[0]}" = 0 ]
    [ "${lines[1]} ${lines[2]} ${lines[3]}" = "0:0 0:0 0:0" ]
    [[ "${lines[4]}" =~ ^\ *0\ +300000\ +65536$ ]]
    [ "${lines[5]}" = ok ]
    # On disk they have the image's ids, so that commit, cp and a start without the namespace see them right.
    [ "$(stat -c %u "$ROOT_T/root/containers/"*/upper/made)" = 0 ]
    [ "$(kist inspect -f '{{.HostConfig.UsernsMode}}' c)" = private ]
}

@test "what is written has the ids of the image's files: commit, cp, diff and a container without the namespace see root's" {
    kist run --name c --network none --uidmap 0:300000:65536 busybox sh -c 'touch /made; chown 7:8 /made; chmod 700 /etc/passwd; mkdir /folder && mv /etc/group /folder/'
    run -0 kist diff c
    [[ "$output" == *'A /made'* && "$output" == *'C /etc/passwd'* && "$output" == *'D /etc/group'* ]]
    kist cp c:/made - | tar -tv --numeric-owner | grep -q ' 7/8 '
    kist commit -q c changed >/dev/null
    run -0 kist run --rm --network none changed stat -c %u:%g /made /etc/passwd /folder/group
    [ "$output" = $'7:8\n0:0\n0:0' ]
    run -0 kist run --rm --network none --userns auto changed stat -c %u:%g /made /etc/passwd /folder/group
    [ "$output" = $'7:8\n0:0\n0:0' ]
    kist rm c >/dev/null
    kist rmi changed >/dev/null
}

@test "the vfs driver shows mapped ids, too" {
    vfs() { "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/vfs" --runroot "$ROOT_T/vfs-run" --storage-driver vfs "$@"; }
    vfs import --quiet "$ROOT_T/busybox.tar" busybox >/dev/null
    run -0 vfs run --rm --network none --uidmap 0:300000:65536 busybox sh -c 'touch /made; stat -c %u:%g /made /etc/passwd'
    [ "$output" = $'0:0\n0:0' ]
    vfs rmi busybox >/dev/null
    rm -rf "$ROOT_T/vfs" "$ROOT_T/vfs-run"
}

@test "--userns auto: every container has ids of its own, which come back" {
    kist run -d --name a --network none --userns auto busybox sleep 100 >/dev/null
    kist run -d --name b --network none --userns auto:size=1000 busybox sleep 100 >/dev/null
    first=$(stat -c %u /proc/"$(pid_of a)")
    second=$(stat -c %u /proc/"$(pid_of b)")
    [ "$first" -gt 0 ]
    [ "$second" -gt 0 ]
    [ $((second - first)) -ge 65536 ]
    [ "$(kist exec b cat /proc/self/gid_map | awk '{print $3}')" = 1000 ]
    kist rm -f -t 0 a >/dev/null
    [ "$(kist run --rm --network none --userns auto busybox awk '{print $2}' /proc/self/uid_map)" = "$first" ]
}

@test "limits, -t, -u, volumes, exec and a network of its own work in it" {
    mkdir "$BATS_TEST_TMPDIR/volume"
    chown 300007 "$BATS_TEST_TMPDIR/volume"
    run -0 kist run --rm --network none --uidmap 0:300000:65536 -u 7:8 --pids-limit 30 -v "$BATS_TEST_TMPDIR/volume:/v" busybox sh -c 'id -u; id -g; touch /v/file && stat -c %u /v/file; ulimit -n >/dev/null && echo x >/dev/null && ip link | grep -c lo:'
    [ "$output" = $'7\n8\n7\n1' ]
    [ "$(stat -c %u "$BATS_TEST_TMPDIR/volume/file")" = 300007 ]
    run -0 script -qec "$KIST --config $ROOT_T/kist.json --root $ROOT_T/root --runroot $ROOT_T/run run --rm -t --network none --uidmap 0:300000:65536 busybox tty" /dev/null </dev/null
    [[ "$output" == *"/dev/pts/0"* ]]
    # What needs the host's root is not to be had.
    run kist run --rm --network none --uidmap 0:300000:65536 --cap-add ALL --security-opt seccomp=unconfined busybox mknod /tmp/sda b 8 0
    [ "$status" -ne 0 ]
}

@test "idmap: a bind shows the host's root as the container's root" {
    mkdir "$BATS_TEST_TMPDIR/mapped"
    run -0 kist run --rm --network none --uidmap 0:300000:65536 -v "$BATS_TEST_TMPDIR/mapped:/v:idmap" busybox sh -c 'stat -c %u /v; touch /v/file && stat -c %u /v/file'
    [ "$output" = $'0\n0' ]
    [ "$(stat -c %u "$BATS_TEST_TMPDIR/mapped/file")" = 0 ]
    echo one >"$BATS_TEST_TMPDIR/f"
    kist run -d --name c --network none --uidmap 0:300000:65536 -v "$BATS_TEST_TMPDIR/f:/f:idmap,follow" busybox sleep 100 >/dev/null
    echo two >"$BATS_TEST_TMPDIR/new" && mv "$BATS_TEST_TMPDIR/new" "$BATS_TEST_TMPDIR/f"
    wait_until 10 eval '[ "$(kist exec c cat /f)" = two ]'
    [ "$(kist exec c stat -c %u /f)" = 0 ]
}

@test "--network host and --pid host show the host's /sys and /proc" {
    run -0 kist run --rm --uidmap 0:300000:65536 --network host busybox sh -c 'ls /sys/class/net | grep -c "^lo$"; mkdir /sys/x 2>&1 | grep -c Read-only'
    [ "$output" = $'1\n1' ]
    run -0 kist run --rm --network none --uidmap 0:300000:65536 --pid host busybox sh -c 'ls -d /proc/1'
}

@test "--userns container: shares the maps" {
    kist run -d --name a --network none --userns auto busybox sleep 100 >/dev/null
    [ "$(kist run --rm --network none --userns container:a busybox readlink /proc/self/ns/user)" = "$(readlink /proc/"$(pid_of a)"/ns/user)" ]
    kist run -d --name plain busybox sleep 100 >/dev/null
    run kist run --rm --network none --userns container:plain busybox true
    [ "$status" -eq 125 ]
    [[ "$output" == *"has no user namespace of its own"* ]]
}

@test "--subuidname takes the ranges of that user" {
    cp /etc/subuid "$BATS_TEST_TMPDIR/subuid" 2>/dev/null || : >"$BATS_TEST_TMPDIR/subuid"
    cp /etc/subgid "$BATS_TEST_TMPDIR/subgid" 2>/dev/null || : >"$BATS_TEST_TMPDIR/subgid"
    mount --bind "$BATS_TEST_TMPDIR/subuid" /etc/subuid 2>/dev/null || skip "this host has no /etc/subuid"
    mount --bind "$BATS_TEST_TMPDIR/subgid" /etc/subgid
    printf 'kisttest:400000:1000\nkisttest:500000:10\n' | tee "$BATS_TEST_TMPDIR/subgid" >"$BATS_TEST_TMPDIR/subuid"
    run kist run --rm --network none --subuidname kisttest busybox cat /proc/self/uid_map
    run2=$(kist run --rm --network none --subuidname nobody-there busybox true 2>&1) && code=0 || code=$?
    umount /etc/subuid /etc/subgid
    [ "$status" -eq 0 ]
    [[ "${lines[1]}" =~ 1000\ +500000\ +10 ]]
    [ "$code" -eq 125 ]
    [[ "$run2" == *"no ranges for 'nobody-there'"* ]]
}

@test "maps that cannot be are refused before anything is made" {
    leases=$(ls "$ROOT_T/root/id-ranges" 2>/dev/null || true)
    while IFS='|' read -r options text; do
        run kist run --rm $options busybox true
        echo "$options: $output"
        [ "$status" -eq 125 ]
        [[ "$output" == *"$text"* ]]
    done <<'LIST'
--uidmap x|invalid value 'x' for --uidmap: expected CONTAINER:HOST:SIZE
--uidmap 0:1:0|expected CONTAINER:HOST:SIZE
--uidmap 1:1000:10|--uidmap: id 0, the container's root, is not mapped
--uidmap 0:1000:10 --uidmap 5:3000:10|--uidmap[1]: overlaps with range 0
--userns host --uidmap 0:1:1|conflicting options
--userns auto --uidmap 0:1:1|conflicting options
--userns keep-id|root is always mapped
--userns nomap|root is always mapped
--userns auto:size=0|invalid --userns
--userns sometimes|invalid --userns mode 'sometimes'
--userns private|needs --uidmap
--uidmap 0:1:1 --privileged|conflicting options: --privileged
--uidmap 0:1000:10 --subuidname x|conflicting options
LIST
    [ "$(ls "$ROOT_T/root/id-ranges" 2>/dev/null || true)" = "$leases" ]
}

@test "in a bridge network: ports, names, connect, restart and a monitor that took over" {
    kist network create -d bridge tenants >/dev/null
    web server --userns auto --network tenants -p 127.0.0.1:18099:80 --restart always
    [ "$(stat -c %u /proc/"$(pid_of server)")" -gt 0 ]
    # /sys is mounted, and shows the container's links.
    [ "$(kist exec server ls /sys/class/net | tr '\n' ' ')" = "eth0 lo " ]
    answers() { [ "$(get 127.0.0.1 18099)" = "i am server" ]; }
    answers
    run -0 kist run --rm --uidmap 0:300000:65536 --network tenants busybox wget -qO- http://server/
    [ "$output" = "i am server" ]
    run -0 kist run --rm --userns container:server --network tenants busybox wget -qO- http://server/
    [ "$output" = "i am server" ]
    kist restart -t 0 server >/dev/null
    wait_until 5 answers
    # The new monitor gets both namespaces from the container's process, and they outlive that.
    kill_monitor server
    kist kill -s CONT server
    before=$(readlink /proc/"$(pid_of server)"/ns/user)
    kill -9 "$(pid_of server)"
    wait_until 10 answers
    [ "$(readlink /proc/"$(pid_of server)"/ns/user)" = "$before" ]
    kist network connect bridge server
    [ "$(kist exec server ls /sys/class/net | tr '\n' ' ')" = "eth0 eth1 lo " ]
    kist rm -f -t 0 server >/dev/null
    kist network rm tenants >/dev/null
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Stores on unusual file systems (SECURITY F46): each works, or says what does not and what to do.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() {
    remember_footprint
    D=$(mktemp -d /tmp/kist-store.XXXXXX)
}
teardown() {
    on_store rm -af -t 0 >/dev/null 2>&1 || true
    on_store network prune -f >/dev/null 2>&1 || true
    findmnt -rno TARGET | grep "^$D" | sort -r | xargs -r -n1 umount
    rm -rf "$D" "$ROOT_T/run-store"
    check_footprint
}

on_store() { "$KIST" --config "${CONFIG:-$ROOT_T/kist.json}" --root "$D/fs/root" --runroot "$ROOT_T/run-store" "$@"; }

# all_works [OPTIONS…]: a container's life and what is made of it.
all_works() {
    on_store "$@" import -q "$ROOT_T/busybox.tar" busybox >/dev/null
    on_store run --name c busybox sh -c 'echo x >/x; ln -s x /l; chmod 4755 /x'
    [ "$(on_store run --rm busybox echo hi)" = hi ]
    [ "$(on_store diff c)" = $'A /l\nA /x' ]
    on_store commit c made >/dev/null
    [ "$(on_store run --rm made sh -c 'cat /x; stat -c %a /x; readlink /l')" = $'x\n4755\nx' ]
    on_store cp c:/x - | tar -tf - | grep -qx x
    on_store save made | tar -tf - | grep -qx manifest.json
    on_store rm -af >/dev/null
    on_store rmi made busybox >/dev/null
}

@test "a store on tmpfs, also mounted noexec, nodev and nosuid" {
    mkdir "$D/fs"
    mount -t tmpfs -o size=64m tmpfs "$D/fs"
    all_works
    mount -o remount,noexec,nodev,nosuid "$D/fs"
    all_works
}

@test "a store on an overlay: overlay says that it cannot, vfs works" {
    mkdir "$D/fs" "$D/lower" "$D/upper" "$D/work"
    mount -t overlay overlay -o "lowerdir=$D/lower,upperdir=$D/upper,workdir=$D/work" "$D/fs"
    on_store import -q "$ROOT_T/busybox.tar" busybox >/dev/null
    run -125 on_store run --rm busybox true
    [[ "$output" == *"cannot hold the upper layer of an overlay"* ]]
    [[ "$output" == *"--storage-driver vfs"* ]]
    rm -rf "$D/fs/root"
    on_store --storage-driver vfs info >/dev/null
    all_works
}

@test "a store on ext4 in a file, filled to the last block in between" {
    mkdir "$D/fs"
    truncate -s 48M "$D/image"
    mkfs.ext4 -q -F -m 0 "$D/image"
    mount -o loop "$D/image" "$D/fs" || skip "no loop devices here"
    all_works
    on_store import -q "$ROOT_T/busybox.tar" busybox >/dev/null
    on_store run --name c busybox sh -c 'echo x >/x'
    head -c 100M /dev/zero >"$D/fs/filler" 2>/dev/null || true
    before=$(ls "$D/fs/root/layers")
    run -125 on_store commit c made
    run -125 on_store cp "$KIST" c:/kist
    [ "$(ls "$D/fs/root/layers")" = "$before" ]
    [ -z "$(ls "$D/fs/root/tmp" | grep -vx lock)" ]
    on_store export c | tar -tf - | grep -qx x
    on_store cp c:/x - >/dev/null
    [ "$(on_store diff c)" = "A /x" ]
    rm "$D/fs/filler"
    on_store commit c made >/dev/null
    [ "$(on_store run --rm made cat /x)" = x ]
}

@test "folders of the image can be renamed, and diff, commit and cp see that (A228)" {
    mkdir "$D/fs"
    on_store import -q "$ROOT_T/busybox.tar" busybox >/dev/null
    on_store run --name c busybox sh -c 'mv /etc /moved && echo x >/moved/new'
    [ "$(on_store inspect -f '{{.HostConfig.StorageOpt}}' c)" = 'map[]' ]
    on_store diff c | grep -qx 'D /etc'
    on_store diff c | grep -qx 'A /moved/passwd'
    on_store commit -q c made >/dev/null
    [ "$(on_store run --rm made cat /moved/new)" = x ]
    [ "$(on_store cp c:/moved/new - | tar -xOf -)" = x ]
    on_store start -a c 2>/dev/null || true
    on_store info | grep 'redirect_dir=on'
    [ "$(on_store info -f '{{index .DriverStatus 0 0}}')" = 'Backing Filesystem' ]
}

@test "storage-opts: the driver does as they say, containers keep what they were made with" {
    mkdir "$D/fs"
    on_store import -q "$ROOT_T/busybox.tar" busybox >/dev/null
    on_store create --name old busybox grep ' / / ' /proc/self/mountinfo >/dev/null
    printf '{"cgroup-parent": "%s", "storage-opts": ["overlay2.metacopy=on", "overlay2.index=on", "overlay2.mountopt=nodev,xino=off"]}' "$CGROUP_PARENT" >"$D/kist.json"
    CONFIG=$D/kist.json on_store run --name new busybox sh -c 'grep " / / " /proc/self/mountinfo; chmod 0700 /bin/busybox; chown 7 /etc/passwd' >"$D/new"
    for word in metacopy=on index=on redirect_dir=on nodev; do grep -q "[ ,]$word" "$D/new"; done
    CONFIG=$D/kist.json on_store start -a old >"$D/old"
    ! grep -qE 'metacopy=on|index=on|nodev' "$D/old" || false
    # Contents that stay in the layer are found by diff, commit, export and cp, whatever kist.json says by then.
    on_store diff new | grep -qx 'C /etc/passwd'
    on_store commit -q new made >/dev/null
    [ "$(on_store run --rm made stat -c %u:%s /etc/passwd)" = "7:$(on_store run --rm busybox stat -c %s /etc/passwd)" ]
    on_store export new | tar -xOf - etc/passwd | cmp - <(on_store run --rm busybox cat /etc/passwd)
    on_store cp new:/bin/busybox "$D/busybox"
    [ "$(stat -c %a "$D/busybox")" = 700 ]
    [ -s "$D/busybox" ]
    run -125 "$KIST" --config "$D/kist.json" --storage-opt overlay2.index=off --root "$D/fs/root" --runroot "$ROOT_T/run-store" ps
    [[ "$output" == *'use one of them'* ]]
    run -125 on_store --storage-opt overlay2.indx=off ps
    [[ "$output" == *"did you mean"*index* ]]
    run -125 on_store --storage-opt dm.fs=ext4 ps
    [[ "$output" == *devicemapper* ]]
    on_store --storage-opt overlay2.volatile=true run --rm busybox grep -q ' / / .*volatile' /proc/self/mountinfo
}

@test "the driver of the environment and of /etc/sysconfig/kist-storage, if nothing else says one (A223)" {
    mkdir "$D/fs" "$D/etc" "$D/etc/sysconfig"
    [ "$(KIST_STORAGE_DRIVER=vfs on_store info -f '{{.Driver}}')" = vfs ]
    run -125 env KIST_STORAGE_DRIVER=zfs "$KIST" --config "$ROOT_T/kist.json" --root "$D/fs/root" --runroot "$ROOT_T/run-store" info
    [[ "$output" == *zfs* ]]
    echo 'KIST_STORAGE_OPTIONS="--storage-driver=overlay2 --storage-opt overlay2.index=on"' >"$D/etc/sysconfig/kist-storage"
    in_etc() { unshare -m bash -c 'mount -t overlay -o "lowerdir=$0/etc:/etc" overlay /etc && shift 0 && exec "$@"' "$D" "$KIST" --root "$D/fs/other" --runroot "$ROOT_T/run-store" "$@"; }
    [ "$(in_etc info -f '{{.Driver}}')" = overlay ]
    in_etc info | grep 'index=on'
    echo 'KIST_STORAGE_OPTIONS="--root /x"' >"$D/etc/sysconfig/kist-storage"
    run -125 in_etc info
    [[ "$output" == *kist-storage* ]]
}

@test "a size limit of a container's root holds on ext4 with project quotas, and is an error elsewhere" {
    mkdir "$D/fs"
    on_store import -q "$ROOT_T/busybox.tar" busybox >/dev/null
    if [ "$(stat -f -c %T "$D")" = tmpfs ] || ! findmnt -no OPTIONS -T "$D" | grep -q prjquota; then
        run -125 on_store run --rm --storage-opt size=4m busybox true
        [[ "$output" == *prjquota* ]]
        [ -z "$(on_store ps -aq)" ]
    fi
    run -125 on_store run --rm --storage-opt colour=4m busybox true
    rm -rf "$D/fs/root"
    mount_quota_disk "$D/image" "$D/fs"
    on_store import -q "$ROOT_T/busybox.tar" busybox >/dev/null
    on_store run --name c --storage-opt size=4m busybox sh -c 'dd if=/dev/zero of=/f bs=1M count=3 2>/dev/null'
    [ "$(on_store inspect -f '{{.HostConfig.StorageOpt.size}}' c)" = 4194304 ]
    run on_store run --rm --storage-opt size=4m busybox sh -c 'dd if=/dev/zero of=/f bs=1M count=6'
    [ "$status" -ne 0 ]
    on_store run --rm busybox sh -c 'dd if=/dev/zero of=/f bs=1M count=6 2>/dev/null'
    run on_store --storage-opt overlay2.size=2m run --rm busybox sh -c 'dd if=/dev/zero of=/f bs=1M count=3'
    [ "$status" -ne 0 ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Volumes and images in containers: -v, --mount, --volumes-from, the image's VOLUME, and what a removal takes with it.
load helpers

setup_file() {
    make_root
    # An image with two layers' worth of content below /data, and one that makes a volume of it.
    local tree=$BATS_FILE_TMPDIR/tree
    mkdir -p "$tree"
    tar -xf "$ROOT_T/busybox.tar" -C "$tree"
    mkdir -p "$tree/data/sub" "$tree/empty"
    echo image >"$tree/data/file"
    ln "$tree/data/file" "$tree/data/hard"
    ln -s ../file "$tree/data/sub/link"
    ln -s /etc/passwd "$tree/data/absolute"
    mkfifo -m 0640 "$tree/data/fifo"
    cp "$tree/bin/busybox" "$tree/data/prog" 2>/dev/null || cp /bin/true "$tree/data/prog"
    setfattr -n user.colour -v red "$tree/data/file" || skip "no extended attributes here"
    chown 7:8 "$tree/data" "$tree/data/file"
    chmod 0751 "$tree/data"
    tar --xattrs -cf "$BATS_FILE_TMPDIR/data.tar" -C "$tree" .
    kist import -q --change 'CMD ["sh"]' "$BATS_FILE_TMPDIR/data.tar" content >/dev/null
    kist import -q --change 'CMD ["sh"]' --change 'VOLUME /data' "$BATS_FILE_TMPDIR/data.tar" withvolume >/dev/null
}
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() {
    kist rm -af -t 0 >/dev/null
    kist volume rm -af >/dev/null
    check_footprint
}

volume_of() { kist inspect -f '{{range .Mounts}}{{.Name}}{{end}}' "$1"; }
data() { echo "$ROOT_T/root/volumes/$1/_data"; }

@test "a named volume is made on the fly and outlives its containers" {
    kist run --rm -v data:/v busybox sh -c 'echo hello >/v/f'
    [ "$(kist volume ls -q)" = data ]
    [ "$(kist run --rm -v data:/v:ro busybox cat /v/f)" = hello ]
    run kist run --rm -v data:/v:ro busybox touch /v/g
    [ "$status" -ne 0 ]
    [ "$(kist run --rm --mount type=volume,src=data,dst=/v busybox cat /v/f)" = hello ]
    [ "$(kist run --rm --mount src=data,dst=/v,readonly busybox cat /v/f)" = hello ]
    [ "$(ls "$(data data)")" = f ]
}

@test "two containers share a volume" {
    kist run -d --name one -v data:/a busybox sleep 1000 >/dev/null
    kist run --rm -v data:/b busybox sh -c 'echo two >/b/f'
    [ "$(kist exec one cat /a/f)" = two ]
}

@test "a new volume starts with the image's content, owner, mode, links and attributes (A027)" {
    kist run --rm -v v:/data content true
    [ "$(stat -c '%a %u %g' "$(data v)")" = '751 7 8' ]
    [ "$(cat "$(data v)/file")" = image ]
    [ "$(stat -c '%u %g' "$(data v)/file")" = '7 8' ]
    [ "$(getfattr --only-values -n user.colour "$(data v)/file")" = red ]
    [ "$(readlink "$(data v)/sub/link")" = ../file ]
    [ "$(readlink "$(data v)/absolute")" = /etc/passwd ]
    [ "$(stat -c '%F %a' "$(data v)/fifo")" = 'fifo 640' ]
    [ "$(kist volume inspect -f '{{.NeedsCopyUp}}' v)" = false ]
}

@test "only a new and empty volume is seeded: what is there stays as it is (CVE-2020-1726)" {
    kist volume create v >/dev/null
    [ "$(kist volume inspect -f '{{.NeedsCopyUp}}' v)" = true ]
    echo mine >"$(data v)/file"
    kist run --rm -v v:/data content true
    kist run --rm -v v:/data:ro content true
    [ "$(cat "$(data v)/file")" = mine ]
    [ "$(ls "$(data v)")" = file ]
    kist run --rm -v w:/data content rm -r /data/file /data/sub
    kist run --rm -v w:/data content true
    [ ! -e "$(data w)/file" ]
    kist run --rm -v x:/data:ro content true
    [ "$(cat "$(data x)/file")" = image ]
}

@test "nocopy, --mount …,volume-nocopy and o=nocopy leave it empty; for a bind nocopy is an error" {
    kist run --rm -v a:/data:nocopy content true
    kist run --rm --mount type=volume,src=b,dst=/data,volume-nocopy content true
    kist run --rm --mount type=volume,src=c,dst=/data,volume-opt=o=nocopy content true
    [ -z "$(ls -A "$(data a)" "$(data b)" "$(data c)" | grep -v :)" ]
    run kist run --rm -v /tmp:/data:nocopy content true
    [ "$status" -eq 125 ]
    [[ "$output" == *'nocopy is only valid for volumes'* ]]
}

@test "a volume where the image has nothing belongs to the container's user; --uid and --gid win" {
    kist run --rm -u 1000:1001 -v a:/new busybox touch /new/f
    [ "$(stat -c '%u %g' "$(data a)")" = '1000 1001' ]
    kist volume create --uid 5 b >/dev/null
    kist run --rm -u 1000:1001 -v b:/new busybox true
    [ "$(stat -c '%u %g' "$(data b)")" = '5 0' ]
    kist volume create --uid 5 c >/dev/null
    kist run --rm -v c:/data content true
    [ "$(stat -c '%u %g %a' "$(data c)")" = '5 0 751' ]
}

@test "eight containers start at once on one new volume: seeded once, whole" {
    local i
    for i in $(seq 8); do
        kist run --rm -v v:/data content sh -c 'cat /data/file' >"$BATS_TEST_TMPDIR/$i" &
    done
    wait
    [ "$(cat "$BATS_TEST_TMPDIR"/[1-8] | sort -u)" = image ]
    [ "$(ls -A "$ROOT_T/root/volumes/v")" = $'_data\nvolume.json' ]
}

@test "a seeding that was killed is done again" {
    kist volume create v >/dev/null
    mkdir "$ROOT_T/root/volumes/v/_seed"
    echo half >"$ROOT_T/root/volumes/v/_seed/file"
    kist run --rm -v v:/data content true
    [ "$(cat "$(data v)/file")" = image ]
    [ ! -e "$ROOT_T/root/volumes/v/_seed" ]
}

@test "anonymous volumes: --rm and rm -v take them, rm leaves them, prune finds them" {
    kist run --rm -v /anon busybox touch /anon/f
    [ -z "$(kist volume ls -q)" ]
    kist run --name one -v /anon busybox touch /anon/f
    local name
    name=$(volume_of one)
    [[ "$name" =~ ^[0-9a-f]{64}$ ]]
    [ -e "$(data "$name")/f" ]
    [ "$(kist volume ls -q -f dangling=true)" = '' ]
    run kist volume rm "$name"
    [ "$status" -eq 1 ]
    [[ "$output" == *"in use by container 'one'"* ]]
    kist rm one
    [ "$(kist volume ls -q -f dangling=true)" = "$name" ]
    kist volume prune -f
    [ -z "$(kist volume ls -q)" ]
    kist create --name two -v /anon -v keep:/keep busybox true
    kist rm -v two
    [ "$(kist volume ls -q)" = keep ]
}

@test "the image's VOLUME is an anonymous volume, unless -v or --image-volume says otherwise" {
    kist run --name one withvolume sh -c 'cat /data/file; echo new >/data/new'
    local name
    name=$(volume_of one)
    [ "$(cat "$(data "$name")/file" "$(data "$name")/new")" = $'image\nnew' ]
    [ ! -e "$ROOT_T"/root/containers/[0-9a-f]*/upper/data/new ]
    [ "$(kist inspect -f '{{json .Config.Volumes}}' one)" = '{"/data":{}}' ]
    kist start -a one
    [ "$(volume_of one)" = "$name" ]
    kist rm -v one
    [ -z "$(kist volume ls -q)" ]
    kist run --rm -v mine:/data withvolume true
    [ "$(kist volume ls -q)" = mine ]
    kist run --rm --image-volume tmpfs withvolume sh -c 'grep -q " /data tmpfs" /proc/mounts && cat /data/file'
    kist run --rm --image-volume ignore withvolume sh -c '! grep " /data " /proc/mounts'
    run kist run --rm --image-volume some withvolume true
    [ "$status" -eq 125 ]
}

@test "VOLUME paths that would leave the root or cover procfs are refused (CVE-2019-16884, CVE-2022-23648)" {
    kist import -q --change 'CMD ["sh"]' --change 'VOLUME /proc/self' "$ROOT_T/busybox.tar" evil >/dev/null
    run kist run --rm evil true
    [ "$status" -ne 0 ]
    [[ "$output" == */proc* ]]
    kist import -q --change 'CMD ["sh"]' --change 'VOLUME /../../canary' "$ROOT_T/busybox.tar" evil2 >/dev/null
    kist run --rm evil2 sh -c 'grep -q " /canary " /proc/mounts'
    [ ! -e /canary ]
    kist rmi evil evil2 >/dev/null
    [ -z "$(kist volume ls -q)" ]
}

@test "--volumes-from takes binds and volumes, read-only if asked, and the last user's removal takes anonymous ones" {
    mkdir "$BATS_TEST_TMPDIR/d"
    kist create --name one -v /anon -v named:/named -v "$BATS_TEST_TMPDIR/d:/bind" --tmpfs /t busybox true
    kist run --rm --volumes-from one busybox sh -c 'touch /anon/a /named/n /bind/b; ! grep " /t " /proc/mounts'
    [ -e "$BATS_TEST_TMPDIR/d/b" ]
    kist run --rm --volumes-from one:ro -v other:/named busybox sh -c '! touch /anon/x && ! touch /bind/x && touch /named/x && ls /anon/a'
    kist create --name two --volumes-from one busybox true
    [ "$(kist inspect -f '{{.HostConfig.VolumesFrom}}' two)" = '[one]' ]
    local name
    name=$(kist volume ls -q -f anonymous=true)
    kist rm -v one
    kist volume exists "$name"
    kist rm -v two
    run kist volume exists "$name"
    [ "$status" -eq 1 ]
    run kist create --volumes-from nobody busybox true
    [ "$status" -eq 125 ]
    run kist create --volumes-from one:wr busybox true
    [ "$status" -eq 125 ]
}

@test "volume-subpath: a folder or a file of a volume, never what a link leads to outside" {
    kist run --rm -v v:/v busybox sh -c 'mkdir -p /v/a/b; echo deep >/v/a/b/f; ln -s /etc /v/out; ln -s ../../.. /v/up; ln -s a /v/in'
    [ "$(kist run --rm --mount type=volume,src=v,dst=/m,volume-subpath=a/b busybox cat /m/f)" = deep ]
    [ "$(kist run --rm --mount type=volume,src=v,dst=/m,volume-subpath=in/b busybox ls /m)" = f ]
    [ "$(kist run --rm --mount type=volume,src=v,dst=/m/one,volume-subpath=a/b/f busybox cat /m/one)" = deep ]
    run kist run --rm --mount type=volume,src=v,dst=/m,volume-subpath=out busybox ls /m
    [ "$status" -ne 0 ]
    # up leads to the volume's own root, as it would in a chroot
    [ "$(kist run --rm --mount type=volume,src=v,dst=/m,volume-subpath=up busybox ls /m | head -1)" = a ]
    local bad
    for bad in ../x /x a/../../x missing; do
        run kist run --rm --mount "type=volume,src=v,dst=/m,volume-subpath=$bad" busybox true
        [ "$status" -eq 125 ]
    done
}

@test "a volume that is a folder of the host, and one that is a tmpfs" {
    mkdir "$BATS_TEST_TMPDIR/d"
    kist volume create -o type=none -o o=bind -o "device=$BATS_TEST_TMPDIR/d" bound >/dev/null
    kist run --rm -v bound:/b busybox touch /b/f
    [ -e "$BATS_TEST_TMPDIR/d/f" ]
    [ "$(kist volume inspect -f '{{.Mountpoint}}' bound)" = "$BATS_TEST_TMPDIR/d" ]
    kist volume rm bound
    [ -e "$BATS_TEST_TMPDIR/d/f" ]
    kist volume create -o type=tmpfs -o o=size=20m,mode=0700 quick >/dev/null
    run kist run --rm -v quick:/data content sh -c 'grep " /data " /proc/mounts; cat /data/file; touch /data/x'
    [[ "$output" == *tmpfs*size=20480k*image* ]] || { echo "$output"; return 1; }
    [ -z "$(ls -A "$(data quick)")" ]
    kist volume create -o type=none -o o=bind -o device=/no/such/folder gone >/dev/null
    run kist run --rm -v gone:/b busybox true
    [ "$status" -eq 125 ]
    [[ "$output" == *'/no/such/folder'* ]]
}

@test "words of -v: exec, suid, dev, propagation, U, O" {
    kist run --rm -v v:/v:noexec,nosuid,nodev busybox sh -c 'grep " /v " /proc/mounts' | grep -q nosuid,nodev,noexec
    kist run --rm -u 1000 -v w:/w busybox true
    mkdir -p "$BATS_TEST_TMPDIR/d/sub"
    touch "$BATS_TEST_TMPDIR/d/sub/f"
    ln -s /etc/passwd "$BATS_TEST_TMPDIR/d/link"
    kist run --rm -u 1000:1001 -v "$BATS_TEST_TMPDIR/d:/d:U" busybox touch /d/sub/g
    [ "$(stat -c '%u %g' "$BATS_TEST_TMPDIR/d" "$BATS_TEST_TMPDIR/d/sub/f" "$BATS_TEST_TMPDIR/d/link" | sort -u)" = '1000 1001' ]
    [ "$(stat -c %u /etc/passwd)" = 0 ]
    echo below >"$BATS_TEST_TMPDIR/d/o"
    kist create --name over -v "$BATS_TEST_TMPDIR/d:/d:O" busybox sh -c 'cat /d/o; echo above >/d/o; rm /d/sub/f; cat /d/o'
    [ "$(kist start -a over)" = $'below\nabove' ]
    [ "$(kist start -a over)" = $'below\nabove' ]
    [ "$(cat "$BATS_TEST_TMPDIR/d/o")" = below ]
    mkdir "$BATS_TEST_TMPDIR/u" "$BATS_TEST_TMPDIR/w"
    kist run --rm -v "$BATS_TEST_TMPDIR/d:/d:O,upperdir=$BATS_TEST_TMPDIR/u,workdir=$BATS_TEST_TMPDIR/w" busybox touch /d/kept
    [ -e "$BATS_TEST_TMPDIR/u/kept" ]
    [ ! -e "$BATS_TEST_TMPDIR/d/kept" ]
    local bad
    for bad in O,ro O,upperdir=/x upperdir=/x,workdir=/y nonsense ro,rw; do
        run kist run --rm -v "$BATS_TEST_TMPDIR/d:/d:$bad" busybox true
        [ "$status" -eq 125 ]
    done
}

@test "--mount type=image: read-only, writable, and a subpath" {
    [ "$(kist run --rm --mount type=image,source=content,target=/i busybox cat /i/data/file)" = image ]
    run kist run --rm --mount type=image,source=content,target=/i busybox touch /i/x
    [ "$status" -ne 0 ]
    kist run --rm --mount type=image,source=content,target=/i,rw=true busybox sh -c 'echo x >/i/data/file; cat /i/data/file' | grep -q x
    [ "$(kist run --rm --mount type=image,source=content,target=/i busybox cat /i/data/file)" = image ]
    [ "$(kist run --rm --mount type=image,source=content,target=/i,subpath=data busybox cat /i/file)" = image ]
    kist create --name user --mount type=image,source=content,target=/i busybox cat /i/data/file >/dev/null
    kist tag content second
    kist rmi -f content second >/dev/null
    [ "$(kist start -a user)" = image ]
    kist import -q --change 'CMD ["sh"]' "$BATS_FILE_TMPDIR/data.tar" content >/dev/null
    run kist run --rm --mount type=image,source=nothing,target=/i busybox true
    [ "$status" -eq 125 ]
}

@test "a volume in use stays, and with --force its containers go first" {
    kist run -d --name web -v data:/v busybox sleep 1000 >/dev/null
    kist create --name idle -v data:/v busybox true >/dev/null
    run kist volume rm data
    [ "$status" -eq 1 ]
    [[ "$output" == *"'web'"* && "$output" == *"'idle'"* ]]
    run kist volume prune -af
    [[ "$output" == 'Total reclaimed space: 0B' ]]
    [ "$(kist ps -a --format '{{.Names}}' -f volume=data | sort)" = $'idle\nweb' ]
    [ "$(kist ps --format '{{.Mounts}}')" = data ]
    kist volume rm -f data
    [ -z "$(kist ps -aq)" ]
}

@test "a container whose volume is gone does not start on an empty one" {
    kist create --name web -v data:/v busybox true >/dev/null
    kist start -a web
    rm -r "$ROOT_T/root/volumes/data"
    run kist start -a web
    [ "$status" -ne 0 ]
    [[ "$output" == *"volume 'data'"*'does not exist any more'* ]]
}

@test "a create that fails leaves no volume" {
    kist create --name taken busybox true >/dev/null
    run kist create --name taken -v fresh:/v -v /anon busybox true
    [ "$status" -eq 125 ]
    [ -z "$(kist volume ls -q)" ]
    run kist create -v a:/v -v b:/v busybox true
    [ "$status" -eq 125 ]
    [ -z "$(kist volume ls -q)" ]
}

@test "inspect shows a volume's mount as Docker does" {
    kist create --name web -v data:/v:ro,nocopy busybox true >/dev/null
    kist inspect web | jq -e --arg source "$(data data)" '.[0].Mounts[0] | .Type == "volume" and .Name == "data" and
        .Source == $source and .Destination == "/v" and .Driver == "local" and .Mode == "ro" and .RW == false and .Propagation == "rprivate"'
    [ "$(kist inspect -f '{{index .HostConfig.Binds 0}}' web)" = 'data:/v:rbind,ro,rprivate,nocopy' ]
    kist inspect --type volume data | jq -e '.[0].Name == "data"'
    kist inspect data | jq -e '.[0].Driver == "local"'
}

@test "--rootfs: a folder of the host is the root, written to or not" {
    local tree=$BATS_TEST_TMPDIR/tree
    mkdir "$tree"
    tar -xf "$ROOT_T/busybox.tar" -C "$tree"
    kist run --rm --rootfs "$tree:O" sh -c 'echo x >/apart; cat /apart' | grep -qx x
    [ ! -e "$tree/apart" ]
    kist run --rm --rootfs "$tree" sh -c 'echo y >/there'
    [ "$(cat "$tree/there")" = y ]
    kist create --name web --rootfs "$tree" true
    [ "$(kist inspect -f '{{.Rootfs}}' web)" = "$tree" ]
    kist start -a web
    run kist run --rm --rootfs /no/such/folder true
    [ "$status" -eq 125 ]
    [[ "$output" == *'/no/such/folder'* ]]
    run kist run --rm --rootfs / true
    [ "$status" -eq 125 ]
}

@test "a size limit: on ext4 with project quotas it holds, elsewhere it is an error" {
    local image=$BATS_TEST_TMPDIR/disk mount=$BATS_TEST_TMPDIR/m
    mount_quota_disk "$image" "$mount"
    busybox_archive "$BATS_TEST_TMPDIR/busybox.tar"
    other() { "$KIST" --config "$ROOT_T/kist.json" --root "$mount/r" --runroot "$BATS_TEST_TMPDIR/run" "$@"; }
    other import -q --change 'CMD ["sh"]' "$BATS_TEST_TMPDIR/busybox.tar" busybox >/dev/null
    other import -q --change 'CMD ["sh"]' "$BATS_FILE_TMPDIR/data.tar" content >/dev/null
    other volume create -o o=size=4m small >/dev/null
    other volume create -o size=1m tiny >/dev/null
    other volume create -o o=inodes=5 few >/dev/null
    local failed=''
    other run --rm --network none -v small:/v busybox sh -c 'dd if=/dev/zero of=/v/f bs=1M count=3 2>/dev/null' || failed="3 MiB do not fit"
    other run --rm --network none -v small:/v busybox sh -c 'dd if=/dev/zero of=/v/g bs=1M count=3 2>/dev/null' && failed="6 MiB fit"
    other run --rm --network none -v few:/v busybox sh -c 'touch /v/1 /v/2 /v/3 /v/4 /v/5 /v/6' 2>/dev/null && failed="6 files fit"
    other run --rm --network none -v tiny:/data content sh -c 'dd if=/dev/zero of=/data/f bs=1M count=2 2>/dev/null' && failed="2 MiB fit after a copy"
    other rm -af >/dev/null
    other volume rm -af >/dev/null
    umount "$mount"
    [ -z "$failed" ] || { echo "$failed"; return 1; }
    if [ "$(stat -f -c %T "$ROOT_T")" = tmpfs ]; then
        run kist volume create -o o=size=4m small
        [ "$status" -eq 125 ]
        [[ "$output" == *prjquota* ]]
        [ -z "$(kist volume ls -q)" ]
    fi
}

@test "a volume that is a block device is mounted by each container for itself, and never on the host" {
    local image=$BATS_TEST_TMPDIR/disk device
    truncate -s 16m "$image"
    mkfs.ext4 -q "$image"
    device=$(losetup -f --show "$image") || skip "no loop devices here"
    kist volume create -o type=ext4 -o "device=$device" -o o=noatime disk >/dev/null
    local failed=''
    kist run --rm -v disk:/d busybox sh -c 'grep " /d ext4 " /proc/mounts | grep -q noatime && echo kept >/d/f' || failed=write
    grep -q "$device" /proc/mounts && failed=leak
    [ "$(kist run --rm -v disk:/d:ro busybox cat /d/f)" = kept ] || failed=read
    kist run --rm -v disk:/d:ro busybox touch /d/g 2>/dev/null && failed=readonly
    losetup -d "$device"
    [ -z "$failed" ] || { echo "$failed"; return 1; }
    run kist volume create -o type=nfs -o device=:/x -o o=addr=server nfs
    [ "$status" -eq 125 ]
    [[ "$output" == *'not a name'* ]]
}

@test "a destination inside a shared volume that is swapped for a link while containers start (CVE-2019-19921, CVE-2021-30465)" {
    kist volume create shared >/dev/null
    kist volume create inner >/dev/null
    echo inside >"$(data inner)/f"
    mkdir "$(data shared)/x" "$BATS_TEST_TMPDIR/canary"
    ln -s "/../../../../../..$BATS_TEST_TMPDIR/canary" "$(data shared)/y"
    python3 - "$(data shared)" <<'PY' &
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
folder = os.open(sys.argv[1], os.O_RDONLY)
end, swaps = time.time() + 30, 0
while time.time() < end and not os.path.exists(sys.argv[1] + "/stop"):
    libc.renameat2(folder, b"x", folder, b"y", 2)  # RENAME_EXCHANGE
    swaps += 1
PY
    local i ok=0 refused=0
    for i in $(seq 60); do
        if kist run --rm -v shared:/s -v inner:/s/x busybox sh -c 'cat /s/x/f /s/y/f 2>/dev/null | grep -q inside' 2>/dev/null; then
            ok=$((ok + 1))
        else
            refused=$((refused + 1))
        fi
    done
    touch "$(data shared)/stop"
    wait
    echo "started $ok, refused $refused"
    [ $((ok + refused)) = 60 ]
    [ -z "$(ls -A "$BATS_TEST_TMPDIR/canary")" ]
    grep "$BATS_TEST_TMPDIR" /proc/self/mountinfo && return 1
    [ "$(ls "$(data inner)")" = f ]
}

@test "volume export and import: the same files, nothing outside, also while links are swapped (CVE-2023-0778, CVE-2025-11395)" {
    kist run --rm -v one:/data content true
    kist volume export -o "$BATS_TEST_TMPDIR/one.tar" one
    kist volume create two >/dev/null
    kist volume import two "$BATS_TEST_TMPDIR/one.tar"
    [ -z "$(diff -r --no-dereference "$(data one)" "$(data two)" | grep -v 'is a fifo')" ]
    [ -p "$(data two)/fifo" ]
    [ "$(stat -c '%u %g %a %y' "$(data one)/file")" = "$(stat -c '%u %g %a %y' "$(data two)/file")" ]
    [ "$(getfattr --only-values -n user.colour "$(data two)/file")" = red ]
    kist volume create three >/dev/null
    kist volume export one | gzip | kist volume import three -
    [ "$(cat "$(data three)/file")" = image ]
    mkdir "$BATS_TEST_TMPDIR/canary"
    ln -s "$BATS_TEST_TMPDIR/canary" "$(data two)/out"
    mkdir "$BATS_TEST_TMPDIR/t"
    mkdir "$BATS_TEST_TMPDIR/t/out"
    echo evil >"$BATS_TEST_TMPDIR/t/out/f"
    tar -cf "$BATS_TEST_TMPDIR/evil.tar" -C "$BATS_TEST_TMPDIR/t" out/f
    kist volume import two "$BATS_TEST_TMPDIR/evil.tar" || true
    [ -z "$(ls "$BATS_TEST_TMPDIR/canary")" ]
    run kist volume import nobody "$BATS_TEST_TMPDIR/one.tar"
    [ "$status" -eq 1 ]
    run kist volume export -o "$BATS_TEST_TMPDIR/none.tar" nobody
    [ "$status" -eq 1 ]
    [ ! -e "$BATS_TEST_TMPDIR/none.tar" ]
    head -c 1000 "$BATS_TEST_TMPDIR/one.tar" >"$BATS_TEST_TMPDIR/torn.tar"
    run kist volume import two "$BATS_TEST_TMPDIR/torn.tar"
    [ "$status" -eq 125 ]
    [ "$(kist volume mount one)" = "$(data one)" ]
    [ "$(kist volume unmount one)" = one ]
    kist volume create -o type=tmpfs t >/dev/null
    run kist volume export t
    [ "$status" -eq 1 ]
}

@test "cp reaches into the volumes of a container that does not run, and system prune --volumes takes what nobody uses" {
    echo new >"$BATS_TEST_TMPDIR/new"
    kist create --name web -v v:/data content sh -c 'cat /data/new /data/file' >/dev/null
    kist cp "$BATS_TEST_TMPDIR/new" web:/data/new
    [ -e "$(data v)/new" ]
    [ "$(kist start -a web)" = $'new\nimage' ]
    kist cp web:/data/file - | tar -xO | grep -q image
    kist create --name anon -v /a busybox true >/dev/null
    run kist system prune -f --volumes
    [[ "$output" == *'Deleted Volumes:'* ]]
    [ "$(kist volume ls -q)" = v ]
}

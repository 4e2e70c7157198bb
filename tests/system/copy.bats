#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# cp in every direction (SEEDS A125, A126; SECURITY rows on cp, F35): owners, links, folders, archives, mounts, hostile trees.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() {
    remember_footprint
    cd "$BATS_TEST_TMPDIR"
}
teardown() { check_footprint; }

# running NAME [OPTIONS…]: a container that waits.
running() {
    local name=$1
    shift
    kist run -d --name "$name" "$@" busybox sleep 1000 >/dev/null
}

@test "a file goes in and out of a running and of a stopped container" {
    echo hello >a
    running web
    kist create --name idle busybox sleep 1000 >/dev/null
    for name in web idle; do
        kist cp a "$name:/tmp"
        kist cp a "$name:etc/renamed"
        kist container cp "$name:/tmp/a" "out-$name"
        cmp a "out-$name"
    done
    [ "$(kist exec web cat /etc/renamed)" = hello ]
    kist start idle
    kist cp idle:/etc/renamed - | tar -xO renamed | cmp - a
}

@test "folders: into one that exists, to a new name, and contents only" {
    mkdir -p tree/sub/empty
    echo 1 >tree/one
    echo 2 >tree/sub/two
    ln -s one tree/link
    ln tree/one tree/sub/same
    running web
    kist cp tree web:/tmp
    kist cp tree web:/tmp/new
    kist cp tree/. web:/srv || { kist exec web mkdir /srv; kist cp tree/. web:/srv; }
    for at in /tmp/tree /tmp/new /srv; do
        [ "$(kist exec web cat $at/sub/two)" = 2 ]
        [ "$(kist exec web readlink $at/link)" = one ]
        [ "$(kist exec web stat -c %h $at/one)" = 2 ]
        kist exec web test -d $at/sub/empty
    done
    kist cp web:/tmp/tree back
    diff -r tree back
    kist cp web:/tmp/tree/. back2
    diff -r tree back2
    mkdir into
    kist cp web:/tmp/tree into
    diff -r tree into/tree
    kist cp web:/tmp/tree into
    [ ! -e into/tree/tree ]
}

@test "what is copied in belongs to the container's user, or to whom -a and --chown say (SEEDS A126)" {
    echo x >file
    mkdir folder && echo y >folder/inner
    chown 77:88 file folder/inner
    chmod 4755 file
    running web --user 1000:1001
    kist cp file web:/tmp/plain
    kist cp folder web:/tmp/folder
    kist cp -a file web:/tmp/archive
    kist cp --chown 5:6 file web:/tmp/chosen
    kist cp --chown root file web:/tmp/root
    [ "$(kist exec web stat -c %u:%g:%a /tmp/plain)" = 1000:1001:755 ]
    [ "$(kist exec web stat -c %u:%g /tmp/folder/inner)" = 1000:1001 ]
    [ "$(kist exec web stat -c %u:%g:%a /tmp/archive)" = 77:88:4755 ]
    [ "$(kist exec web stat -c %u:%g /tmp/chosen)" = 5:6 ]
    [ "$(kist exec web stat -c %u:%g /tmp/root)" = 0:0 ]
    kist cp web:/tmp/archive out
    [ "$(stat -c %u:%g:%a out)" = 0:0:755 ]
    kist cp -a web:/tmp/archive kept
    [ "$(stat -c %u:%g:%a kept)" = 77:88:4755 ]
    echo '{"cp-owner": "root"}' >as-root.json
    echo '{"cp-owner": "source"}' >as-source.json
    for rule in root source; do
        "$KIST" --config as-$rule.json --root "$ROOT_T/root" --runroot "$ROOT_T/run" cp file web:/tmp/by-$rule
    done
    [ "$(kist exec web stat -c %u:%g:%a /tmp/by-root /tmp/by-source)" = $'0:0:755\n77:88:755' ]
    run kist cp --chown nobody-here file web:/tmp/x
    [ "$status" -eq 125 ]
    [[ "$output" == *"nobody-here"* ]]
}

@test "times to the nanosecond, holes and user attributes are kept" {
    truncate -s 100M sparse
    printf end | dd of=sparse bs=1 seek=50000000 conv=notrunc status=none
    touch -d '2001-02-03 04:05:06.123456789' sparse
    setfattr -n user.note -v kept sparse 2>/dev/null || true
    running web
    kist cp sparse web:/var/sparse
    kist cp web:/var/sparse back
    cmp sparse back
    [ "$(stat -c %y back)" = "$(stat -c %y sparse)" ]
    [ "$(stat -c %b back)" -lt 10000 ]
    getfattr --only-values -n user.note back 2>/dev/null | grep -q kept || ! getfattr -n user.note sparse
}

@test "a link is copied as one; -L and a slash follow it; links of the target are followed" {
    mkdir real && echo in >real/file && ln -s real link && echo f >f && ln -s f flink
    running web
    kist cp link web:/tmp/kept
    [ "$(kist exec web readlink /tmp/kept)" = real ]
    kist cp -L link web:/tmp/followed
    [ "$(kist exec web cat /tmp/followed/file)" = in ]
    kist cp link/ web:/tmp/slash
    [ "$(kist exec web cat /tmp/slash/file)" = in ]
    kist exec web sh -c 'mkdir /tmp/t; ln -s /tmp/t /tmp/to-folder; ln -s t/new /tmp/to-file'
    kist cp f web:/tmp/to-folder
    kist cp f web:/tmp/to-file
    [ "$(kist exec web cat /tmp/t/f)" = f ]
    [ "$(kist exec web cat /tmp/t/new)" = f ]
}

@test "archives: - writes a tar, reads tar, gzip, zstd and xz, and gives what is unpacked to the container's user" {
    mkdir -p site/css && echo body >site/index && echo red >site/css/a
    running web --user 12:13
    for compress in cat gzip zstd xz; do
        kist exec -u 0 web rm -rf /tmp/in
        kist exec -u 0 web mkdir -m 755 /tmp/in
        tar -c site | $compress | kist cp - web:/tmp/in
        [ "$(kist exec web cat /tmp/in/site/css/a)" = red ]
        [ "$(kist exec web stat -c %u:%g /tmp/in/site/index)" = 12:13 ]
    done
    kist exec -u 0 web mkdir -m 755 /tmp/numbers
    tar -c --owner=7 --group=8 site | kist cp -a - web:/tmp/numbers
    [ "$(kist exec web stat -c %u:%g /tmp/numbers/site/index)" = 7:8 ]
    kist cp web:/tmp/in/site - | tar -x -C "$BATS_TEST_TMPDIR" --transform 's,^site,back,'
    diff -r site back
    [ "$(kist cp web:/tmp/in/site/. - | tar -t | sort | head -1)" = ./ ]
    echo truncated >whole && tar -cf t.tar whole && head -c 700 t.tar >cut.tar
    run kist cp - web:/tmp/in <cut.tar
    [ "$status" -eq 125 ]
    run kist cp - web:/tmp/no-such-folder <t.tar
    [ "$status" -eq 1 ]
}

@test "names that a layer would take for whiteouts are files like any other" {
    mkdir w && echo 1 >w/.wh.x && echo 2 >w/.wh..wh..opq
    running web
    tar -C w -c . | kist cp - web:/tmp
    [ "$(kist exec web cat /tmp/.wh.x)" = 1 ]
    [ "$(kist exec web cat /tmp/.wh..wh..opq)" = 2 ]
}

@test "what is not there, is no folder or is in the way is said, and nothing is changed" {
    echo x >file
    mkdir folder
    running web
    run -1 kist cp web:/no/such out
    [[ "$output" == *"web:/no/such"* ]]
    run -1 kist cp no-such:/etc out
    run -1 kist cp file web:/no/such/folder/x
    run -125 kist cp file web:/new/
    run -125 kist cp folder web:/etc/passwd
    run -1 kist cp file/ web:/tmp
    run -125 kist cp file other
    [[ "$output" == *"CONTAINER:PATH"* ]]
    run -125 kist cp web: out
    run -125 kist cp :x out
    kist exec web mkdir -p /tmp/file
    run -125 kist cp file web:/tmp
    [[ "$output" == *--overwrite* ]]
    kist cp --overwrite file web:/tmp
    [ "$(kist exec web cat /tmp/file)" = x ]
    mkdir motd && echo 1 >motd/in
    kist exec web touch /etc/motd
    run -125 kist cp motd web:/etc/motd
    kist cp --overwrite motd web:/etc/motd
    [ "$(kist exec web cat /etc/motd/in)" = 1 ]
}

@test "binds and tmpfs are reached, read-only ones not written; a stopped container's binds too" {
    mkdir data ro && echo d >data/file && echo new >n
    running web -v "$PWD/data:/data" -v "$PWD/ro:/ro:ro" --tmpfs /scratch
    kist cp n web:/data/n
    cmp n data/n
    kist cp n web:/scratch/
    [ "$(kist exec web cat /scratch/n)" = new ]
    kist cp web:/scratch/n from-tmpfs
    cmp n from-tmpfs
    run -125 kist cp n web:/ro
    [[ "$output" == *"ead-only"* ]]
    kist exec web cat /etc/hosts >before
    kist cp web:/etc/hosts hosts
    cmp before hosts
    echo '127.9.9.9 mine' >>hosts
    kist cp hosts web:/etc/hosts
    kist exec web cat /etc/hosts | grep -q mine
    kist create --name idle -v "$PWD/data:/data" -v "$PWD/ro:/ro:ro" busybox >/dev/null
    kist cp idle:/data/file from-idle
    cmp data/file from-idle
    echo late >late
    kist cp late idle:/data
    cmp late data/late
    run -125 kist cp n idle:/ro
}

@test "a running container with a read-only root takes nothing but into its mounts" {
    echo n >n
    running web --read-only --tmpfs /scratch
    run -125 kist cp n web:/etc/n
    kist cp n web:/scratch/n
    kist create --name idle --read-only busybox >/dev/null
    run -125 kist cp n idle:/etc/n
    [[ "$output" == *read-only* ]]
}

@test "a paused container, a device, a socket and a FIFO" {
    running web
    kist exec web mkfifo /tmp/fifo
    kist exec web mknod /tmp/null c 1 3
    kist pause web
    run kist cp web:/tmp .
    [ "$status" -eq 0 ]
    [[ "$output" == *"--archive"* ]]
    [ -p tmp/fifo ]
    [ ! -e tmp/null ]
    rm -r tmp
    kist cp -q -a web:/tmp .
    [ -c tmp/null ]
    kist unpause web
}

@test "from one container to another" {
    running a
    running b --user 9:9
    kist exec a sh -c 'mkdir /tmp/x; echo 1 >/tmp/x/one'
    kist cp a:/tmp/x b:/tmp
    [ "$(kist exec b cat /tmp/x/one)" = 1 ]
    [ "$(kist exec b stat -c %u /tmp/x/one)" = 9 ]
    kist create --name c busybox >/dev/null
    kist create --name d busybox >/dev/null
    kist cp a:/tmp/x c:/tmp
    kist cp c:/tmp/x d:/tmp/y
    kist cp d:/tmp/y/one - | tar -xO one | grep -qx 1
}

@test "links in the container never lead out of it (CVE-2018-15664, CVE-2019-10152)" {
    mkdir canary && echo secret >canary/secret
    running web
    kist exec web sh -c "ln -s $PWD/canary /tmp/out; ln -s ../../../../../../../../../$PWD/canary /tmp/up; mkdir -p $PWD/canary; echo inside >$PWD/canary/secret; ln -s /proc/self/root /tmp/magic"
    for link in out up; do
        kist cp "web:/tmp/$link/secret" got
        [ "$(cat got)" = inside ]
        echo mine >mine
        kist cp mine "web:/tmp/$link"
        [ ! -e canary/mine ]
    done
    run kist cp "web:/tmp/magic/etc/passwd" got
    [ "$status" -ne 0 ]
    tar -cf evil.tar --transform 's,^,out/,' mine
    kist cp - web:/tmp <evil.tar
    [ ! -e canary/mine ]
    python3 - <<'P'
import io, tarfile
with tarfile.open('evil2.tar', 'w') as t:
    for name, kind, link in (('l', tarfile.SYMTYPE, '/'), ('l/etc/kist-canary', tarfile.REGTYPE, ''), ('../up', tarfile.REGTYPE, '')):
        e = tarfile.TarInfo(name); e.type = kind; e.linkname = link; t.addfile(e, io.BytesIO())
P
    run kist cp - web:/tmp <evil2.tar
    [ "$status" -eq 125 ]
    [ ! -e /etc/kist-canary ]
}

@test "nothing of the container is run or loaded: fake unpackers and libraries stay untouched (CVE-2026-41567, CVE-2019-14271)" {
    running web
    kist exec web sh -c 'for p in xz gzip zstd tar unpigz; do printf "#!/bin/sh\ntouch /ran\n" >/bin/$p.new; mv /bin/$p.new /bin/$p; chmod 755 /bin/$p; done; mkdir -p /lib/x86_64-linux-gnu /lib64; for l in libnss_files.so.2 libc.so.6 libgcc_s.so.1; do echo junk >/lib/x86_64-linux-gnu/$l; echo junk >/lib64/$l; done'
    echo data >data
    tar -c data | xz -c >data.tar.xz
    kist cp - web:/tmp <data.tar.xz
    kist cp --chown root:root data web:/etc/data
    [ "$(kist exec web cat /tmp/data)" = data ]
    run kist exec web test -e /ran
    [ "$status" -eq 1 ]
}

@test "a container that swaps paths while we copy gets nothing of the host (F35)" {
    mkdir canary && echo secret >canary/secret
    before=$(find canary -printf '%p %s %m %U %T@\n')
    running web
    kist exec web sh -c "mkdir -p /tmp/d /tmp/safe $PWD/canary; echo inside >/tmp/safe/secret; echo inside >$PWD/canary/secret; ln -s $PWD/canary /tmp/link; ln -s ../../../../../../../..$PWD/canary /tmp/uplink"
    kist exec -d web sh -c 'cd /tmp; while :; do mv safe d/x; ln -s ../link safe; rm -f safe; mv d/x safe; mv safe keep; mv link safe; mv safe link; mv keep safe; done'
    echo mine >mine
    mkdir got
    for round in $(seq 60); do
        kist cp web:/tmp/safe/secret "got/f$round" 2>/dev/null || true
        kist cp web:/tmp/safe "got/d$round" 2>/dev/null || true
        kist cp mine web:/tmp/safe/mine 2>/dev/null || true
        tar -c mine | kist cp - web:/tmp/safe 2>/dev/null || true
    done
    ! grep -rq secret got || false
    [ "$(find canary -printf '%p %s %m %U %T@\n')" = "$before" ]
    [ ! -e canary/mine ]
}

@test "a container that ends while it is looked at is copied from all the same" {
    kist create --name brief busybox true >/dev/null
    for round in $(seq 20); do
        kist start brief
        kist cp brief:/etc/passwd - | tar -tf - | grep -qx passwd
    done
}

@test "copying takes no lock of a running container, and a kill leaves nothing" {
    running web
    kist exec web sh -c 'dd if=/dev/zero of=/tmp/big bs=1M count=300 2>/dev/null'
    "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" cp web:/tmp/big - >/dev/null &
    copier=$!
    kist rename web other
    kist exec other true
    kill -9 $copier 2>/dev/null || true
    wait $copier || true
    kist stop -t 0 other
    ! pgrep -f kist-unpack || false
}

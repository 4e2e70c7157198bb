#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Words of -v that change what is bound: follow (a single file that is replaced on the host), idmap (owners).
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() { check_footprint; }

@test "a single file that may be written gets a hint, once (A025)" {
    echo x >"$BATS_TEST_TMPDIR/f"
    run --separate-stderr kist run --rm -v "$BATS_TEST_TMPDIR/f:/f" busybox cat /f
    [ "$output" = x ]
    [[ "$stderr" == *'mount its folder'* ]]
    run --separate-stderr kist run --rm -v "$BATS_TEST_TMPDIR/f:/f:ro" busybox cat /f
    [ -z "$stderr" ]
    run --separate-stderr kist run --rm -v "$BATS_TEST_TMPDIR/f:/f:follow" busybox cat /f
    [ -z "$stderr" ]
}

@test "follow: a file that is replaced is seen anew, with the flags it had, also after a restart and by a new monitor (A025)" {
    local folder=$BATS_TEST_TMPDIR/host inside
    mkdir "$folder"
    echo one >"$folder/f"
    run --separate-stderr kist run -d --name c -v "$folder/f:/etc/my.conf:follow,ro,nosuid" busybox sh -c 'exec 3</etc/my.conf; sleep 1000'
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    # As an editor does.
    echo two >"$folder/.f.new" && mv "$folder/.f.new" "$folder/f"
    wait_until 10 inside_is two
    inside=$(kist exec c grep ' /etc/my.conf ' /proc/self/mountinfo)
    [ "$(wc -l <<<"$inside")" -eq 1 ]
    [[ "$inside" == *ro,nosuid* ]]
    [ "$(kist events --stream=false --filter container=c --filter event=remount --format '{{.Actor.Attributes.destination}}')" = /etc/my.conf ]
    # Removed: the container keeps the last one; made anew: it gets that.
    rm "$folder/f"
    [ "$(kist exec c cat /etc/my.conf)" = two ]
    echo three >"$folder/f"
    wait_until 10 inside_is three
    # Replaced while no monitor looks.
    kill_monitor c
    echo four >"$folder/.f.new" && mv "$folder/.f.new" "$folder/f"
    kist pause c >/dev/null && kist unpause c >/dev/null
    wait_until 10 inside_is four
    echo five >"$folder/.f.new" && mv "$folder/.f.new" "$folder/f"
    wait_until 10 inside_is five
    kist restart -t 0 c >/dev/null
    echo six >"$folder/.f.new" && mv "$folder/.f.new" "$folder/f"
    wait_until 10 inside_is six
}
inside_is() { [ "$(kist exec c cat /etc/my.conf)" = "$1" ]; }

@test "follow: many replacements at once end with the last one, and what the container has put there stays" {
    local folder=$BATS_TEST_TMPDIR/host i
    mkdir "$folder"
    echo 0 >"$folder/f"
    kist run -d --name c --cap-add SYS_ADMIN --mount "type=bind,src=$folder/f,dst=/etc/my.conf,follow" busybox sleep 1000 >/dev/null
    for i in $(seq 300); do echo "$i" >"$folder/new" && mv "$folder/new" "$folder/f"; done
    wait_until 10 inside_is 300
    [ "$(kist exec c grep -c ' /etc/my.conf ' /proc/self/mountinfo)" -eq 1 ]
    kist exec c umount /etc/my.conf
    echo other >"$folder/new" && mv "$folder/new" "$folder/f"
    wait_until 10 eval '[[ "$(kist events --stream=false --filter container=c --filter event=remount)" == *"something else"* ]]'
    [ -z "$(kist exec c cat /etc/my.conf)" ]
}

@test "follow is for a single file of the host, one that exists" {
    echo x >"$BATS_TEST_TMPDIR/f"
    run -125 kist run --rm -v data:/v:follow busybox true
    [[ "$output" == *'only valid for a file of the host'* ]]
    run -125 kist run --rm -v "$BATS_TEST_TMPDIR:/v:follow" busybox true
    [[ "$output" == *'for a single file'* ]]
    run -125 kist run --rm -v "$BATS_TEST_TMPDIR/none:/v:follow" busybox true
    [[ "$output" == *'does not exist'* ]]
    [ ! -e "$BATS_TEST_TMPDIR/none" ]
    run -125 kist run --rm -v "$BATS_TEST_TMPDIR/f:/v:follow,O" busybox true
    [[ "$output" == *"'O' contradicts 'follow'"* ]]
}

@test "idmap with @: ids of the container, wherever its user namespace begins" {
    local folder=$BATS_TEST_TMPDIR/host
    mkdir "$folder"
    echo x >"$folder/f"
    chown 2000:2001 "$folder/f"
    # The file's 2000 is the container's 1, which is the host's 1001 and 5000, two ranges.
    local maps=(--uidmap 0:1000:2 --uidmap 2:5000:10)
    run kist run --rm "${maps[@]}" -v "$folder:/v:idmap=uids=@2000-1-5;gids=@2001-3-1" busybox sh -c 'stat -c %u:%g /v/f'
    echo "$output"
    [ "$output" = 1:3 ]
    kist create --name c "${maps[@]}" -v "$folder:/v:idmap=uids=@2000-1-5;gids=@2001-3-1" busybox stat -c %u:%g /v/f >/dev/null
    [ "$(kist start -a c)" = 1:3 ]
    # What the container makes as user 4 belongs to the host's user 2003.
    run kist run --rm "${maps[@]}" --user 4:3 -v "$folder:/v:idmap=uids=@2000-1-5;gids=@2001-3-1" busybox touch /v/g
    [ "$status" -eq 1 ] # the folder's owner is nobody of the container's: the kernel lets no one write
    chown 2000:2001 "$folder"
    chmod 775 "$folder"
    kist run --rm "${maps[@]}" --user 4:3 -v "$folder:/v:idmap=uids=@2000-1-5;gids=@2001-3-1" busybox touch /v/g
    [ "$(stat -c %u:%g "$folder/g")" = 2003:2001 ]
    [ "$(kist run --rm --userns auto --mount "type=bind,src=$folder,dst=/v,idmap=uids=@2000-0-1" busybox stat -c %u /v/f)" = 0 ]
    run -125 kist run --rm -v "$folder:/v:idmap=uids=@2000-1-5" busybox true
    [[ "$output" == *"mounting on '/v': '@' in idmap is for a container with a user namespace of its own"* ]]
    run -125 kist run --rm "${maps[@]}" -v "$folder:/v:idmap=uids=@2000-1-50" busybox true
    [[ "$output" == *"mounting on '/v': idmap: the container has no id 12"* ]]
}

@test "idmap: owners as ranges say, and words that say nothing are refused" {
    local folder=$BATS_TEST_TMPDIR/host
    mkdir "$folder"
    echo x >"$folder/f"
    chown 1000:1001 "$folder/f"
    run kist run --rm -v "$folder:/v:idmap=uids=1000-7-1#0-0-1;gids=1001-8-1#0-0-1" busybox sh -c 'stat -c %u:%g /v/f; touch /v/g'
    [ "$output" = 7:8 ]
    [ "$(stat -c %u:%g "$folder/g")" = 0:0 ]
    [ "$(kist run --rm --mount "type=bind,src=$folder,dst=/v,idmap=uids=1000-7-1" busybox stat -c %u /v/f)" = 7 ]
    run -125 kist run --rm -v "$folder:/v:idmap" busybox true
    [[ "$output" == *'with a user namespace'* ]]
    local bad
    for bad in uids=1-2 uids=1-2-0 uids=a-b-c uids=@ uids=@1-2 uids=1-@2-3 uids=-1-2-3 pids=1-2-3 'uids=1-2-3#1-9-3' uids=; do
        run -125 kist run --rm -v "$folder:/v:idmap=$bad" busybox true
    done
}

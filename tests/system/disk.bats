#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A disk that is full, read-only or damaged, and a user who is not root: clear words, nothing half made, and the commands
# that look or free space go on working.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() {
    remember_footprint
    D=
}
teardown() {
    if [ -n "${D:-}" ]; then
        mount -o remount,rw "$D" 2>/dev/null || true
        rm -f "$D/filler"
        on_disk rm -af -t 0 >/dev/null 2>&1 || true
        on_disk network prune -f || true
        umount "$D" && rmdir "$D"
    fi
    check_footprint
}

# small_disk: a store of its own on 24 MB.
small_disk() {
    D=$(mktemp -d /tmp/kist-disk.XXXXXX)
    mount -t tmpfs -o size=24m,nr_inodes=4000 tmpfs "$D"
    on_disk import -q "$ROOT_T/busybox.tar" busybox >/dev/null
    on_disk create --name kept busybox true >/dev/null
}
on_disk() { "$KIST" --config "$ROOT_T/kist.json" --root "$D/root" --runroot "$ROOT_T/run-disk" "$@"; }
fill() { head -c 100M /dev/zero >"$D/filler" 2>/dev/null || true; }
listing() { (cd "$D/root" && find . | sort); }

# refused COMMAND…: exit 125, one line that says why.
refused() {
    local why=$1
    shift
    run --separate-stderr on_disk "$@"
    echo "$*: status $status: $stderr"
    [ "$status" -eq 125 ] || [ "$status" -eq 1 ]
    [[ "$stderr" =~ ^kist:\ .*($why) ]]
}

@test "a full disk: what needs space fails and leaves nothing, what looks or frees works" {
    small_disk
    on_disk volume create old >/dev/null
    on_disk run --rm -v old:/v busybox sh -c 'echo data >/v/f'
    fill
    local before
    before=$(listing)
    refused "No space left on device" create --name new busybox true
    refused "No space left on device" volume create new
    refused "No space left on device" create --name new -v new:/v -v /anon busybox true
    refused "No space left|room for" import -q "$ROOT_T/busybox.tar" second
    kist save -o "$BATS_TEST_TMPDIR/saved.tar" busybox
    refused "No space left|room for" load -q -i "$BATS_TEST_TMPDIR/saved.tar"
    [ "$(listing)" = "$before" ] || { diff <(echo "$before") <(listing); return 1; }
    [ "$(on_disk ps -aq | wc -l)" = 1 ]
    on_disk inspect kept >/dev/null
    on_disk images -q >/dev/null
    on_disk info >/dev/null
    on_disk volume ls -q >/dev/null
    on_disk volume inspect old >/dev/null
    on_disk system check
    on_disk rm kept
    on_disk volume rm old
    [ "$(on_disk ps -aq | wc -l)" = 0 ]
    on_disk rmi busybox
    rm "$D/filler"
    on_disk import -q "$ROOT_T/busybox.tar" busybox >/dev/null
    [ "$(on_disk run --rm busybox echo again)" = again ]
}

@test "a disk that fills up while a container runs: it goes on, and can be stopped and removed" {
    small_disk
    on_disk run -d --name busy busybox sh -c 'while :; do echo line; usleep 1000; done' >/dev/null
    fill
    sleep 1
    [ "$(on_disk inspect -f '{{.State.Running}}' busy)" = true ]
    on_disk exec busy true
    on_disk stop -t 0 busy
    on_disk rm busy
}

@test "no inodes left is a full disk too" {
    small_disk
    local i=0
    while : >"$D/f$i"; do i=$((i + 1)); done 2>/dev/null
    refused "No space left on device" create --name new busybox true
    rm -f "$D"/f*
    on_disk run --rm busybox true
}

@test "a read-only disk: what looks works, what writes says so" {
    small_disk
    mount -o remount,ro "$D"
    [ "$(on_disk ps -aq | wc -l)" = 1 ]
    on_disk inspect kept >/dev/null
    on_disk images -q >/dev/null
    refused "Read-only file system" create --name new busybox true
    refused "Read-only file system" start kept
    refused "Read-only file system" import -q "$ROOT_T/busybox.tar" second
    refused "Read-only file system" rm kept
    mount -o remount,rw "$D"
    on_disk rm kept
}

# damage FILE: its bytes are there, but other ones.
damage() { /usr/bin/python3 -c 'import sys; p = sys.argv[1]; d = bytearray(open(p, "rb").read()); d[len(d) // 2] ^= 1; open(p, "wb").write(d)' "$1"; }

@test "a damaged container record is named, harms no other, and rm -f removes it" {
    local bad file
    for file in config.json exit.json; do
        kist run --name good busybox true
        kist run --name bad busybox true
        bad=$(kist inspect -f '{{.Id}}' bad)
        rm -rf "$ROOT_T/run/containers/$bad" # state.json of this boot would hide exit.json
        case $file in
        config.json) : >"$ROOT_T/root/containers/$bad/config.json" ;; # torn: no bytes
        *) damage "$ROOT_T/root/containers/$bad/$file" ;;
        esac
        [ "$(kist ps -aq | wc -l)" = 2 ]
        [ "$(kist ps -a --format '{{.Names}}' | sort | tr '\n' ' ')" = "bad good " ]
        run --separate-stderr kist start bad
        echo "$stderr"
        [ "$status" -ne 0 ]
        [[ "$stderr" = *"$file"* ]]
        kist start good
        kist rm -f bad
        kist rm good
        [ ! -e "$ROOT_T/root/containers/$bad" ]
    done
}

@test "damaged state of a running container: it can be seen, ended and removed" {
    local id
    id=$(kist run -d --name web busybox sleep 1000)
    echo '{"schema":1,' >"$ROOT_T/run/containers/$id/state.json"
    [ "$(kist ps -q --no-trunc)" = "$id" ]
    kist rm -f web
    [ -z "$(kist ps -aq)" ]
}

@test "a damaged image or layer record is named, and the image can be removed and imported again" {
    local other="$ROOT_T/other" file
    kist_other() { "$KIST" --root "$other/root" --runroot "$other/run" "$@"; }
    for kind in images layers; do
        rm -rf "$other"; mkdir -p "$other"
        kist_other import -q "$ROOT_T/busybox.tar" busybox >/dev/null
        file=$(find "$other/root/$kind" -name '*.json' | head -1)
        [ -n "$file" ]
        echo '{' >"$file"
        run --separate-stderr kist_other run --rm busybox true
        echo "$kind: $status: $stderr"
        [ "$status" -eq 125 ]
        [[ "$stderr" = *"kist: "*".json"* ]]
        kist_other rmi -f busybox || true
        kist_other import -q "$ROOT_T/busybox.tar" busybox >/dev/null
        kist_other run --rm busybox true
        kist_other network prune -f
    done
    rm -rf "$other"
}

@test "a store that is not ours, or newer, is refused" {
    local other="$ROOT_T/other"
    mkdir -p "$other/root"; echo data >"$other/root/precious"
    run --separate-stderr "$KIST" --root "$other/root" --runroot "$other/run" ps
    [ "$status" -eq 125 ]
    echo "$stderr"
    [[ "$stderr" = *"$other/root"* ]]
    [ "$(ls "$other/root")" = precious ]
    rm -rf "$other"
}

@test "without root a command says so, and reads nothing" {
    chmod 755 "$ROOT_T"
    cp "$KIST" "$ROOT_T/kist-copy" # the build folder may be closed to others
    local word
    for word in "ps" "run busybox true" "images" "info" "rm -af" "exec web true"; do
        run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups "$ROOT_T/kist-copy" --root "$ROOT_T/root" --runroot "$ROOT_T/run" $word
        echo "$word: $status: $stderr"
        [ "$status" -eq 125 ]
        [[ "$stderr" = "kist: "*"root"* ]]
    done
    setpriv --reuid 65534 --regid 65534 --clear-groups "$ROOT_T/kist-copy" --version
    rm "$ROOT_T/kist-copy"
}

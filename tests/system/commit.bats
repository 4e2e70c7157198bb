#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# diff, image diff, export, commit: what a container changed, seen, taken out, and made an image of.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() {
    remember_footprint
    cd "$BATS_TEST_TMPDIR"
}
teardown() {
    kist images -q --no-trunc --filter label=test=1 | sort -u | xargs -r -n1 "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" rmi -f >/dev/null
    check_footprint # last: its failure is the test's
}

changed() { # NAME: a container that adds, changes, deletes, replaces
    kist run --name "$1" busybox sh -c 'mkdir -p /opt/new; echo 1 >/opt/new/file; chown 5:6 /opt/new/file; chmod 4755 /opt/new/file; echo changed >>/etc/passwd; rm /etc/group; rm -r /usr; mkdir /usr; echo u >/usr/mine; ln -s file /opt/new/link'
}

@test "a container that wrote nothing has no changes, whatever was mounted in it" {
    mkdir data
    kist run --name quiet -v "$PWD/data:/made/for/this" --tmpfs /scratch busybox true
    [ -z "$(kist diff quiet)" ]
    kist create --name never busybox >/dev/null
    [ -z "$(kist diff never)" ]
}

@test "diff shows what was added, changed and deleted, sorted, as lines and as JSON" {
    changed c
    kist diff c >lines
    for line in 'A /opt' 'A /opt/new' 'A /opt/new/file' 'A /opt/new/link' 'C /etc' 'C /etc/passwd' 'D /etc/group' 'C /usr' 'A /usr/mine'; do
        grep -qx "$line" lines || { echo "missing: $line"; cat lines; false; }
    done
    ! grep -E ' /(dev|proc|sys)' lines || false
    grep -q '^D /usr/' lines
    sed 's/^. //' lines | tr / '\001' | LC_ALL=C sort -c
    kist container diff --format json c | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert "/opt/new/file" in d["added"] and "/etc/passwd" in d["changed"] and "/etc/group" in d["deleted"], d'
    run -125 kist diff --format yaml c
    run -1 kist diff no-such
    kist run -d --name runs busybox sh -c 'echo x >/x; sleep 1000'
    wait_until 5 kist exec runs test -s /x
    [ "$(kist diff runs)" = "A /x" ]
}

@test "commit makes an image with the container's files and configuration" {
    changed c
    id=$(kist commit -a 'A. Author' -m 'by commit' -c 'LABEL test=1' -c 'ENV X=1' -c 'CMD ["cat", "/opt/new/file"]' --iidfile id c made:one)
    [ "$(cat id)" = "$id" ]
    [ "$(kist images -q --no-trunc made:one)" = "$id" ]
    [ "$(kist run --rm made:one)" = 1 ]
    [ "$(kist run --rm made:one sh -c 'echo $X; stat -c %u:%g:%a /opt/new/file; readlink /opt/new/link; ls /usr; test -e /etc/group || echo gone')" = $'1\n5:6:4755\nfile\nmine\ngone' ]
    kist history --no-trunc made:one | grep -q 'by commit'
    [ "$(kist image inspect --format '{{.Author}}' made:one)" = 'A. Author' ]
    kist image diff made:one >top
    kist diff c >container
    cmp top container
    [ -z "$(kist diff c made:one)" ]
    run kist commit c 'Not A Name'
    [ "$status" -eq 125 ]
    run kist commit -c 'NONSENSE x' c
    [ "$status" -eq 125 ]
    run -1 kist commit no-such
}

@test "what was committed is saved and loaded with the same digests, also by others" {
    changed c
    id=$(kist commit -q -c 'LABEL test=1' c same:one)
    for format in docker-archive oci-archive; do
        kist save --format $format -o "$format.tar" same:one
    done
    kist rm c
    kist rmi same:one
    for format in docker-archive oci-archive; do
        kist load -q -i "$format.tar"
        [ "$(kist images -q --no-trunc same:one)" = "$id" ]
        kist rmi same:one
    done
    if command -v skopeo >/dev/null; then
        skopeo copy --insecure-policy -q "docker-archive:docker-archive.tar:docker.io/library/same:one" "oci:$PWD/oci:x"
        skopeo inspect --config "oci:$PWD/oci:x" | grep -q diff_ids
    fi
}

@test "a committed image is committed again; --squash makes one layer of all" {
    changed c
    kist commit -c 'LABEL test=1' c twice:one >/dev/null
    kist run --name d twice:one sh -c 'echo two >/two; rm -r /opt'
    kist commit d twice:two >/dev/null
    [ "$(kist image inspect --format '{{len .RootFS.Layers}}' twice:two)" = 3 ]
    kist run --rm twice:two sh -c 'test ! -e /opt && cat /two /usr/mine' >got
    printf 'two\nu\n' | cmp - got
    kist commit --squash d twice:flat >/dev/null
    [ "$(kist image inspect --format '{{len .RootFS.Layers}}' twice:flat)" = 1 ]
    kist run --rm twice:flat sh -c 'test ! -e /opt && cat /two /usr/mine' | cmp - got
    ! kist image diff twice:flat twice:two | grep -E ' /(two|usr|opt|bin)' || false # but what was made to mount on is in it
}

@test "commit pauses a running container meanwhile and not longer; a paused one stays paused" {
    kist run -d --name web busybox sh -c 'echo x >/x; sleep 1000'
    wait_until 5 kist exec web test -s /x
    kist commit -c 'LABEL test=1' web live >/dev/null
    [ "$(kist inspect --format '{{.State.Status}}' web)" = running ]
    kist commit --pause=false web live >/dev/null
    kist commit --no-pause web live >/dev/null
    kist pause web
    kist commit web live >/dev/null
    [ "$(kist inspect --format '{{.State.Status}}' web)" = paused ]
    kist unpause web
    [ "$(kist run --rm live cat /x)" = x ]
}

@test "a commit that is killed lets the container go on, and one whose container's monitor is killed makes no image" {
    kist run -d --name web busybox sh -c 'dd if=/dev/urandom of=/big bs=1M count=200 2>/dev/null; touch /done; sleep 1000' >/dev/null
    wait_until 30 kist exec web test -e /done
    begin_commit() {
        "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" commit web half >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
        wait_until 5 has State.Status web paused
        kill -STOP $!
    }
    begin_commit
    kill -KILL $!
    wait_until 5 has State.Status web running
    begin_commit
    kill_monitor web
    kist exec web true # the first command that wants something of it has it taken over
    has State.Status web running
    kill -CONT $!
    local status=0
    wait $! || status=$?
    [ "$status" -eq 125 ]
    grep -q 'its monitor was killed' "$BATS_TEST_TMPDIR/said"
    run kist image inspect half
    [ "$status" -ne 0 ]
    # the user's own pause is kept by whoever takes over
    kist pause web
    kill_monitor web
    run kist exec web true
    [ "$status" -ne 0 ]
    has State.Status web paused
    kist unpause web
    # two at once: the first that is done does not let the container go
    begin_commit
    kist commit web whole >/dev/null
    has State.Status web paused
    kill -CONT $!
    wait $!
    has State.Status web running
    run kist image inspect half
    [ "$status" -eq 0 ]
    kist rmi half whole >/dev/null
    kist commit web last >/dev/null # sweeps away what the killed one was working on
}

@test "--format docker, --config and --include-volumes" {
    mkdir data
    kist create --name c -v "$PWD/data:/data" busybox >/dev/null
    echo '{"Cmd": ["echo", "from file"], "Env": ["B=2"]}' >config.json
    kist commit -f docker --config config.json --include-volumes -c 'LABEL test=1' c other >/dev/null
    [ "$(kist run --rm other)" = 'from file' ]
    kist image inspect --format '{{json .Config.Volumes}}' other | grep -q '"/data"'
    [ "$(kist save other | tar -xO manifest.json | grep -c Layers)" = 1 ]
    run -125 kist commit -f rpm c
    run -125 kist commit --config no-such.json c
    echo '{broken' >config.json
    run -125 kist commit --config config.json c
}

@test "export gives all files but what is mounted; import makes an image of it" {
    changed c
    kist run -d --name runs -v "$PWD:/data" busybox sh -c 'mkdir -p /a; echo x >/a/x; ln /a/x /a/y; sleep 1000'
    wait_until 5 kist exec runs test -e /a/y
    for name in c runs; do
        kist export -o "$name.tar" "$name"
        kist export "$name" | tar -t >/dev/null
    done
    tar -tvf c.tar opt/new/file | grep -q '^-rwsr-xr-x 5/6'
    ! tar -tf c.tar | grep -qx etc/group || false
    tar -tvf runs.tar a/y | grep -q 'link to a/x'
    ! tar -tf runs.tar | grep -q '^data/.' || false
    ! tar -tf runs.tar | grep -q '^proc/.' || false
    kist import -q -c 'LABEL test=1' c.tar flat >/dev/null
    [ "$(kist run --rm flat cat /opt/new/file)" = 1 ]
    run -1 kist export no-such
    run -125 kist export -o /no/such/folder/x c
}

@test "the vfs driver finds and commits the same changes" {
    vfs() { "$KIST" --config "$ROOT_T/kist.json" --root "$PWD/vroot" --runroot "$PWD/vrun" --storage-driver vfs "$@"; }
    vfs import -q "$ROOT_T/busybox.tar" busybox >/dev/null
    vfs run --name c busybox sh -c 'mkdir -p /opt/new; echo 1 >/opt/new/file; echo changed >>/etc/passwd; rm /etc/group'
    vfs diff c >lines
    printf 'C /etc\nD /etc/group\nC /etc/passwd\nA /opt\nA /opt/new\nA /opt/new/file\n' | cmp - lines
    vfs commit c made >/dev/null
    [ "$(vfs run --rm made sh -c 'cat /opt/new/file; test -e /etc/group || echo gone')" = $'1\ngone' ]
    echo n >n
    vfs cp n c:/n
    vfs cp c:/n back
    cmp n back
    vfs export c | tar -t | grep -qx opt/new/file
    vfs rm -af >/dev/null
    vfs network prune -f >/dev/null
}

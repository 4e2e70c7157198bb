#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# system check: each thing on disk damaged in turn; found, named, mended where that loses nothing, and the others unharmed.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() {
    remember_footprint
    kist create --name good -v keep:/v busybox true >/dev/null
}
teardown() {
    kist system check --repair >/dev/null || true
    kist rm -af -t 0 >/dev/null
    kist volume rm -af >/dev/null
    kist image exists busybox || kist import --quiet --change 'CMD ["sh"]' "$ROOT_T/busybox.tar" busybox >/dev/null
    check_footprint
}

# finds PATTERN: a check exits with 1 and says it; nothing is changed by it.
finds() {
    run kist system check
    [ "$status" -eq 1 ]
    [[ "$output" == *$1* ]] || { echo "$output"; return 1; }
    run kist system check
    [ "$status" -eq 1 ]
}
# mends PATTERN: the same, and after --repair there is nothing left to find.
mends() {
    finds "$1"
    run kist system check --repair
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    [[ "$output" == *$1*'(repaired)'* ]]
    run kist system check
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
}
container() { kist inspect -f '{{.Id}}' "$1"; }
record() { echo "$ROOT_T/root/containers/$(container "$1")/$2"; }
flip() { printf 'X' | dd of="$1" bs=1 seek="${2:-20}" conv=notrunc status=none; }

@test "nothing is wrong with a store in use" {
    kist run -d --name up busybox sleep 1000 >/dev/null
    run kist system check
    [ "$status" -eq 0 ]
    [[ "$output" == 'checked: 2 containers, 2 content, 1 images, 1 layers, 3 names, 1 volumes' ]] || { echo "$output"; false; }
    kist system check --json | jq -e '.Problems == [] and .Checked.containers == 2'
}

@test "a damaged config.json is named; rm -f removes it, and the others are unharmed" {
    kist create --name bad busybox true >/dev/null
    flip "$(record bad config.json)"
    finds config.json
    run kist system check --repair
    [ "$status" -eq 1 ]
    [[ "$output" == *'not repairable'*'kist rm --force'* ]]
    kist rm -f bad
    kist system check
    kist start good
}

@test "a damaged exit.json is set aside, and the container can be started again" {
    kist run --name bad busybox true
    flip "$(record bad exit.json)"
    rm -f "$ROOT_T/run/containers/$(container bad)/state.json"
    mends exit.json
    [ -e "$(record bad exit.json.damaged)" ]
    [ "$(kist inspect -f '{{.State.Status}} {{.State.ExitCode}}' bad)" = 'exited 255' ]
    kist start -a bad
}

@test "damaged state.json and started.json" {
    kist run --name bad busybox true
    flip "$ROOT_T/run/containers/$(container bad)/state.json"
    mends state.json
    [ "$(kist inspect -f '{{.State.Status}}' bad)" = exited ]
    printf 'nonsense' >"$(record bad started.json)"
    mends started.json
}

@test "names: missing, of nobody, of another" {
    rm "$ROOT_T/root/containers/names/good"
    mends 'its name leads nowhere'
    kist start good
    ln -s "$(printf 'a%.0s' $(seq 64))" "$ROOT_T/root/containers/names/ghost"
    mends "name 'ghost'"
    ln -s nonsense "$ROOT_T/root/containers/names/odd"
    mends "name 'odd'"
    ln -s "$(container good)" "$ROOT_T/root/containers/names/second"
    mends "its container is called 'good'"
}

@test "a folder without a record, and a mark of work that nobody does" {
    local id
    id=$(printf 'b%.0s' $(seq 64))
    mkdir "$ROOT_T/root/containers/$id"
    mends 'interrupted'
    [ ! -e "$ROOT_T/root/containers/$id" ]
}

@test "rm --all and container cleanup --all take what interrupted creates and removals have left" {
    local folders=$ROOT_T/root/containers id command
    id=$(printf 'b%.0s' $(seq 64))
    for command in "rm --all" "container cleanup --all"; do
        mkdir "$folders/$id"
        ln -s "$id" "$folders/names/ghost"
        kist $command
        [ ! -e "$folders/$id" ]
        [ ! -L "$folders/names/ghost" ]
    done
}

@test "a layer whose file was changed, truncated or lost is found; it and its image go, and a load brings them back" {
    kist rm -f good >/dev/null
    kist save -o "$BATS_TEST_TMPDIR/image.tar" busybox
    local layer how
    for how in 'flip FILE 100' 'truncate -s 10 FILE' 'rm FILE'; do
        layer=$(echo "$ROOT_T"/root/layers/*/diff)
        eval "${how//FILE/$layer/bin/busybox}"
        finds 'layer '
        run kist system check --repair
        [ "$status" -eq 0 ]
        run kist image exists busybox
        [ "$status" -eq 1 ]
        kist system check
        kist load -i "$BATS_TEST_TMPDIR/image.tar" >/dev/null
        [ "$(kist run --rm busybox echo whole)" = whole ]
    done
    kist system check
}

@test "a damaged layer that a container uses is kept, and the container named as what is in the way" {
    local layer
    layer=$(echo "$ROOT_T"/root/layers/*/diff)
    flip "$layer/bin/busybox" 100
    run kist system check --repair
    [ "$status" -eq 1 ]
    [[ "$output" == *'a container uses it'* ]]
    [ -e "$layer" ]
    kist system check --quick --repair >/dev/null || true
    kist rm good >/dev/null
    kist system check --repair
}

@test "--force removes the containers that keep what is damaged, and theirs are the last" {
    local layer
    kist create --name bad busybox true >/dev/null
    kist run --name data -v keep:/v busybox sh -c 'echo x >/v/f'
    layer=$(echo "$ROOT_T"/root/layers/*/diff)
    flip "$layer/bin/busybox" 100
    flip "$(record bad config.json)"
    run kist system check --force
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"container 'good'"*'removed'* ]]
    [ ! -e "$layer" ]
    [ -z "$(kist ps -aq)" ]
    kist system check
    kist volume exists keep
}

@test "a damaged or lost layer record, image record, configuration, manifest: the image goes, and comes back by a load" {
    kist rm -f good >/dev/null
    kist save -o "$BATS_TEST_TMPDIR/image.tar" busybox
    local file id
    for file in layers/*/layer.json 'images/[0-9a-f]*.json' 'content/sha256/*'; do
        id=$(kist images -q --no-trunc busybox)
        flip "$(echo "$ROOT_T"/root/$file | cut -d ' ' -f 1)"
        run kist system check
        [ "$status" -eq 1 ]
        run kist system check --repair
        [ "$status" -eq 0 ] || { echo "$file: $output"; return 1; }
        kist system check
        kist load -i "$BATS_TEST_TMPDIR/image.tar" >/dev/null
        [ "$(kist run --rm busybox echo whole)" = whole ]
        kist system check
    done
}

@test "a name of an image that does not exist, a layer and a blob that nothing uses" {
    ln -s "sha256:$(printf 'a%.0s' $(seq 64)) docker.io/library/ghost:latest" "$ROOT_T/root/images/names/docker.io+library+ghost:latest"
    mends "name 'ghost:latest'"
    echo junk >"$ROOT_T/root/content/sha256/$(printf 'c%.0s' $(seq 64))"
    mends 'no image uses it'
}

@test "--max: layers that nothing uses are left over once they are that old" {
    local id layer
    tar -cf "$BATS_TEST_TMPDIR/one.tar" -C "$BATS_TEST_DIRNAME" check.bats
    id=$(kist import -q "$BATS_TEST_TMPDIR/one.tar" one)
    layer=$(ls -t "$ROOT_T/root/layers" | head -1)
    rm "$ROOT_T/root/images/${id#sha256:}.json" "$ROOT_T/root/images/names/docker.io+library+one:latest"
    run -0 kist system check --max 1h --repair # the blobs go, the layer may still be wanted
    [[ "$output" != *'no image and no container uses it'* ]]
    [ -d "$ROOT_T/root/layers/$layer" ]
    touch -d '2 hours ago' "$ROOT_T/root/layers/$layer"
    run -0 kist system check --max 3h
    run -1 kist system check --max 1h
    [[ "$output" == *"'sha256:$layer': no image and no container uses it (repairable)"* ]]
    run -0 kist system check --max 1h30m --repair
    [ ! -e "$ROOT_T/root/layers/$layer" ]
    run -125 kist system check --max tomorrow
    [[ "$output" == *"invalid value 'tomorrow' for --max"* ]]
    run -125 kist system check --max -1h
}

@test "volumes: a damaged record is made anew where the data are, missing data are named" {
    kist volume create full >/dev/null
    echo data >"$ROOT_T/root/volumes/full/_data/f"
    flip "$ROOT_T/root/volumes/full/volume.json"
    mends volume.json
    [ "$(kist run --rm -v full:/v busybox cat /v/f)" = data ]
    kist volume create empty >/dev/null
    flip "$ROOT_T/root/volumes/empty/volume.json"
    finds 'not repairable'
    kist volume rm empty
    kist volume create lost >/dev/null
    rmdir "$ROOT_T/root/volumes/lost/_data"
    finds 'its data are missing'
    kist volume rm lost
    mkdir "$ROOT_T/root/volumes/.tmp-0123"
    mends 'left by a volume create or rm'
    rm -r "$ROOT_T/root/volumes/keep"
    finds "volume 'keep' is missing"
    kist volume create keep
    kist system check
}

@test "what a killed load has left" {
    mkdir "$ROOT_T/root/tmp/abandoned"
    mends 'left by a load'
}

@test "a damaged image or container does not stop commands on the others" {
    kist tag busybox second
    kist create --name bad busybox true >/dev/null
    flip "$(record bad config.json)"
    [ "$(kist run --rm busybox echo works)" = works ]
    [ "$(kist ps -a --format '{{.Names}}' | sort)" = $'bad\ngood' ]
    kist rm -f bad
}

@test "a flipped bit, an empty file, a torn file: each is found in each record, and nothing crashes (F25)" {
    kist run --name ended busybox true
    local file size offset how count=0 keep=$BATS_TEST_TMPDIR/keep
    for file in "$(record good config.json)" "$(record ended exit.json)" "$ROOT_T/run/containers/$(container ended)/state.json" \
        "$ROOT_T/root/volumes/keep/volume.json" "$ROOT_T"/root/layers/*/layer.json "$ROOT_T"/root/images/*.json; do
        cp -p "$file" "$keep"
        size=$(stat -c %s "$file")
        for how in empty half $(seq 1 $((size / 7 + 1)) $((size - 2))); do
            case $how in
            empty) : >"$file" ;;
            half) head -c $((size / 2)) "$keep" >"$file" ;;
            *) python3 -c 'import sys; f = open(sys.argv[1], "r+b"); f.seek(int(sys.argv[2])); b = f.read(1); f.seek(-1, 1); f.write(bytes([b[0] ^ 4]))' "$file" "$how" ;;
            esac
            run kist system check --quick
            [ "$status" -eq 1 ] || { echo "$file $how: exit $status: $output"; return 1; }
            run kist ps -a
            [ "$status" -eq 0 ] || { echo "$file $how: ps: $output"; return 1; }
            cp -p "$keep" "$file"
            count=$((count + 1))
        done
        kist system check --quick
    done
    [ "$count" -ge 45 ]
}

@test "each file and folder of the store taken away in turn: told, harms nothing else, and is mended or goes (F26)" {
    kist import -q "$ROOT_T/busybox.tar" second >/dev/null
    kist run --name ended busybox true
    kist stop -t 0 good >/dev/null 2>&1 || true
    local path bad=0 count=0 words keep=$BATS_TEST_TMPDIR/keep
    # Bounded and clean: an answer or a reason, never a crash.
    clean() {
        run timeout "$(at_most 20)" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" "$@"
        case $status in 0 | 1 | 125) ;; *) echo "without $path: $*: exit $status: $output"; bad=1 ;; esac
    }
    rm -rf "$ROOT_T"/root/events.log
    cp -a "$ROOT_T/root" "$keep"
    cd "$ROOT_T/root"
    while read -r path; do
        count=$((count + 1))
        rm -rf "${path:?}"
        for words in 'ps -a' images 'volume ls' 'system df' 'inspect good' 'start ended' 'run --rm second true'; do
            clean $words
        done
        clean system check --repair
        # What cannot be mended goes, and then all is well.
        kist rm -af -t 0 >/dev/null || { echo "without $path: rm -af failed"; bad=1; }
        clean volume rm -af
        clean rmi -af
        run kist system check --repair
        [ "$status" -eq 0 ] || { echo "without $path: in the end: $output"; bad=1; }
        run kist import -q "$ROOT_T/busybox.tar" again
        [ "$status" -eq 0 ] && [ "$(kist run --rm again echo works)" = works ] || { echo "without $path: no new image: $output"; bad=1; }
        kist network prune -f >/dev/null || bad=1 # without the network's record its bridge was another one
        cd /
        rm -rf "$ROOT_T/root" "$ROOT_T/run"
        cp -a "$keep" "$ROOT_T/root"
        cd "$ROOT_T/root"
    done < <(find . -mindepth 1 \( -path './layers/*/diff/*' -o -path './tmp/*' -o -name .kist \) -prune -o -print | sort)
    [ "$count" -ge 25 ]
    [ "$bad" -eq 0 ]
}

@test "what the file system will not let go of is named, and the rest works (F26)" {
    kist create --name stuck busybox true >/dev/null
    local file
    file=$(record stuck config.json)
    chattr +i "$file" 2>/dev/null || skip "this file system has no immutable files"
    run kist rm -f stuck
    chattr -i "$file"
    [ "$status" -ne 0 ]
    [[ "$output" == *'Operation not permitted'* ]]
    [ "$(kist run --rm busybox echo works)" = works ]
    kist rm -f stuck
    run kist container exists stuck
    [ "$status" -eq 1 ]
}

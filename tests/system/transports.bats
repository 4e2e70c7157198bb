#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# pull from and push to archives and folders, beside skopeo, which writes what kist reads and reads what kist writes.
load registries

setup_file() {
    make_root
    kist save -o "$ROOT_T/saved.tar" busybox
}
teardown_file() { remove_root; }
setup() {
    remember_footprint
    T=$BATS_TEST_TMPDIR
    export HOME="$T"
    rm -rf "$ROOT_T/fresh"
}
teardown() { check_footprint; }

image_id() { kist image inspect -f '{{.Id}}' busybox; }
copy() { skopeo copy -q --insecure-policy "$@"; }
# The image's id by skopeo: the digest of its configuration.
config_digest() { skopeo inspect --raw "$1" | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["config"]["digest"])'; }

@test "pull of what skopeo wrote: docker-archive, oci-archive, oci and dir" {
    local from
    copy "docker-archive:$ROOT_T/saved.tar" "docker-archive:$T/d.tar:team/box:7"
    copy "docker-archive:$ROOT_T/saved.tar" "oci-archive:$T/o.tar:seven"
    copy "docker-archive:$ROOT_T/saved.tar" "oci:$T/layout:seven"
    copy "docker-archive:$ROOT_T/saved.tar" "oci:$T/layout:eight"
    copy "docker-archive:$ROOT_T/saved.tar" "dir:$T/folder"
    copy --dest-compress-format zstd --dest-compress "docker-archive:$ROOT_T/saved.tar" "oci:$T/zstd:1"
    for from in "docker-archive:$T/d.tar" "docker-archive:$T/d.tar:team/box:7" "oci-archive:$T/o.tar" "oci-archive:$T/o.tar:seven" \
        "oci:$T/layout:seven" "oci:$T/zstd" "dir:$T/folder"; do
        rm -rf "$ROOT_T/fresh"
        echo "$from"
        [ "$(fresh pull -q "$from")" = "$(image_id)" ]
        [ "$(fresh run --rm --network none "$(image_id)" echo here)" = here ]
    done
    [ "$(fresh images --format '{{.Repository}}:{{.Tag}}')" = "localhost$T/folder:latest" ] || [ "$(fresh images --format '{{.Repository}}')" = '<none>' ]
    fresh pull -q "docker-archive:$T/d.tar" >/dev/null
    fresh image exists team/box:7
    [ "$(fresh run --rm --network none "oci:$T/layout:eight" echo at once)" = "at once" ]
}

@test "what skopeo reads of what kist wrote is the same image" {
    local to layer form
    for to in "docker-archive:$T/d.tar:team/box:7" "oci-archive:$T/o.tar:seven" "oci:$T/layout:seven" "dir:$T/folder"; do
        kist push --digestfile "$T/digest" busybox "$to" 2>"$T/err" || grep -q 'docker-archive has no manifest' "$T/err"
        [ "$(config_digest "$to")" = "$(image_id)" ]
        copy "$to" "dir:$T/copy"
        [ "$(fresh pull -q "dir:$T/copy")" = "$(image_id)" ]
        rm -rf "$T/copy" "$ROOT_T/fresh"
    done
    kist push -q --digestfile "$T/digest" busybox "oci:$T/layout:seven"
    [ "$(skopeo inspect --format '{{.Digest}}' "oci:$T/layout:seven")" = "$(cat "$T/digest")" ]
    # every file is what its name says, and nothing else is there
    (cd "$T/layout/blobs/sha256" && for layer in *; do [ "$(sha256sum <"$layer" | cut -d' ' -f1)" = "$layer" ]; done)
    for form in gzip zstd; do
        kist push -q --compression-format $form --compression-level 5 busybox "oci:$T/$form:1"
        skopeo inspect --raw "oci:$T/$form:1" | grep -q "tar+$form"
        [ "$(fresh pull -q "oci:$T/$form:1")" = "$(image_id)" ]
    done
    kist push -q --compression-format gzip busybox "dir:$T/gzip-dir"
    [ "$(config_digest "dir:$T/gzip-dir")" = "$(image_id)" ]
}

@test "a layout gets a second image, and another one of the same name takes its place" {
    kist import -q --change 'LABEL n=2' "$ROOT_T/busybox.tar" second >/dev/null
    copy "docker-archive:$ROOT_T/saved.tar" "oci:$T/layout:theirs"
    kist push -q busybox "oci:$T/layout:one"
    kist push -q second "oci:$T/layout:two"
    kist push -q second "oci:$T/layout:one"
    [ "$(config_digest "oci:$T/layout:theirs")" = "$(image_id)" ]
    [ "$(config_digest "oci:$T/layout:one")" = "$(kist image inspect -f '{{.Id}}' second)" ]
    [ "$(config_digest "oci:$T/layout:two")" = "$(kist image inspect -f '{{.Id}}' second)" ]
    [ "$(/usr/bin/python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["manifests"]))' "$T/layout/index.json")" = 3 ]
    run fresh pull "oci:$T/layout"
    [ "$status" -eq 125 ]
    [[ "$output" = *"say which one"* ]]
    kist rmi second >/dev/null
}

@test "several images in an archive: the name says which" {
    kist import -q --change 'LABEL n=2' "$ROOT_T/busybox.tar" second >/dev/null
    kist save -o "$T/two.tar" busybox second
    run fresh pull -q "docker-archive:$T/two.tar"
    [ "$status" -eq 125 ]
    [[ "$output" = *"say which one"* ]]
    [ "$(fresh pull -q "docker-archive:$T/two.tar:second")" = "$(kist image inspect -f '{{.Id}}' second)" ]
    [ "$(fresh images --format '{{.Repository}}')" = second ]
    run fresh pull -q "docker-archive:$T/two.tar:third"
    [ "$status" -eq 125 ]
    [[ "$output" = *"no image 'third'"* ]]
    kist rmi second >/dev/null
}

@test "wrong use and damaged folders: a reason, and nothing is stored" {
    local blob
    fresh images >/dev/null
    for blob in "oci:" "docker-archive:$T/x.tar:" "oci:$T/none" "dir:$T/none" "docker-archive:$T/none" "dir:/etc"; do
        run fresh pull "$blob"
        echo "$output"
        [ "$status" -eq 125 ]
    done
    run fresh run --pull never "oci:$T/none" true
    [ "$status" -eq 125 ]
    run kist push --format oci busybox "oci:$T/x:1"
    [ "$status" -eq 125 ]
    run kist push --compression-format gzip busybox "docker-archive:$T/x.tar"
    [ "$status" -eq 125 ]
    mkdir "$T/full" && touch "$T/full/file"
    run kist push busybox "dir:$T/full"
    [ "$status" -eq 125 ]
    [ "$(ls "$T/full")" = file ]
    [ ! -e "$T/x" ]
    [ ! -e "$T/x.tar" ]
    kist push -q busybox "oci:$T/layout:1"
    blob=$(find "$T/layout/blobs" -size +100k)
    cp "$blob" "$T/good"
    printf X | dd of="$blob" bs=1 seek=70000 conv=notrunc status=none
    run fresh pull "oci:$T/layout:1"
    [ "$status" -eq 125 ]
    rm "$blob"
    run fresh pull "oci:$T/layout:1"
    [[ "$output" = *"has no"* ]]
    # a link out of the folder, and a pipe: neither is followed or waited for
    ln -s "$T/good" "$blob"
    run fresh pull "oci:$T/layout:1"
    [ "$status" -eq 125 ]
    rm "$blob" && mkfifo "$blob"
    run timeout "$(at_most 10)" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" pull "oci:$T/layout:1"
    [ "$status" -eq 125 ]
    rm "$blob" && cp "$T/good" "$blob"
    echo '{"manifests": 7}' >"$T/layout/index.json"
    run fresh pull "oci:$T/layout:1"
    [ "$status" -eq 125 ]
    run kist push busybox "oci:$T/layout:2"
    [ "$status" -eq 125 ]
    [ -z "$(fresh images -q)" ]
    [ -z "$(ls "$ROOT_T/fresh/root/layers" 2>/dev/null)" ]
}

@test "an image of another platform in a layout of several" {
    kist import -q --platform linux/arm64 "$ROOT_T/busybox.tar" arm >/dev/null
    kist push -q busybox "oci:$T/layout"
    run fresh pull -q --arch arm64 "oci:$T/layout"
    [ "$status" -eq 125 ]
    [[ "$output" = *"linux/arm64"* ]]
    kist push -q arm "oci:$T/arm:1"
    fresh pull -q --arch arm64 "oci:$T/arm:1"
    kist rmi arm >/dev/null
}

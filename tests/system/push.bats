#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# push to Debian's docker-registry, and what others make of it: digests are compared with skopeo's and podman's.
load registries

setup_file() { setup_hub; }
teardown_file() { teardown_hub; }
setup() { setup_fresh; }
teardown() { check_fresh_footprint; }

skopeo_digest() { skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$1"; }
requests() { grep -c . "$ROOT_T/registry-$PORT.log" || true; }

@test "push, and the lines that scripts know; a second push sends nothing" {
    local before
    run kist push busybox "$HUB/team/busybox:1"
    echo "$output"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "The push refers to repository [$HUB/team/busybox]" ]
    [[ "${lines[1]}" =~ ^[0-9a-f]{12}:\ Pushed$ ]]
    [[ "${lines[2]}" =~ ^1:\ digest:\ sha256:[0-9a-f]{64}\ size:\ [0-9]+$ ]]
    [ "$(skopeo_digest "$HUB/team/busybox:1")" = "$(echo "${lines[2]}" | cut -d' ' -f3)" ]
    run kist push busybox "$HUB/team/busybox:1"
    [[ "${lines[1]}" = *": Layer already exists" ]]
    run kist push busybox "$HUB/team/busybox:2"
    [[ "${lines[1]}" = *": Layer already exists" ]]
    run kist push busybox "$HUB/other/busybox:1"
    [[ "${lines[1]}" = *": Mounted" ]]
    [ -z "$(kist push -q --digestfile "$BATS_TEST_TMPDIR/digest" busybox "$HUB/team/busybox:1")" ]
    [ "$(cat "$BATS_TEST_TMPDIR/digest")" = "$(skopeo_digest "$HUB/team/busybox:1")" ]
    run kist push none "$HUB/x:1"
    [ "$status" -eq 1 ]
}

@test "what was pushed comes back with the same id and digest, and runs" {
    kist push -q busybox "$HUB/back/busybox:1"
    [ "$(fresh pull -q "$HUB/back/busybox:1")" = "$(kist image inspect -f '{{.Id}}' busybox)" ]
    [ "$(fresh run --rm --network none "$HUB/back/busybox:1" echo here)" = here ]
    # An image that was pulled keeps its digest wherever it goes in the registry.
    fresh push -q --digestfile "$BATS_TEST_TMPDIR/digest" "$HUB/back/busybox:1" "$HUB/again/busybox:2"
    [ "$(cat "$BATS_TEST_TMPDIR/digest")" = "$(skopeo_digest "$HUB/back/busybox:1")" ]
}

@test "layers are byte for byte those of the image, in gzip and zstd, OCI and Docker's types" {
    local form format layer
    for form in "gzip oci" "gzip v2s2" "zstd oci"; do
        read -r form format <<<"$form"
        kist push -q --compression-format "$form" --compression-level 3 --force-compression --format "$format" busybox "$HUB/form/$form-$format:1"
        rm -rf "$BATS_TEST_TMPDIR/dir"
        skopeo copy -q --insecure-policy --src-tls-verify=false "docker://$HUB/form/$form-$format:1" "dir:$BATS_TEST_TMPDIR/dir"
        grep -q "$([ "$format" = oci ] && echo vnd.oci.image.layer.v1.tar+$form || echo vnd.docker.image.rootfs.diff.tar.gzip)" "$BATS_TEST_TMPDIR/dir/manifest.json"
        layer=$(sed -n 's/.*"layers":\[{[^}]*"digest":"sha256:\([0-9a-f]*\)".*/\1/p' "$BATS_TEST_TMPDIR/dir/manifest.json")
        [ "$(case $form in gzip) gzip -dc ;; zstd) zstd -dc ;; esac <"$BATS_TEST_TMPDIR/dir/$layer" | sha256sum | cut -d' ' -f1)" = \
            "$(kist image inspect -f '{{index .RootFS.Layers 0}}' busybox | cut -d: -f2)" ]
        fresh pull -q "$HUB/form/$form-$format:1"
        fresh run --rm --network none "$HUB/form/$form-$format:1" true
        rm -rf "$ROOT_T/fresh"
    done
    run kist push --compression-format zstd --format v2s2 busybox "$HUB/form/x:1"
    [ "$status" -eq 125 ]
    run kist push --compression-format lzma busybox "$HUB/form/x:1"
    [ "$status" -eq 125 ]
    run kist push --compression-level 10 busybox "$HUB/form/x:1"
    [ "$status" -eq 125 ]
}

@test "skopeo and podman push and kist pulls, with the same digests both ways" {
    kist save -o "$BATS_TEST_TMPDIR/saved.tar" busybox
    skopeo copy -q --insecure-policy --dest-tls-verify=false --format v2s2 "docker-archive:$BATS_TEST_TMPDIR/saved.tar" "docker://$HUB/peer/docker:1"
    skopeo copy -q --insecure-policy --dest-tls-verify=false --format oci --dest-compress-format zstd "docker-archive:$BATS_TEST_TMPDIR/saved.tar" "docker://$HUB/peer/zstd:1"
    local name
    for name in docker zstd; do
        rm -rf "$ROOT_T/fresh" # one image has one manifest here
        fresh pull -q "$HUB/peer/$name:1"
        fresh push -q "$HUB/peer/$name:1" "$HUB/peer/$name-copy:1"
        [ "$(skopeo_digest "$HUB/peer/$name:1")" = "$(skopeo_digest "$HUB/peer/$name-copy:1")" ]
    done
    kist push -q busybox "$HUB/peer/kist:1"
    local podman=(podman --root "$BATS_TEST_TMPDIR/pod" --runroot "$BATS_TEST_TMPDIR/podrun" --storage-driver vfs)
    [ "sha256:$("${podman[@]}" pull -q --tls-verify=false "$HUB/peer/kist:1")" = "$(kist image inspect -f '{{.Id}}' busybox)" ]
    "${podman[@]}" push -q --tls-verify=false "$HUB/peer/kist:1" "docker://$HUB/peer/podman:1"
    [ "$(fresh pull -q "$HUB/peer/podman:1")" = "$(kist image inspect -f '{{.Id}}' busybox)" ]
    "${podman[@]}" rmi -af >/dev/null
    "${podman[@]}" unshare true 2>/dev/null || true
}

@test "search and manifest inspect" {
    kist push -q busybox "$HUB/find/busybox:1"
    run kist search "$HUB/find"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" = NAME*DESCRIPTION*STARS*OFFICIAL ]]
    [[ "${lines[1]}" = "$HUB/find/busybox"* ]]
    [ "$(kist search --list-tags --format '{{.Name}}:{{.Tag}}' "$HUB/find/busybox")" = "$HUB/find/busybox:1" ]
    [ "sha256:$(kist manifest inspect "$HUB/find/busybox:1" | head -c -1 | sha256sum | cut -d' ' -f1)" = "$(skopeo_digest "$HUB/find/busybox:1")" ]
    kist manifest inspect "$HUB/find/busybox@$(skopeo_digest "$HUB/find/busybox:1")" >/dev/null
    run kist manifest inspect "$HUB/find/none:1"
    [ "$status" -eq 125 ]
    run kist search --limit 0 x
    [ "$status" -eq 125 ]
}

@test "all tags of a repository" {
    kist tag busybox "$HUB/tags/busybox:a"
    kist tag busybox "$HUB/tags/busybox:b"
    kist push -q -a "$HUB/tags/busybox"
    [ "$(skopeo_digest "$HUB/tags/busybox:a")" = "$(skopeo_digest "$HUB/tags/busybox:b")" ]
    kist rmi "$HUB/tags/busybox:a" "$HUB/tags/busybox:b" >/dev/null
    fresh pull -q -a "$HUB/tags/busybox"
    [ "$(fresh images -q "$HUB/tags/busybox" | wc -l)" -eq 2 ]
    run fresh pull -a "$HUB/tags/busybox:a"
    [ "$status" -eq 125 ]
    run kist push -a "$HUB/none/busybox"
    [ "$status" -eq 1 ]
}

@test "a push that is killed leaves nothing behind here and the next one finishes" {
    local delay
    dd if=/dev/urandom of="$BATS_TEST_TMPDIR/noise" bs=1M count=24 status=none
    tar -C "$BATS_TEST_TMPDIR" -cf "$BATS_TEST_TMPDIR/noise.tar" noise
    kist import -q "$BATS_TEST_TMPDIR/noise.tar" noise >/dev/null
    for delay in 0.01 0.05 0.1 0.2; do
        timeout -s KILL "$delay" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" push -q noise "$HUB/killed/noise:1" || true
    done
    kist push -q noise "$HUB/killed/noise:1"
    [ "$(fresh pull -q "$HUB/killed/noise:1")" = "$(kist image inspect -f '{{.Id}}' noise)" ]
    kist rmi noise >/dev/null
}

@test "a layer whose files were changed is not pushed" {
    kist import -q "$ROOT_T/busybox.tar" changed --change 'LABEL a=b' >/dev/null
    local file
    tar -C "$BATS_TEST_TMPDIR" -cf "$BATS_TEST_TMPDIR/one.tar" --files-from /dev/null
    echo first >"$BATS_TEST_TMPDIR/file"
    tar -C "$BATS_TEST_TMPDIR" -cf "$BATS_TEST_TMPDIR/one.tar" file
    kist import -q "$BATS_TEST_TMPDIR/one.tar" changed >/dev/null
    file=$(grep -rl first "$ROOT_T/root/layers" --include=file)
    echo other >"$file"
    run kist push changed "$HUB/changed:1"
    echo "$output"
    [ "$status" -eq 125 ]
    [[ "$output" = *"files were changed"* ]]
    run skopeo_digest "$HUB/changed:1"
    [ "$status" -ne 0 ]
    echo first >"$file"
    kist push -q changed "$HUB/changed:1"
    kist rmi changed >/dev/null
}

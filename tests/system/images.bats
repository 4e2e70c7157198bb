#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# import, load, save, tag, rmi, history: SEEDS A003 to A006, A174 to A176, and archives exchanged with Podman and skopeo.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() {
    kist images -q --no-trunc --filter label=test=1 | sort -u | xargs -r -n1 "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" rmi -f >/dev/null
    check_footprint # last: its failure is the test's
}

small_tar() { # FILE TEXT
    local d=$BATS_TEST_TMPDIR/tree
    rm -rf "$d"; mkdir -p "$d/bin" "$d/etc"
    cp "$(command -v busybox)" "$d/bin/busybox"; ln -s busybox "$d/bin/sh"; ln -s busybox "$d/bin/cat"
    echo "$2" >"$d/etc/text"
    tar -C "$d" --owner=0 --group=0 -cf "$1" .
}

@test "import from a file, from standard input, plain, gzip and zstd" {
    small_tar "$BATS_TEST_TMPDIR/a.tar" plain
    gzip -k "$BATS_TEST_TMPDIR/a.tar"; zstd -q "$BATS_TEST_TMPDIR/a.tar"; xz -k "$BATS_TEST_TMPDIR/a.tar"
    for suffix in tar tar.gz tar.zst tar.xz; do
        kist import -q -c 'LABEL test=1' "$BATS_TEST_TMPDIR/a.$suffix" "imported:${suffix##*.}"
        [ "$(kist run --rm "imported:${suffix##*.}" cat /etc/text)" = plain ]
    done
    kist import -q -c 'LABEL test=1' - imported:stdin <"$BATS_TEST_TMPDIR/a.tar"
    [ "$(kist run --rm imported:stdin cat /etc/text)" = plain ]
}

@test "import --change and --message are in the image" {
    small_tar "$BATS_TEST_TMPDIR/a.tar" x
    kist import -q -m 'by hand' -c 'LABEL test=1' -c 'ENV A=1' -c 'CMD ["cat", "/etc/text"]' -c 'USER 5:6' -c 'WORKDIR /etc' -c 'EXPOSE 80' -c 'ENTRYPOINT []' -c 'STOPSIGNAL SIGUSR1' "$BATS_TEST_TMPDIR/a.tar" changed
    [ "$(kist run --rm changed)" = x ]
    [ "$(kist image inspect --format '{{.Config.User}} {{.Config.WorkingDir}} {{index .Config.Env 0}} {{.Config.StopSignal}}' changed)" = "5:6 /etc A=1 SIGUSR1" ]
    [[ "$(kist history --no-trunc changed)" == *"by hand"* ]]
    run kist import -c 'NONSENSE x' "$BATS_TEST_TMPDIR/a.tar" bad
    [ "$status" -eq 125 ]
    run kist image exists bad
    [ "$status" -eq 1 ]
}

@test "save and load give back the same image, docker-archive and oci-archive" {
    small_tar "$BATS_TEST_TMPDIR/a.tar" same
    id=$(kist import -q -c 'LABEL test=1' "$BATS_TEST_TMPDIR/a.tar" round:trip)
    for format in docker-archive oci-archive; do
        kist save --format "$format" -o "$BATS_TEST_TMPDIR/$format.tar" round:trip
        kist rmi round:trip
        run kist load -i "$BATS_TEST_TMPDIR/$format.tar"
        [ "$status" -eq 0 ]
        [[ "$output" == *"Loaded image"*round:trip* ]]
        [ "$(kist images -q --no-trunc round:trip)" = "$id" ]
        [ "$(kist run --rm round:trip cat /etc/text)" = same ]
        gzip -f "$BATS_TEST_TMPDIR/$format.tar"
        kist load -q -i "$BATS_TEST_TMPDIR/$format.tar.gz"
        kist load -q <"$BATS_TEST_TMPDIR/$format.tar.gz"
    done
}

@test "save to folders: skopeo reads them, plain and compressed, with the same configuration" {
    cd "$BATS_TEST_TMPDIR"
    small_tar a.tar folders
    id=$(kist import -q -c 'LABEL test=1' a.tar in:folders)
    for compress in "" --compress; do
        rm -rf oci dir
        mkdir oci
        kist save --format oci-dir $compress -o oci in:folders
        kist save --format docker-dir $compress -o dir/ in:folders
        for from in "oci:$PWD/oci:docker.io/library/in:folders" "dir:$PWD/dir"; do
            skopeo copy -q --insecure-policy "$from" "docker-archive:$PWD/back.tar:in:back"
            kist load -q -i back.tar
            [ "$(kist images -q --no-trunc in:back)" = "$id" ]
            kist untag in:back in:back
            rm back.tar
        done
    done
    [ "$(find oci/blobs -type f -size +100k | xargs file | grep -c gzip)" = 1 ]
    run -125 kist save --format oci-dir -o oci in:folders
    [ "$(find . -name '*.partial' | wc -l)" = 0 ]
    run -125 kist save --format oci-dir in:folders
    run -125 kist save --format docker-dir -o two in:folders busybox
    [ ! -e two ]
    run -125 kist save --compress in:folders
    kist save -m -o many.tar in:folders busybox
    [ "$(tar -xOf many.tar manifest.json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" = 2 ]
}

@test "an archive of ours loads in Podman with the same id, one of Podman's here" {
    small_tar "$BATS_TEST_TMPDIR/a.tar" shared
    id=$(kist import -q -c 'LABEL test=1' "$BATS_TEST_TMPDIR/a.tar" shared:v1)
    kist save -o "$BATS_TEST_TMPDIR/ours.tar" shared:v1
    p() { podman --root "$BATS_TEST_TMPDIR/podman" --runroot "$BATS_TEST_TMPDIR/podman-run" --storage-driver vfs --cgroup-manager cgroupfs "$@"; }
    p load -q -i "$BATS_TEST_TMPDIR/ours.tar"
    [ "sha256:$(p images -q --no-trunc docker.io/library/shared:v1 | sed 's/sha256://')" = "$id" ]
    p save -q --format docker-archive -o "$BATS_TEST_TMPDIR/theirs.tar" docker.io/library/shared:v1
    p save -q --format oci-archive -o "$BATS_TEST_TMPDIR/theirs-oci.tar" docker.io/library/shared:v1
    kist rmi shared:v1
    kist load -q -i "$BATS_TEST_TMPDIR/theirs.tar"
    [ "$(kist images -q --no-trunc shared:v1)" = "$id" ]
    [ "$(kist run --rm shared:v1 cat /etc/text)" = shared ]
    kist load -q -i "$BATS_TEST_TMPDIR/theirs-oci.tar"
    kist run --rm shared:v1 cat /etc/text
    p rmi -af >/dev/null
    find "$BATS_TEST_TMPDIR/podman" -depth -delete 2>/dev/null || true
}

@test "a docker-archive written by skopeo loads" {
    small_tar "$BATS_TEST_TMPDIR/a.tar" skopeo
    kist import -q -c 'LABEL test=1' "$BATS_TEST_TMPDIR/a.tar" forskopeo:1
    kist save --format oci-archive -o "$BATS_TEST_TMPDIR/oci.tar" forskopeo:1
    skopeo --insecure-policy copy -q "oci-archive:$BATS_TEST_TMPDIR/oci.tar" "docker-archive:$BATS_TEST_TMPDIR/docker.tar:fromskopeo:1"
    kist load -q -i "$BATS_TEST_TMPDIR/docker.tar"
    [ "$(kist run --rm fromskopeo:1 cat /etc/text)" = skopeo ]
}

@test "umoci unpacks what we save, and what it changes and repacks loads here, digest for digest" {
    cd "$BATS_TEST_TMPDIR"
    mkdir -p tree/d oci
    echo same >tree/d/text && ln -s text tree/d/link && ln tree/d/text tree/d/hard && chmod 4755 tree/d/text && chown 7:8 tree/d/text
    touch -d '2001-02-03 04:05:06.789012345' tree/d/text
    setfattr -n user.colour -v red tree/d/text
    tar --xattrs --format pax -C tree -cf tree.tar .
    id=$(kist import -q -c 'LABEL test=1' tree.tar forumoci:1)
    for compress in "" --compress; do
        rm -rf oci bundle
        mkdir oci
        kist save --format oci-dir $compress -o oci forumoci:1
        umoci unpack --image oci:docker.io/library/forumoci:1 bundle 2>umoci.log || umoci unpack --image "oci:$(jq -r '.manifests[0].annotations["org.opencontainers.image.ref.name"]' oci/index.json)" bundle
        [ "$(stat -c '%a %u %g %h %.Y' bundle/rootfs/d/text)" = "$(stat -c '%a %u %g %h %.Y' tree/d/text)" ]
        [ "$(getfattr --only-values -n user.colour bundle/rootfs/d/text)" = red ]
        [ "$(readlink bundle/rootfs/d/link)" = text ]
    done
    # umoci takes what it has unpacked for unchanged, and makes a layer of what has changed.
    echo more >bundle/rootfs/d/new
    rm bundle/rootfs/d/link
    umoci repack --image oci:repacked bundle
    umoci gc --layout oci
    tar -C oci -cf oci.tar .
    kist load -q -i oci.tar
    theirs=$(kist images -q --no-trunc | sort -u | grep -vF "$id" | while read -r other; do kist history -q "$other" >/dev/null; kist image inspect -f '{{len .RootFS.Layers}} {{.Id}}' "$other"; done | awk '$1 == 2 {print $2}')
    [ "$theirs" = "sha256:$(skopeo inspect --raw --config oci:oci:repacked | sha256sum | cut -d' ' -f1)" ]
    kist create --name c "$theirs" x >/dev/null
    [ "$(kist cp c:/d/new - | tar -xOf -)" = more ]
    run -1 kist cp c:/d/link - 
    # The layer is, digest for digest, the one that umoci wrote.
    rm -rf again && mkdir again
    kist save --format oci-dir -o again "$theirs"
    [ "$(jq -r '.rootfs.diff_ids[]' "oci/blobs/sha256/${theirs#sha256:}")" = "$(jq -r '.layers[].digest' "again/blobs/sha256/$(jq -r '.manifests[0].digest' again/index.json | cut -d: -f2)")" ]
    kist rm c >/dev/null
}

@test "buildah works on what we save, and what it commits loads here with the same digests" {
    cd "$BATS_TEST_TMPDIR"
    small_tar a.tar forbuildah
    id=$(kist import -q -c 'LABEL test=1' a.tar forbuildah:1)
    b() { buildah --root "$BATS_TEST_TMPDIR/buildah" --runroot "$BATS_TEST_TMPDIR/buildah-run" --storage-driver vfs "$@"; }
    kist save --format oci-archive -o ours.tar forbuildah:1
    container=$(b from "oci-archive:$PWD/ours.tar")
    echo added >added && chmod 600 added
    b copy --chown 5:6 "$container" added /added
    b config --label by=buildah --env A=1 "$container"
    for format in oci docker; do
        b commit -q --format $format "$container" "localhost/made:$format" >/dev/null
        b push -q "localhost/made:$format" "$format-archive:$PWD/$format.tar:localhost/made:$format"
        kist load -q -i $format.tar
        [ "$(kist images -q --no-trunc "localhost/made:$format")" = "sha256:$(skopeo inspect --raw --config "$format-archive:$PWD/$format.tar" | sha256sum | cut -d' ' -f1)" ]
        kist create --name c "localhost/made:$format" x >/dev/null
        [[ "$(kist cp c:/added - | tar -tv --numeric-owner)" == *-rw-------*5/6*added* ]]
        kist rm c >/dev/null
        [ "$(kist image inspect -f '{{index .Labels "by"}} {{index .Labels "test"}}' "localhost/made:$format")" = 'buildah 1' ]
        # And back: the same configuration, hence the same layers.
        kist save --format $format-archive -o back.tar "localhost/made:$format"
        b rmi "localhost/made:$format" >/dev/null
        b pull -q "$format-archive:$PWD/back.tar" >/dev/null
        [ "sha256:$(b images -q --no-trunc "localhost/made:$format" | sed 's/sha256://')" = "$(kist images -q --no-trunc "localhost/made:$format")" ]
        rm back.tar
        kist rmi "localhost/made:$format" >/dev/null
    done
    b rm -a >/dev/null
    b rmi -af >/dev/null
    find "$BATS_TEST_TMPDIR/buildah" -depth -delete 2>/dev/null || true
}

@test "A175: an image in use is not removed, and the words say by what" {
    id=$(kist create busybox true)
    run kist rmi busybox
    [ "$status" -eq 1 ]
    [[ "$output" == *"conflict: unable to remove repository reference \"busybox\" (must force) - container ${id:0:12} is using its referenced image"* ]]
    kist image exists busybox
}

@test "A176: rmi prints what it untagged and deleted" {
    small_tar "$BATS_TEST_TMPDIR/a.tar" gone
    kist import -q -c 'LABEL test=1' "$BATS_TEST_TMPDIR/a.tar" gone:1
    kist tag gone:1 gone:2
    run kist rmi gone:1
    [ "$output" = "Untagged: gone:1" ]
    run kist rmi gone:2
    [[ "${lines[0]}" == "Untagged: gone:2" ]]
    [[ "$output" == *"Deleted: sha256:"* ]]
    run kist rmi gone:2
    [ "$status" -eq 1 ]
    [[ "$output" == *"gone:2"* ]]
}

@test "images --history: names that went away with untag or moved on are shown, the latest first" {
    local id old
    small_tar "$BATS_TEST_TMPDIR/a.tar" one
    small_tar "$BATS_TEST_TMPDIR/b.tar" two
    old=$(kist import -q "$BATS_TEST_TMPDIR/a.tar" app:latest)
    kist tag app:latest app:1 quay.io/x/app:1
    [ "$(kist images --format '{{.History}}' app:1)" = "quay.io/x/app:1, app:1, app:latest" ]
    id=$(kist import -q "$BATS_TEST_TMPDIR/b.tar" app:latest) # the name moves on
    kist untag app:1
    run kist images --history --no-trunc
    echo "$output"
    [[ "${lines[0]}" == *HISTORY* ]]
    [[ "$output" == *"<none>"*"$old"*"quay.io/x/app:1, app:1, app:latest"* ]]
    [[ "$(kist images)" != *HISTORY* ]]
    [ "$(kist image inspect -f '{{.NamesHistory}}' "$id")" = '[app:latest]' ]
    [ "$(kist images --format json --filter dangling=true | jq -c '.[].History')" = '["quay.io/x/app:1","app:1","app:latest"]' ]
    kist tag "$old" app:1 # a name of old comes to the front
    [ "$(kist images --format '{{.History}}' app:1)" = "app:1, quay.io/x/app:1, app:latest" ]
    for i in $(seq 105); do kist tag "$old" "app:n$i"; done
    [ "$(jq '.names_history | length' "$ROOT_T/root/images/${old#sha256:}.json")" -eq 100 ]
    [ "$(kist images --format json --filter reference=app:1 | jq '.[0].History | length')" -eq 106 ] # those that it has count too
    kist save -o "$BATS_TEST_TMPDIR/save.tar" app:latest
    kist tag "$id" second:name
    kist rmi app:latest >/dev/null
    kist load -q -i "$BATS_TEST_TMPDIR/save.tar" >/dev/null # its record is there: it gets the name again
    [ "$(kist images --format '{{.History}}' app:latest)" = "app:latest, second:name" ]
    run kist system check
    echo "$output"
    [ "$status" -eq 0 ]
    kist rmi -f "$old" "$id" >/dev/null
}

@test "a record from before histories shows the names it has" {
    local id record
    small_tar "$BATS_TEST_TMPDIR/a.tar" before
    id=$(kist import -q "$BATS_TEST_TMPDIR/a.tar" old:name)
    record="$ROOT_T/root/images/${id#sha256:}.json"
    grep -q names_history "$record"
    /usr/bin/python3 - "$record" <<'END'
import re, sys
text = open(sys.argv[1], "rb").read()
body = re.sub(rb',"names_history":\[[^]]*\]', b"", text[:text.rindex(b',"checksum":')])
assert body + b"}" not in text
total = 0xcbf29ce484222325 # as src/storage/record.cc
for at in range(0, len(body), 8):
    total = (total ^ int.from_bytes(body[at:at + 8], "little")) * 0x100000001b3 % 2**64
    total ^= total >> 29
open(sys.argv[1], "wb").write(body + b',"checksum":"%016x"}\n' % (total ^ len(body)))
END
    [ "$(kist images --format '{{.History}}' old:name)" = old:name ]
    kist tag old:name new:name
    kist untag new:name new:name
    [ "$(kist images --format '{{.History}}' old:name)" = "new:name, old:name" ]
    kist rmi old:name >/dev/null
}

@test "--platform of history, save and rmi: the image that fits, of a list its entry, else a refusal that changes nothing" {
    local arm list
    arm=$(kist import -q --platform linux/arm64 --message 'for arm' "$ROOT_T/busybox.tar" busybox-arm)
    list=$(kist manifest create both busybox busybox-arm)
    [[ "$(kist history --platform linux/arm64 both)" == *"for arm"* ]]
    [[ "$(kist history --platform arm64 busybox-arm)" == *"for arm"* ]]
    run -1 kist history --platform linux/arm64 busybox
    [[ "$output" == *"image 'busybox' is here for platform linux/"*", not linux/arm64"* ]]
    run -1 kist history --platform linux/s390x both
    [[ "$output" == *"the manifest list has no image for platform linux/s390x"* ]]
    run -125 kist history both
    [[ "$output" == *"manifest list"*"--platform"* ]]

    kist save --platform linux/arm64 -o "$BATS_TEST_TMPDIR/arm.tar" both
    tar -xOf "$BATS_TEST_TMPDIR/arm.tar" manifest.json
    tar -xOf "$BATS_TEST_TMPDIR/arm.tar" manifest.json | jq -e --arg config "${arm#sha256:}" '.[0].RepoTags == ["docker.io/library/both:latest"] and (.[0].Config | contains($config)) and length == 1'
    kist save --platform linux/amd64,linux/arm64 --format oci-archive -o "$BATS_TEST_TMPDIR/both.tar" "$list"
    [ "$(tar -xOf "$BATS_TEST_TMPDIR/both.tar" index.json | jq '.manifests | length')" -eq 2 ]
    run -125 kist save --platform linux/amd64 --platform linux/arm64 -o "$BATS_TEST_TMPDIR/none.tar" both
    [[ "$output" == *"'both' is several images, and a name in an archive means one"* ]]
    run -125 kist save -o "$BATS_TEST_TMPDIR/none.tar" both
    [[ "$output" == *"manifest list"*"--platform"* ]]
    run -1 kist save --platform linux/amd64,linux/arm64 -o "$BATS_TEST_TMPDIR/none.tar" busybox-arm
    run -125 kist save --platform linux/arm64, -o "$BATS_TEST_TMPDIR/none.tar" busybox-arm
    [ ! -e "$BATS_TEST_TMPDIR/none.tar" ]

    run -1 kist rmi --platform linux/s390x busybox-arm
    kist image exists busybox-arm
    run -1 kist rmi --platform linux/arm64 both
    [[ "$output" == *"'both' is a manifest list"*"kist manifest remove"* ]]
    kist manifest exists both
    run -125 kist rmi --platform linux/arm64 --all
    kist manifest rm both >/dev/null
    kist rmi --platform linux/arm64 busybox-arm >/dev/null
    run -1 kist image exists busybox-arm
    kist rmi -i --platform linux/arm64 busybox-arm
}

@test "save writes layers side by side into a file, one after the other elsewhere: the same bytes, at the right place" {
    cd "$BATS_TEST_TMPDIR"
    kist create --name base busybox true >/dev/null
    local i
    for i in 1 2 3 4 5 6; do # six layers of very different sizes
        mkdir "$i"
        head -c $(((i % 4) * 3000000 + i)) /dev/urandom >"$i/data$i"
        kist cp "$i/data$i" "base:/data$i"
        kist commit -q base many:$i >/dev/null
        kist rm base >/dev/null
        kist create --name base many:$i true >/dev/null
    done
    [ "$(kist image inspect --format '{{len .RootFS.Layers}}' many:6)" = 7 ]
    kist save -o file.tar many:6 many:3
    kist save many:6 many:3 | cmp - file.tar
    # what a shell has open goes on behind it, and what it appends to is not written over
    { echo before; kist save many:6 many:3; echo behind; } >shared.tar
    { echo before; cat file.tar; echo behind; } | cmp - shared.tar
    echo before >appended.tar
    kist save many:6 many:3 >>appended.tar
    { echo before; cat file.tar; } | cmp - appended.tar
    kist rm base >/dev/null
    kist rmi -f many:1 many:2 many:3 many:4 many:5 many:6 >/dev/null
    kist load -q -i file.tar
    [ "$(kist run --rm --network none many:6 sha256sum /data5)" = "$(cd 5 && sha256sum data5 | sed 's| data5| /data5|')" ]
}

@test "save of an image with a damaged layer says so and leaves no file" {
    cd "$BATS_TEST_TMPDIR"
    kist create --name base busybox true >/dev/null
    head -c 5000000 /dev/urandom >big
    kist cp big base:/big
    kist commit -q base damaged:1 >/dev/null
    local file
    file=$(echo "$ROOT_T"/root/layers/*/diff/big)
    head -c 10 big | dd of="$file" bs=1 seek=77 conv=notrunc status=none
    run -125 --separate-stderr kist save -o out.tar damaged:1
    [[ "$stderr" = *"the layer's files were changed"* ]]
    truncate -s 4999999 "$file"
    run -125 --separate-stderr kist save -o out.tar damaged:1
    [[ "$stderr" = *"the layer was changed: 'big' has another size"* ]]
    run -125 --separate-stderr kist save --format oci-dir -o folder damaged:1
    [[ "$stderr" = *"the layer was changed"* ]]
    run ! compgen -G "out.tar*"
    run ! compgen -G "folder*"
}

@test "save --uncompressed says what is done anyway, and contradicts --compress" {
    kist save --uncompressed --format oci-dir -o "$BATS_TEST_TMPDIR/plain" busybox
    jq -e '.layers | all(.mediaType == "application/vnd.oci.image.layer.v1.tar")' "$BATS_TEST_TMPDIR/plain/blobs/sha256/$(jq -r '.manifests[0].digest' "$BATS_TEST_TMPDIR/plain/index.json" | cut -d: -f2)"
    run -125 kist save --uncompressed --compress --format oci-dir -o "$BATS_TEST_TMPDIR/none" busybox
    [[ "$output" == *"--compress and --uncompressed exclude each other"* ]]
    [ ! -e "$BATS_TEST_TMPDIR/none" ]
}

@test "removing the last image leaves no layer and no blob of it" {
    before=$(find "$ROOT_T/root/layers" "$ROOT_T/root/content" "$ROOT_T/root/images" | sort)
    small_tar "$BATS_TEST_TMPDIR/a.tar" trace
    kist import -q "$BATS_TEST_TMPDIR/a.tar" trace
    kist rmi trace
    [ "$(find "$ROOT_T/root/layers" "$ROOT_T/root/content" "$ROOT_T/root/images" | sort)" = "$before" ]
}

@test "a cut archive is refused at once and leaves nothing" {
    small_tar "$BATS_TEST_TMPDIR/a.tar" cut
    kist import -q -c 'LABEL test=1' "$BATS_TEST_TMPDIR/a.tar" cut:me
    kist save -o "$BATS_TEST_TMPDIR/s.tar" cut:me
    kist rmi cut:me
    before=$(find "$ROOT_T/root/layers" "$ROOT_T/root/content" "$ROOT_T/root/images" "$ROOT_T/root/tmp" 2>/dev/null | sort)
    size=$(stat -c %s "$BATS_TEST_TMPDIR/s.tar")
    for part in 0 1 511 512 513 2048 $((size / 3)) $((size / 2)) $((size - 600000)); do
        head -c "$part" "$BATS_TEST_TMPDIR/s.tar" >"$BATS_TEST_TMPDIR/cut.tar"
        run timeout "$(at_most 5)" "$KIST" --root "$ROOT_T/root" --runroot "$ROOT_T/run" load -i "$BATS_TEST_TMPDIR/cut.tar"
        [ "$status" -ne 0 ]
        [ "$status" -ne 124 ]
        [ "$status" -lt 128 ]
    done
    [ "$(find "$ROOT_T/root/layers" "$ROOT_T/root/content" "$ROOT_T/root/images" "$ROOT_T/root/tmp" 2>/dev/null | sort)" = "$before" ]
}

@test "an import with hostile entries changes nothing outside" {
    mkdir "$BATS_TEST_TMPDIR/canary"; echo untouched >"$BATS_TEST_TMPDIR/canary/f"
    /usr/bin/python3 - "$BATS_TEST_TMPDIR" <<'PY'
import io, sys, tarfile
top = sys.argv[1]
def archive(name, *entries):
    with tarfile.open(f"{top}/{name}.tar", "w") as t:
        for path, kind, arg in entries:
            i = tarfile.TarInfo(path)
            if kind == "file":
                i.size = len(arg); t.addfile(i, io.BytesIO(arg))
            else:
                i.type = {"sym": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "dir": tarfile.DIRTYPE}[kind]
                i.linkname = arg or ""; t.addfile(i)
c = f"{top}/canary"
archive("dotdot", (f"../../../../../../../..{c}/f", "file", b"evil"))
archive("absolute", (f"{c}/f", "file", b"evil"))
archive("through", ("a", "sym", c), ("a/f", "file", b"evil"))
archive("hardlink", ("h", "hard", f"../../../../../../../..{c}/f"), ("h", "file", b"evil"))
archive("root", (".", "sym", c), ("f", "file", b"evil"))
archive("whiteout", ("a", "sym", c), ("a/.wh.f", "file", b""))
PY
    for name in dotdot absolute through hardlink root whiteout; do
        run kist import -q -c 'LABEL test=1' "$BATS_TEST_TMPDIR/$name.tar" "hostile:$name"
        [ "$(cat "$BATS_TEST_TMPDIR/canary/f")" = untouched ]
        [ "$(ls "$BATS_TEST_TMPDIR/canary")" = f ]
    done
}

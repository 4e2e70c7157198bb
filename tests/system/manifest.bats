#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Manifest lists: put together here, pushed with their images, and what skopeo and podman make of them.
load registries

setup_file() {
    make_root
    PORT=$((20000 + $$ % 10000))
    export PORT HUB=127.0.0.1:$PORT
    start_registry "$PORT"
    printf '{"cgroup-parent": "%s", "insecure-registries": ["%s", "127.0.0.1:1"]}\n' "$CGROUP_PARENT" "$HUB" >"$ROOT_T/kist.json"
    kist import -q --platform linux/arm64 --change 'CMD ["sh"]' "$ROOT_T/busybox.tar" busybox-arm >/dev/null
}
teardown_file() {
    stop_registries
    remove_root
}
setup() {
    remember_footprint
    export HOME="$BATS_TEST_TMPDIR"
    rm -rf "$ROOT_T/fresh"
}
teardown() {
    kist manifest rm -i list other >/dev/null
    check_footprint
}

raw_digest() { echo "sha256:$(skopeo inspect --raw --tls-verify=false "docker://$1" | sha256sum | cut -d' ' -f1)"; }
# list_field LIST EXPRESSION: of its JSON as python sees it.
list_field() { kist manifest inspect "$1" | /usr/bin/python3 -c "import json, sys; d = json.load(sys.stdin); print($2)"; }

@test "create, add, annotate, inspect, exists, remove and rm of a list that is here" {
    local id digest
    id=$(kist manifest create list busybox)
    [[ "$id" =~ ^sha256:[0-9a-f]{64}$ ]]
    kist manifest exists list
    kist manifest exists "$id"
    [ "$(kist manifest add list busybox-arm --variant v8 --annotation a=b)" = "$id" ]
    [ "$(list_field list 'len(d["manifests"])')" = 2 ]
    [ "$(list_field list 'd["manifests"][1]["platform"]')" = "{'architecture': 'arm64', 'os': 'linux', 'variant': 'v8'}" ]
    [ "$(list_field list 'd["manifests"][1]["annotations"]["a"]')" = b ]
    kist manifest annotate list busybox-arm --arch armhf --os-version 10 --os-features one --os-features two --features sse4
    [ "$(list_field list 'd["manifests"][1]["platform"]')" = \
        "{'architecture': 'arm', 'os': 'linux', 'variant': 'v8', 'os.version': '10', 'os.features': ['one', 'two'], 'features': ['sse4']}" ]
    kist manifest annotate --index --annotation who=me --subject busybox list
    [ "$(list_field list 'd["annotations"]["who"]')" = me ]
    [ "$(list_field list 'd["subject"]["digest"]')" = "$(kist image inspect -f '{{.Digest}}' busybox)" ]
    kist manifest add list busybox-arm # a second time replaces
    [ "$(list_field list 'len(d["manifests"])')" = 2 ]
    digest=$(list_field list 'd["manifests"][1]["digest"]')
    [ "$(kist manifest remove list "$digest")" = "$id" ]
    [ "$(list_field list 'len(d["manifests"])')" = 1 ]
    kist manifest remove list busybox
    [ "$(list_field list 'd["manifests"] if "manifests" in d else []')" = '[]' ]
    [[ "$(kist images --format '{{.Repository}}' list)" = list ]]
    run kist system check
    echo "$output"
    [ "$status" -eq 0 ]
    run kist manifest rm list
    [ "$status" -eq 0 ]
    [[ "$output" = *"Deleted: $id"* ]]
    run kist manifest exists list
    [ "$status" -eq 1 ]
    kist image exists busybox
}

@test "what cannot be is said, and changes nothing" {
    kist manifest create list busybox >/dev/null
    run kist manifest create list
    [ "$status" -eq 125 ]
    [[ "$output" = *"already in use"* ]]
    kist manifest create --amend list busybox-arm >/dev/null
    [ "$(list_field list 'len(d["manifests"])')" = 2 ]
    run kist manifest create --amend busybox
    [[ "$output" = *"is an image, not a manifest list"* ]]
    run kist manifest add busybox busybox-arm
    [[ "$output" = *"is an image, not a manifest list"* ]]
    run kist manifest rm busybox
    [ "$status" -eq 1 ]
    kist image exists busybox
    run kist manifest exists busybox
    [ "$status" -eq 1 ]
    run kist manifest rm none
    [ "$status" -eq 1 ]
    kist manifest rm -i none
    run kist manifest add list containers-storage:none
    [ "$status" -eq 1 ]
    run kist manifest add list "$HUB/none:1"
    [ "$status" -eq 125 ]
    run kist manifest add list busybox --annotation novalue
    [ "$status" -eq 125 ]
    run kist manifest annotate list sha256:0000 --os linux
    [ "$status" -eq 1 ]
    run kist manifest annotate list --os linux
    [ "$status" -eq 125 ]
    run kist save -o "$BATS_TEST_TMPDIR/list.tar" list
    [ "$status" -eq 125 ]
    [[ "$output" = *"is a manifest list, not an image"* ]]
    [ "$(list_field list 'len(d["manifests"])')" = 2 ]
}

@test "pushed with its images: skopeo and podman read the same digests, kist pulls and runs it" {
    local pushed
    kist manifest create "$HUB/team/app:1" busybox busybox-arm >/dev/null
    pushed=$(kist manifest push --digestfile "$BATS_TEST_TMPDIR/digest" "$HUB/team/app:1" 2>/dev/null)
    [ "$(cat "$BATS_TEST_TMPDIR/digest")" = "$pushed" ]
    [ "$(raw_digest "$HUB/team/app:1")" = "$pushed" ]
    skopeo inspect --raw --tls-verify=false "docker://$HUB/team/app:1" >"$BATS_TEST_TMPDIR/pushed"

    # every image of it is there, under the digest and the size that the list says
    /usr/bin/python3 - "$HUB" "$BATS_TEST_TMPDIR/pushed" <<'END'
import hashlib, json, sys, urllib.request
entries = json.load(open(sys.argv[2]))["manifests"]
assert [e["platform"]["architecture"] for e in entries][1] == "arm64", entries
for e in entries:
    got = urllib.request.urlopen(urllib.request.Request(f"http://{sys.argv[1]}/v2/team/app/manifests/{e['digest']}", headers={"Accept": e["mediaType"]})).read()
    assert len(got) == e["size"] and "sha256:" + hashlib.sha256(got).hexdigest() == e["digest"]
END
    [ "$(skopeo inspect --tls-verify=false --override-arch arm64 --format '{{.Architecture}}' "docker://$HUB/team/app:1")" = arm64 ]
    [ "$(fresh run --rm --network none "$HUB/team/app:1" echo from a list)" = "from a list" ]
    fresh pull -q --arch arm64 "$HUB/team/app:1"
    [ "$(fresh image inspect -f '{{.Architecture}}' "$HUB/team/app:1")" = arm64 ]
    kist manifest push --purge -q "$HUB/team/app:1" "docker://$HUB/team/app:2"
    run kist manifest exists "$HUB/team/app:1"
    [ "$status" -eq 1 ]
    [ "$(raw_digest "$HUB/team/app:2")" = "$pushed" ]
}

@test "Docker's types, and push of a list by the name of an image command" {
    kist manifest create list busybox busybox-arm >/dev/null
    kist push -q --format v2s2 list "$HUB/team/docker:1"
    skopeo inspect --raw --tls-verify=false "docker://$HUB/team/docker:1" >"$BATS_TEST_TMPDIR/pushed"
    grep -q 'vnd.docker.distribution.manifest.list.v2+json' "$BATS_TEST_TMPDIR/pushed"
    [ "$(grep -o 'vnd.docker.distribution.manifest.v2+json' "$BATS_TEST_TMPDIR/pushed" | wc -l)" -eq 2 ]
    local podman=(podman --root "$BATS_TEST_TMPDIR/pod" --runroot "$BATS_TEST_TMPDIR/podrun" --storage-driver vfs)
    [ "sha256:$("${podman[@]}" pull -q --tls-verify=false "$HUB/team/docker:1")" = "$(kist image inspect -f '{{.Id}}' busybox)" ]
    "${podman[@]}" rmi -af >/dev/null
}

@test "a list from podman: its entries are taken, copied to another repository, and keep their digests" {
    local podman=(podman --root "$BATS_TEST_TMPDIR/pod" --runroot "$BATS_TEST_TMPDIR/podrun" --storage-driver vfs) before after
    kist push -q busybox "$HUB/parts/one:1"
    kist push -q busybox-arm "$HUB/parts/two:1"
    "${podman[@]}" manifest create theirs >/dev/null
    "${podman[@]}" manifest add --tls-verify=false theirs "docker://$HUB/parts/one:1" >/dev/null
    "${podman[@]}" manifest add --tls-verify=false theirs "docker://$HUB/parts/two:1" >/dev/null
    "${podman[@]}" manifest push --all --tls-verify=false theirs "docker://$HUB/theirs:1" >/dev/null 2>&1
    "${podman[@]}" rmi -af >/dev/null
    # without --all the one for this machine
    kist manifest create list "$HUB/theirs:1" >/dev/null
    [ "$(list_field list 'len(d["manifests"])')" = 1 ]
    kist manifest create other "docker://$HUB/theirs:1" --all >/dev/null
    [ "$(list_field other 'len(d["manifests"])')" = 2 ]
    # entries added one by one are the same
    kist manifest add list "$HUB/parts/two:1" >/dev/null
    [ "$(list_field list '[e["digest"] for e in d["manifests"]]')" = "$(list_field other '[e["digest"] for e in d["manifests"]]')" ]
    before=$(list_field other '[e["digest"] for e in d["manifests"]]')
    kist manifest push -q other "$HUB/copied:1"
    after=$(kist manifest inspect "$HUB/copied:1" | /usr/bin/python3 -c 'import json, sys; print([e["digest"] for e in json.load(sys.stdin)["manifests"]])')
    [ "$before" = "$after" ]
    [ "$(fresh run --rm --network none "$HUB/copied:1" echo copied)" = copied ]
    run kist manifest annotate other "$HUB/theirs:1" --os linux
    [ "$status" -eq 1 ] # its entries have no tag of their own
    kist run --rm --network none other echo fetched by its list >"$BATS_TEST_TMPDIR/out" 2>/dev/null
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = "fetched by its list" ]
}

@test "copied from one registry to another" {
    local port=$((PORT + 10007)) other
    mkdir -p "$ROOT_T/second"
    ROOT_T="$ROOT_T/second" start_registry "$port"
    other=127.0.0.1:$port
    printf '{"cgroup-parent": "%s", "insecure-registries": ["%s", "%s"]}\n' "$CGROUP_PARENT" "$HUB" "$other" >"$ROOT_T/two.json"
    two() { "$KIST" --config "$ROOT_T/two.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" "$@"; }
    kist push -q busybox "$HUB/from/here:1"
    two manifest create list "docker://$HUB/from/here:1" >/dev/null
    [ "$(two manifest push list "$other/to/there:1" 2>/dev/null)" = "$(raw_digest "$other/to/there:1")" ]
    run two manifest push --all=false list "$other/not/there:1"
    [ "$status" -eq 125 ] # the registry wants the images first
    skopeo copy -q --insecure-policy --src-tls-verify=false "docker://$other/to/there:1" "dir:$BATS_TEST_TMPDIR/dir"
    ROOT_T="$ROOT_T/second" stop_registries
}

@test "several commands change one list at once and none is lost; kill -9 leaves a list that is whole" {
    local n delay
    kist manifest create list busybox >/dev/null
    for n in $(seq 8); do kist manifest annotate --index --annotation "k$n=$n" list >/dev/null 3>&- & done
    wait
    [ "$(list_field list 'len(d["annotations"])')" = 8 ]
    for delay in 0.001 0.002 0.003 0.004 0.006 0.008 0.012; do
        timeout -s KILL "$delay" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" \
            manifest annotate --index --annotation "at=$delay" list >/dev/null 2>&1 || true
        list_field list 'd["annotations"]["k8"]'
    done
    kist manifest annotate --index --annotation last=1 list >/dev/null
    kist manifest rm list >/dev/null
    kist system check --repair >/dev/null || true
    kist system check
}

@test "run of a list whose image is here, or is gone" {
    kist manifest create list busybox busybox-arm >/dev/null
    [ "$(kist run --rm --network none list echo of a list)" = "of a list" ]
    kist import -q --change 'LABEL a=b' "$ROOT_T/busybox.tar" short-lived >/dev/null
    kist manifest create other short-lived >/dev/null
    kist rmi short-lived >/dev/null 2>&1
    run kist run --rm --network none other true
    [ "$status" -ne 0 ]
    [[ "$output" = *"is gone"* ]]
}

@test "rmi takes an image that a list names, as Podman does, and says so; prune does not; push names it before it sends anything" {
    local digest id podman=(podman --root "$BATS_TEST_TMPDIR/pod" --runroot "$BATS_TEST_TMPDIR/podrun" --storage-driver vfs)
    kist import -q --change 'LABEL a=b' "$ROOT_T/busybox.tar" short-lived >/dev/null
    kist save -o "$BATS_TEST_TMPDIR/short.tar" short-lived
    digest=$(kist image inspect -f '{{.Digest}}' short-lived) id=$(kist image inspect -f '{{.Id}}' short-lived)
    kist manifest create other busybox short-lived >/dev/null

    # without a name it is not dangling: the list names it
    kist untag short-lived
    [ -z "$(kist images -q --filter dangling=true)" ]
    [ "$(kist image prune -f)" = "Total reclaimed space: 0B" ]
    kist run --rm --network none "$id" true

    run --separate-stderr kist rmi "$id"
    [ "$status" -eq 0 ]
    [[ "$output" = "Deleted: sha256:"* ]]
    [[ "$stderr" = *"warning: manifest list 'other:latest' names image"*"kist manifest remove other:latest $digest"* ]]
    [ "$(list_field other 'len(d["manifests"])')" = 2 ]
    "${podman[@]}" import -q "$ROOT_T/busybox.tar" short-lived >/dev/null 2>&1
    "${podman[@]}" manifest create other containers-storage:localhost/short-lived >/dev/null
    "${podman[@]}" rmi short-lived >/dev/null # it does the same
    "${podman[@]}" manifest exists other
    "${podman[@]}" rmi -af >/dev/null

    run kist manifest push other "$HUB/gone:1"
    [ "$status" -eq 1 ]
    [[ "$output" = *"the list names what is gone from this machine: $digest"* ]]
    run curl -s -o /dev/null -w '%{http_code}' "http://$HUB/v2/gone/tags/list"
    [ "$output" = 404 ] # not even busybox
    kist load -q -i "$BATS_TEST_TMPDIR/short.tar" >/dev/null
    kist manifest push -q other "$HUB/gone:1"
    kist rmi short-lived >/dev/null 2>&1
    kist manifest remove other "$digest" >/dev/null
    kist manifest push -q other "$HUB/gone:1"
    kist manifest rm other >/dev/null
    kist import -q --change 'LABEL a=c' "$ROOT_T/busybox.tar" short-lived >/dev/null
    run --separate-stderr kist rmi short-lived
    [ -z "$stderr" ]
}

# same_as_skopeo REFERENCE FILE: is what skopeo reads there byte for byte the file?
same_as_skopeo() { skopeo inspect --raw --tls-verify=false "docker://$1" | cmp - "$2"; }
# blob REPOSITORY DIGEST
blob() { curl -sf "http://$HUB/v2/$1/blobs/$2"; }

@test "an artifact made of files: added, inspected, annotated, checked, pushed byte for byte, removed" {
    local dir="$BATS_TEST_TMPDIR" entry id
    printf 'hello\n' >"$dir/note.txt"
    head -c 3M /dev/urandom >"$dir/model"
    printf '{"a": 1}' >"$dir/settings.json"
    id=$(kist manifest create list busybox)
    [ "$(kist manifest add list --artifact --artifact-type application/x.test --annotation who=me --os linux --arch s390x "$dir/note.txt" "$dir/model")" = "$id" ]
    entry=$(list_field list 'd["manifests"][1]["digest"]')
    [ "$(list_field list 'd["manifests"][1]["artifactType"]')" = application/x.test ]
    [ "$(list_field list 'd["manifests"][1]["annotations"]')" = "{'who': 'me'}" ]
    [ "$(list_field list 'd["manifests"][1]["platform"]')" = "{'architecture': 's390x', 'os': 'linux'}" ]
    # what is pushed is what was added, whatever becomes of the files
    cp "$dir/model" "$dir/model.kept"
    rm "$dir/note.txt" && echo changed >"$dir/model"
    kist manifest push -q list "$HUB/art/one:1"
    kist manifest inspect list >"$dir/list.json"
    head -c -1 "$dir/list.json" | same_as_skopeo "$HUB/art/one:1" -
    skopeo inspect --raw --tls-verify=false "docker://$HUB/art/one@$entry" >"$dir/artifact"
    [ "sha256:$(sha256sum <"$dir/artifact" | cut -d' ' -f1)" = "$entry" ]
    /usr/bin/python3 - "$dir/artifact" "$dir/model.kept" <<'END'
import hashlib, json, sys
digest = lambda data: "sha256:" + hashlib.sha256(data).hexdigest()
text, model = open(sys.argv[1]).read(), open(sys.argv[2], "rb").read()
title = lambda name: {"org.opencontainers.image.title": name}
expected = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "application/x.test",
    "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2, "data": "e30="},
    "layers": [{"mediaType": "text/plain", "digest": digest(b"hello\n"), "size": 6, "annotations": title("note.txt")},
               {"mediaType": "application/octet-stream", "digest": digest(model), "size": len(model), "annotations": title("model")}],
    "annotations": {"who": "me"}}
assert json.loads(text) == expected, text
assert list(json.loads(text)) == list(expected), text
END
    blob art/one "sha256:$(sha256sum <"$dir/model.kept" | cut -d' ' -f1)" | cmp - "$dir/model.kept"
    blob art/one "$(printf '{}' | sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/')" | grep -qx '{}'
    [ "$(kist images --format '{{.Size}}' list)" = 3.146MB ]
    run --separate-stderr kist manifest push list "$HUB/art/one:1" # sends nothing but manifests
    [ "$status" -eq 0 ]

    # every other option; a second file of the same name replaces nothing
    kist manifest add list --artifact --artifact-config "$dir/settings.json" --artifact-config-type application/x.conf --artifact-layer-type application/x.layer \
        --artifact-exclude-titles "$dir/model" >/dev/null
    kist manifest push -q list "$HUB/art/one:2"
    entry=$(list_field list 'd["manifests"][2]["digest"]')
    skopeo inspect --raw --tls-verify=false "docker://$HUB/art/one@$entry" >"$dir/artifact"
    [ "$(/usr/bin/python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(d["artifactType"], d["config"]["mediaType"], d["config"]["size"], [(l["mediaType"], "annotations" in l) for l in d["layers"]])' "$dir/artifact")" = \
        "application/vnd.unknown.artifact.v1 application/x.conf 8 [('application/x.layer', False)]" ]
    run kist system check
    echo "$output"
    [ "$status" -eq 0 ]

    # an entry is named by its digest or by its file's path; what nothing names any more goes
    run kist manifest annotate list "$dir/model" --variant v1
    [[ "$output" = *"names 2 entries"* ]]
    kist manifest annotate list "$dir/note.txt" --variant v1 >/dev/null
    [ "$(list_field list 'd["manifests"][1]["platform"]["variant"]')" = v1 ]
    kist manifest remove list "$dir/note.txt" >/dev/null
    kist manifest remove list "$entry" >/dev/null
    [ "$(list_field list '[e["platform"]["os"] for e in d["manifests"]]')" = "['linux']" ]
    [ ! -e "$ROOT_T/root/content/sha256/$(sha256sum <"$dir/model.kept" | cut -d' ' -f1)" ]
    run kist system check
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "an artifact's damaged or missing blob is found by system check; rm of its list takes it; wrong use is refused" {
    local dir="$BATS_TEST_TMPDIR" blob
    head -c 2M /dev/urandom >"$dir/file"
    kist manifest create list busybox >/dev/null
    kist manifest add list --artifact "$dir/file" >/dev/null
    blob="$ROOT_T/root/content/sha256/$(sha256sum <"$dir/file" | cut -d' ' -f1)"
    kist rmi "$(kist import -q "$ROOT_T/busybox.tar" --change 'LABEL x=y')" >/dev/null # a removal sweeps what nothing names
    cmp "$dir/file" "$blob"
    kist manifest rm list >/dev/null
    [ ! -e "$blob" ]
    kist manifest create list busybox >/dev/null
    kist manifest add list --artifact "$dir/file" >/dev/null
    printf x | dd of="$blob" bs=1 seek=1000 conv=notrunc status=none
    run kist system check
    [ "$status" -ne 0 ]
    [[ "$output" = *"is damaged"* ]]
    run kist manifest push list "$HUB/art/damaged:1"
    [ "$status" -eq 125 ]
    kist manifest add list --artifact "$dir/file" >/dev/null # adding it again mends it
    kist system check
    rm "$blob"
    run kist manifest push list "$HUB/art/damaged:1"
    [ "$status" -eq 1 ]
    [[ "$output" = *"is missing from the store"* ]]
    run kist system check --repair
    run kist manifest exists list
    [ "$status" -eq 1 ]
    kist system check

    kist manifest create list busybox >/dev/null
    run kist manifest add list --artifact-type application/x "$dir/file"
    [ "$status" -eq 125 ]
    [[ "$output" = *"--artifact-type needs --artifact"* ]]
    run kist manifest add list --artifact --all "$dir/file"
    [ "$status" -eq 125 ]
    run kist manifest add list --artifact --artifact-type 'no type' "$dir/file"
    [ "$status" -eq 125 ]
    [[ "$output" = *"media type"* ]]
    run kist manifest add list --artifact "$dir/none"
    [ "$status" -eq 125 ]
    [[ "$output" = *"No such file"* ]]
    run kist manifest add list --artifact "$dir"
    [[ "$output" = *"is no regular file"* ]]
    [ "$(list_field list 'len(d["manifests"])')" = 1 ]
}

@test "what belongs to an image is found from it: by the list under a tag where the registry knows no better" {
    local dir="$BATS_TEST_TMPDIR" image first second tag
    kist push -q busybox "$HUB/refer/app:1"
    image=$(kist image inspect -f '{{.Digest}}' "$HUB/refer/app:1" 2>/dev/null || raw_digest "$HUB/refer/app:1")
    image=$(raw_digest "$HUB/refer/app:1")
    tag=sha256-${image#sha256:}
    echo one >"$dir/one" && echo two >"$dir/two"
    kist manifest create list >/dev/null
    kist manifest add list --artifact --artifact-type application/x.sbom --annotation n=1 --artifact-subject "docker://$HUB/refer/app:1" "$dir/one" >/dev/null
    first=$(list_field list 'd["manifests"][0]["digest"]')
    kist manifest push -q list "$HUB/refer/app:list"
    skopeo inspect --raw --tls-verify=false "docker://$HUB/refer/app:$tag" >"$dir/referrers"
    [ "$(/usr/bin/python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(d["mediaType"], [(e["digest"], e["artifactType"], e["annotations"]) for e in d["manifests"]])' "$dir/referrers")" = \
        "application/vnd.oci.image.index.v1+json [('$first', 'application/x.sbom', {'n': '1'})]" ]
    [ "$(skopeo inspect --raw --tls-verify=false "docker://$HUB/refer/app@$first" | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["subject"]["digest"])')" = "$image" ]

    # a second one is added, none twice, and what others wrote stays
    /usr/bin/python3 - "$HUB" "$tag" "$dir/referrers" <<'END'
import json, sys, urllib.request
index = json.load(open(sys.argv[3]))
index["manifests"][0]["com.example.mark"] = "kept"
request = urllib.request.Request(f"http://{sys.argv[1]}/v2/refer/app/manifests/{sys.argv[2]}", json.dumps(index).encode(), {"Content-Type": index["mediaType"]}, method="PUT")
assert urllib.request.urlopen(request).status == 201
END
    kist manifest add list --artifact --artifact-subject "docker://$HUB/refer/app:1" "$dir/two" >/dev/null
    second=$(list_field list 'd["manifests"][1]["digest"]')
    kist manifest push -q list "$HUB/refer/app:list"
    kist manifest push -q list "$HUB/refer/app:list"
    [ "$(skopeo inspect --raw --tls-verify=false "docker://$HUB/refer/app:$tag" | /usr/bin/python3 -c 'import json, sys; d = json.load(sys.stdin); print([e["digest"] for e in d["manifests"]], d["manifests"][0]["com.example.mark"])')" = \
        "['$first', '$second'] kept" ]
    # so is a list that has a subject itself
    kist manifest annotate --index --subject "docker://$HUB/refer/app:1" list >/dev/null
    kist manifest push -q list "$HUB/refer/app:list"
    [ "$(skopeo inspect --raw --tls-verify=false "docker://$HUB/refer/app:$tag" | grep -c "$(raw_digest "$HUB/refer/app:list")")" = 1 ]
    # and an artifact that is copied to another repository
    kist push -q busybox "$HUB/refer/copy:1"
    kist manifest create other >/dev/null
    kist manifest add other "docker://$HUB/refer/app@$first" >/dev/null
    kist manifest push -q other "$HUB/refer/copy:list"
    [ "$(skopeo inspect --raw --tls-verify=false "docker://$HUB/refer/copy:$tag" | grep -c "$first")" = 1 ]
    # what has that tag and is no list of them is not overwritten
    kist push -q busybox "$HUB/refer/copy:$tag"
    run kist manifest push list "$HUB/refer/copy:list"
    [ "$status" -eq 125 ]
    [[ "$output" = *"'$tag'"* ]]
    [ "$(raw_digest "$HUB/refer/copy:$tag")" = "$image" ]
}

@test "a registry that lists referrers itself gets no list from us" {
    local dir="$BATS_TEST_TMPDIR" log
    start_test_registry
    printf '{"cgroup-parent": "%s", "insecure-registries": ["%s", "%s"]}\n' "$CGROUP_PARENT" "$HUB" "$REGISTRY" >"$ROOT_T/two.json"
    two() { "$KIST" --config "$ROOT_T/two.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" "$@"; }
    printf '{"cgroup-parent": "%s", "insecure-registries": ["%s", "127.0.0.1:1"]}\n' "$CGROUP_PARENT" "$HUB" >"$ROOT_T/kist.json"
    echo one >"$dir/one"
    kist push -q busybox "$HUB/refer/app:1"
    two manifest create list >/dev/null
    two manifest add list --artifact --artifact-subject "docker://$HUB/refer/app:1" "$dir/one" >/dev/null
    two manifest push -q list "$REGISTRY/referrers/x:1"
    two manifest push -q list "$REGISTRY/good/x:1"
    stop_test_registry
    log=$(grep ' PUT .*/manifests/' "$ROOT_T/registry.log" | cut -d' ' -f3)
    echo "$log"
    [ "$(grep -c '^/v2/referrers/x/manifests/' <<<"$log")" = 2 ]
    [ "$(grep -c '^/v2/referrers/x/manifests/sha256-' <<<"$log")" = 0 ]
    [ "$(grep -c '^/v2/good/x/manifests/sha256-' <<<"$log")" = 1 ]
}

@test "push --platform: one image of a list as an image of its own, from here or from a registry" {
    local arm
    arm=$(kist image inspect -f '{{.Id}}' busybox-arm)
    kist manifest create list busybox busybox-arm >/dev/null
    kist push -q --platform linux/arm64 --digestfile "$BATS_TEST_TMPDIR/digest" list "$HUB/single/app:1"
    [ "$(cat "$BATS_TEST_TMPDIR/digest")" = "$(raw_digest "$HUB/single/app:1")" ]
    [ "$(skopeo inspect --raw --tls-verify=false "docker://$HUB/single/app:1" | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["config"]["digest"])')" = "$arm" ]
    run kist push --platform linux/vax list "$HUB/single/app:2"
    [ "$status" -eq 1 ]
    [[ "$output" = *"no image for platform linux/vax"* ]]
    run kist push --platform linux/a/b/c list "$HUB/single/app:2"
    [ "$status" -eq 125 ]
    # an image is pushed if it is for that platform
    kist push -q --platform linux/arm64 busybox-arm "$HUB/single/image:1"
    [ "$(raw_digest "$HUB/single/image:1")" = "$(raw_digest "$HUB/single/app:1")" ]
    run kist push --platform linux/arm64 busybox "$HUB/single/image:2"
    [ "$status" -eq 1 ]
    [[ "$output" = *"is here for platform linux/"*", not linux/arm64"* ]]
    run curl -s "http://$HUB/v2/single/image/tags/list"
    [[ "$output" = *'"tags":["1"]'* ]]
    # an entry that is in a registry is copied
    kist manifest push -q list "$HUB/single/all:1"
    kist manifest create other --all "docker://$HUB/single/all:1" >/dev/null
    kist push -q --platform linux/arm64 other "$HUB/single/copied:1"
    [ "$(raw_digest "$HUB/single/copied:1")" = "$(raw_digest "$HUB/single/app:1")" ]
    run kist push --platform linux/arm64 busybox "dir:$BATS_TEST_TMPDIR/dir"
    [ "$status" -eq 125 ]
    # all tags: a list among them goes as a list, or as its one image
    kist tag busybox-arm "$HUB/single/tags:image"
    kist manifest create "$HUB/single/tags:list" busybox busybox-arm >/dev/null
    kist push -q -a "$HUB/single/tags"
    [ "$(raw_digest "$HUB/single/tags:list")" = "$(raw_digest "$HUB/single/all:1")" ]
    kist push -q -a --platform linux/arm64 "$HUB/single/tags"
    [ "$(raw_digest "$HUB/single/tags:list")" = "$(raw_digest "$HUB/single/tags:image")" ]
    kist rmi "$HUB/single/tags:image" "$HUB/single/tags:list" >/dev/null
}

@test "manifest inspect --verbose prints what Docker prints" {
    local reference
    command -v docker >/dev/null || skip "no docker"
    kist manifest create list busybox busybox-arm >/dev/null
    kist push -q busybox "$HUB/verbose/app:oci"
    kist push -q --format v2s2 busybox "$HUB/verbose/app:docker"
    kist manifest push -q list "$HUB/verbose/app:list"
    kist manifest push -q --format v2s2 list "$HUB/verbose/app:dockerlist"
    for reference in oci docker list dockerlist; do
        docker manifest inspect --insecure -v "$HUB/verbose/app:$reference" >"$BATS_TEST_TMPDIR/theirs"
        kist manifest inspect -v "$HUB/verbose/app:$reference" >"$BATS_TEST_TMPDIR/ours"
        # the same but for the indentation, down to the order of members
        diff <(sed 's/^[\t]*//' "$BATS_TEST_TMPDIR/theirs") <(sed 's/^ *//' "$BATS_TEST_TMPDIR/ours")
    done
    # of a list that is here, whatever its entries come from
    echo hello >"$BATS_TEST_TMPDIR/file"
    kist manifest add list --artifact "$BATS_TEST_TMPDIR/file" >/dev/null
    kist manifest create other --all "docker://$HUB/verbose/app:list" >/dev/null
    kist manifest inspect --verbose list >"$BATS_TEST_TMPDIR/list"
    kist manifest inspect --verbose other >"$BATS_TEST_TMPDIR/other"
    /usr/bin/python3 - "$HUB" "$BATS_TEST_TMPDIR/list" "$BATS_TEST_TMPDIR/other" <<'END'
import base64, hashlib, json, sys
here, there = (json.load(open(name)) for name in sys.argv[2:])
assert here[1]["Ref"] == "busybox-arm:latest", here
assert here[2]["Ref"] == "list@" + here[2]["Descriptor"]["digest"], here[2]
assert [d["Ref"] for d in there] == [f"{sys.argv[1]}/verbose/app@" + d["Descriptor"]["digest"] for d in there], there
for d in here + there:
    raw = base64.b64decode(d["Raw"])
    assert json.loads(raw) == d["OCIManifest"], d
    assert "sha256:" + hashlib.sha256(raw).hexdigest() == d["Descriptor"]["digest"] and len(raw) == d["Descriptor"]["size"], d
END
}

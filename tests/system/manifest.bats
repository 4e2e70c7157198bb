#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Manifest lists: put together here, pushed with their images, and what skopeo and podman make of them.
load list_helpers

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

# described REFERENCE: checks what manifest inspect --verbose prints of it against what skopeo reads there.
described() {
    kist manifest inspect -v "$1" >"$BATS_TEST_TMPDIR/ours"
    skopeo inspect --raw --tls-verify=false "docker://$1" >"$BATS_TEST_TMPDIR/raw"
    /usr/bin/python3 - "$1" "$BATS_TEST_TMPDIR/ours" "$BATS_TEST_TMPDIR/raw" <<'END'
import base64, hashlib, json, sys
name, ours, raw = sys.argv[1], json.load(open(sys.argv[2])), open(sys.argv[3], "rb").read()
top = json.loads(raw)
is_list = "manifests" in top
assert isinstance(ours, list) == is_list and (not is_list or len(ours) == len(top["manifests"]) == 2), ours
for number, d in enumerate(ours if is_list else [ours]):
    kind = "SchemaV2Manifest" if "docker" in d["Descriptor"]["mediaType"] else "OCIManifest"
    assert list(d) == ["Ref", "Descriptor", "Raw", kind], list(d)  # Docker's order
    bytes_of = base64.b64decode(d["Raw"])
    assert json.loads(bytes_of) == d[kind] and d[kind]["layers"], d
    assert "sha256:" + hashlib.sha256(bytes_of).hexdigest() == d["Descriptor"]["digest"] and len(bytes_of) == d["Descriptor"]["size"], d
    assert d["Descriptor"]["mediaType"] == d[kind]["mediaType"] and d["Descriptor"]["platform"]["os"] == "linux", d
    assert d["Ref"] == (name + "@" + d["Descriptor"]["digest"] if is_list else name), d["Ref"]
    assert d["Descriptor"] == top["manifests"][number] if is_list else bytes_of == raw, d
END
}

@test "manifest inspect --verbose prints what Docker prints" {
    local reference
    kist manifest create list busybox busybox-arm >/dev/null
    kist push -q busybox "$HUB/verbose/app:oci"
    kist push -q --format v2s2 busybox "$HUB/verbose/app:docker"
    kist manifest push -q list "$HUB/verbose/app:list"
    kist manifest push -q --format v2s2 list "$HUB/verbose/app:dockerlist"
    for reference in oci docker list dockerlist; do
        described "$HUB/verbose/app:$reference"
        command -v docker >/dev/null || continue
        # where there is one: the same but for the indentation
        docker manifest inspect --insecure -v "$HUB/verbose/app:$reference" >"$BATS_TEST_TMPDIR/theirs"
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

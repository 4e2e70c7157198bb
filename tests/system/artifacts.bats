#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Artifacts made of files, and how what belongs to an image is found from it (referrers).
load list_helpers

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

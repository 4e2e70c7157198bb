#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Volumes as objects: create, ls, inspect, rm, prune, exists.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() {
    kist rm -af -t 0 >/dev/null
    kist volume rm -af >/dev/null
    [ -z "$(ls -A "$ROOT_T/root/volumes" 2>/dev/null)" ]
    check_footprint
}

@test "--volume-driver: local is what there is, another is refused at create with what to do, and leaves nothing" {
    kist create --name c --volume-driver local -v driven:/v busybox true >/dev/null
    [ "$(kist inspect -f '{{.HostConfig.VolumeDriver}}' c)" = local ]
    [ "$(kist volume inspect -f '{{.Driver}}' driven)" = local ]
    kist rm c >/dev/null
    kist volume rm driven
    run -125 kist create --name d --volume-driver nfs -v other:/v busybox true
    [[ "$output" == *"unknown volume driver 'nfs': there is 'local'"*"kist volume create --opt type=nfs"* ]]
    run -1 kist volume exists other
    run -1 kist container exists d
}

@test "create, exists, ls, inspect, rm" {
    [ "$(kist volume create data)" = data ]
    kist volume exists data
    run kist volume exists other
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [ "$(kist volume ls)" = $'DRIVER    VOLUME NAME\nlocal     data' ]
    [ "$(kist volume ls -q)" = data ]
    local folder
    folder=$(kist volume inspect -f '{{.Mountpoint}}' data)
    [ "$folder" = "$ROOT_T/root/volumes/data/_data" ]
    [ "$(stat -c '%a %u %g' "$folder")" = "755 0 0" ]
    kist volume inspect data | jq -e '.[0] | .Name == "data" and .Driver == "local" and .Scope == "local" and .Anonymous == false'
    [ "$(kist volume rm data)" = data ]
    run kist volume inspect data
    [ "$status" -eq 1 ]
    [[ "$output" == *'no such volume: data'* ]]
}

@test "the old --name, a name that is taken, --ignore, and no name at all" {
    [ "$(kist volume create --name my_data)" = my_data ]
    run kist volume create my_data
    [ "$status" -eq 1 ]
    [[ "$output" == *'my_data already exists'* ]]
    [ "$(kist volume create --ignore my_data)" = my_data ]
    run kist volume create --name a b
    [ "$status" -eq 125 ]
    local name
    name=$(kist volume create)
    [[ "$name" =~ ^[0-9a-f]{64}$ ]]
    [ "$(kist volume inspect -f '{{.Anonymous}}' "$name")" = true ]
}

@test "names that are no names are refused, and nothing is made" {
    local name
    for name in ../x a/b .hidden -- 'a b' "$(printf 'a%.0s' $(seq 241))"; do
        run kist volume create --name "$name"
        [ "$status" -eq 125 ]
    done
    [ -z "$(kist volume ls -q)" ]
}

@test "labels, owners and driver options" {
    kist volume create --label a=1 --label b -o type=tmpfs -o o=size=1m t >/dev/null
    kist volume create --uid 5 --gid 6 u >/dev/null
    kist volume create -o o=uid=7,gid=8 v >/dev/null
    [ "$(kist volume inspect -f '{{.Labels.a}} {{index .Options "o"}}' t)" = '1 size=1m' ]
    [ "$(stat -c '%u %g' "$ROOT_T/root/volumes/u/_data" "$ROOT_T/root/volumes/v/_data")" = $'5 6\n7 8' ]
    [ "$(kist volume ls -q --filter label=a=1)" = t ]
    [ "$(kist volume ls -q --filter label!=b)" = $'u\nv' ]
    [ "$(kist volume ls -q --filter opt=type=tmpfs)" = t ]
    [ "$(kist volume ls -q --filter name='^u$' --filter name=t)" = $'t\nu' ]
    [ "$(kist volume ls -q --filter since=t)" = $'u\nv' ]
    [ "$(kist volume ls --format '{{.Name}}:{{.Label "a"}}' --filter label=b)" = t:1 ]
    local bad
    for bad in type=none device=/srv colour=red o=bind o=nosiud; do
        run kist volume create -o "$bad" bad
        [ "$status" -eq 125 ]
        run kist volume exists bad
        [ "$status" -eq 1 ]
    done
    run kist volume create -d nfs4 bad
    [ "$status" -eq 125 ]
    run kist volume ls --filter danglin=true
    [[ "$status" -eq 125 && "$output" == *"did you mean 'dangling'"* ]]
}

@test "prune takes anonymous ones, with --all every one, and what a filter leaves" {
    local name
    name=$(kist volume create)
    kist volume create --label keep named >/dev/null
    echo 12345 >"$ROOT_T/root/volumes/named/_data/f"
    run kist volume prune --dry-run --all
    [[ "$output" == *named* && "$output" == *"$name"* && "$output" == *'Reclaimable space: 6B'* ]]
    run kist volume prune </dev/null
    [ "$(kist volume ls -q | wc -l)" = 2 ]
    run kist volume prune -f
    [[ "$output" == *"$name"* && "$output" != *named* ]]
    run kist volume prune -af --filter label!=keep
    [[ "$output" == 'Total reclaimed space: 0B' ]]
    run kist volume prune -af
    [[ "$output" == *named* && "$output" == *'Total reclaimed space: 6B'* ]]
    [ -z "$(kist volume ls -q)" ]
}

@test "a damaged record is named, is listed, harms no other volume, and can be removed" {
    kist volume create good >/dev/null
    kist volume create torn >/dev/null
    sed -i 's/torn/town/' "$ROOT_T/root/volumes/torn/volume.json"
    [ "$(kist volume ls --format '{{.Name}} {{.Status}}')" = $'good N/A\ntorn corrupt' ]
    run kist volume inspect good torn
    [ "$status" -eq 1 ]
    [[ "$output" == *'"Name": "good"'* && "$output" == *volume.json*damaged* ]]
    run kist volume prune -af
    [[ "$output" == *good* && "$output" != *torn* ]]
    kist volume rm torn
    [ -z "$(kist volume ls -q)" ]
}

@test "of twenty that create one volume one wins" {
    local i
    for i in $(seq 20); do
        kist volume create same >"$BATS_TEST_TMPDIR/$i" 2>/dev/null &
    done
    wait
    [ "$(cat "$BATS_TEST_TMPDIR"/* | grep -c '^same$')" = 1 ]
    [ "$(ls -A "$ROOT_T/root/volumes")" = same ]
}

@test "creation and removal are told as events" {
    local since
    since=$(date +%s.%N)
    kist volume create told >/dev/null
    kist volume rm told >/dev/null
    [ "$(kist events --since "$since" --until "$(date +%s.%N)" --filter type=volume --format '{{.Action}} {{.Actor.ID}}')" = $'create told\ndestroy told' ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# system df, system prune, image tree.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() {
    remember_footprint
    cd "$BATS_TEST_TMPDIR"
}
teardown() { check_footprint; }

@test "system df counts a shared layer once, and what a stopped container wrote as reclaimable" {
    base=$(kist system df --format '{{.Type}} {{.RawSize}}' | sed -n 's/^Images //p')
    kist run --name c busybox sh -c 'dd if=/dev/zero of=/big bs=1000 count=500 2>/dev/null; echo logged'
    kist commit c derived >/dev/null
    [ "$(kist system df --format '{{.Type}} {{.TotalCount}} {{.Active}} {{.RawSize}} {{.RawReclaimable}}')" = "Images 2 1 $((base + 500000)) 500000
Containers 1 0 500000 500000" ]
    kist system df | head -1 | grep -Eq '^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE$'
    kist system df --format json | python3 -c 'import json, sys; d = json.load(sys.stdin); assert d[1]["RawSize"] == 500000, d'
    kist system df -v >verbose
    grep -Eq '^derived +latest +[0-9a-f]{12} .*500kB' verbose
    grep -Eq "^$(kist ps -aq) .* 500kB +[0-9]+B " verbose
    run -125 kist system df -v --format json
    kist rm c
    kist rmi derived
}

@test "system prune removes stopped containers, then images; with --all those that have a name" {
    kist run --name old busybox true
    kist run -d --name live busybox sleep 1000
    kist commit old unnamed >/dev/null
    kist untag unnamed
    kist commit -c 'LABEL keep=1' old named >/dev/null
    run kist system prune <<<n
    [ "$status" -eq 0 ]
    kist container exists old
    kist system prune -f >out
    grep -q '^Deleted Containers:' out
    grep -q '^Deleted Images:' out
    grep -q '^Total reclaimed space: ' out
    run -1 kist container exists old
    kist container exists live
    kist image exists named
    kist system prune -af --filter 'label!=keep' >/dev/null
    kist image exists named
    kist system prune -af >/dev/null
    run -1 kist image exists named
    kist image exists busybox
    run -125 kist system prune -f --filter name=live
    kist container exists live
}

@test "image tree shows the layers, and what was made on them" {
    kist run --name c busybox touch /one
    kist commit c tree:one >/dev/null
    kist image tree tree:one >own
    [ "$(grep -c 'ID: .*Size' own)" = 2 ]
    grep -q '^└── ID: .* Top Layer of: \[docker.io/library/tree:one\]$' own
    kist image tree --whatrequires busybox >above
    grep -q '^    └── ID: .*tree:one' above
    run -1 kist image tree no-such
    kist rmi tree:one
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# How a container is addressed, and names that may not be taken: SEEDS A020, A021, and DESIGN 1 on names.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() { check_footprint; }

@test "A020: full id, then exact name, then a unique prefix of an id" {
    a=$(kist create --name alpha busybox true)
    [ "$(kist inspect --format '{{.Id}}' "$a")" = "$a" ]
    [ "$(kist inspect --format '{{.Id}}' alpha)" = "$a" ]
    [ "$(kist inspect --format '{{.Id}}' "${a:0:6}")" = "$a" ]
    [ "$(kist inspect --format '{{.Id}}' "${a:0:12}")" = "$a" ]
}

@test "A020: an ambiguous prefix lists the candidates" {
    declare -A first
    for i in $(seq 40); do
        id=$(kist create busybox true)
        if [ -n "${first[${id:0:1}]:-}" ]; then
            run kist inspect "${id:0:1}"
            [ "$status" -ne 0 ]
            [[ "$output" == *"${id:0:12}"* ]]
            [[ "$output" == *"${first[${id:0:1}]:0:12}"* ]]
            return 0
        fi
        first[${id:0:1}]=$id
    done
    false
}

@test "A021: a name that is or begins the id of a container is refused" {
    a=$(kist create busybox true)
    for name in "$a" "${a:0:12}" "${a:0:20}"; do
        run kist create --name "$name" busybox true
        [ "$status" -eq 125 ]
        [[ "$output" == *"${a:0:12}"* ]]
    done
    run kist create --name 0000000000000000000000000000000000000000000000000000000000000000 busybox true
    [ "$status" -eq 125 ]
    b=$(kist create --name beta busybox true)
    run kist rename beta "${a:0:12}"
    [ "$status" -ne 0 ]
    [ "$(kist inspect --format '{{.Id}}' beta)" = "$b" ]
}

@test "a name in use is refused and the message names its owner" {
    a=$(kist create --name web busybox true)
    run kist create --name web busybox true
    [ "$status" -eq 125 ]
    [[ "$output" == *web* ]]
    [[ "$output" == *"$a"* ]]
}

@test "create --replace takes the name from the old container" {
    a=$(kist run -d --name web busybox sleep 100)
    b=$(kist run -d --replace --name web busybox sleep 100)
    [ "$a" != "$b" ]
    [ "$(kist inspect --format '{{.Id}}' web)" = "$b" ]
    run kist inspect "$a"
    [ "$status" -ne 0 ]
}

@test "of many creates of one name exactly one succeeds" {
    export -f kist
    export KIST
    seq 200 | xargs -P 25 -I{} bash -c 'kist create --name only busybox true >>"$BATS_TEST_TMPDIR/ok" 2>>"$BATS_TEST_TMPDIR/err" || true'
    [ "$(wc -l <"$BATS_TEST_TMPDIR/ok")" -eq 1 ]
    [ "$(grep -c 'already in use' "$BATS_TEST_TMPDIR/err")" -eq 199 ]
    [ "$(kist ps -aq | wc -l)" -eq 1 ]
}

@test "rename moves the name in every state" {
    kist create --name one busybox sleep 100
    kist rename one two
    kist start two
    kist rename two three
    kist stop -t 0 three
    kist rename three four
    run kist inspect --format '{{.Name}}' four
    [[ "$output" == */four || "$output" == four ]]
    kist create --name one busybox true
    kist create --name three busybox true
}

@test "bad names are refused with the grammar" {
    for name in -x ../x a/b 'a b' '' $'a\nb' é; do
        run kist create --name="$name" busybox true
        [ -z "$name" ] || [ "$status" -eq 125 ]
    done
}

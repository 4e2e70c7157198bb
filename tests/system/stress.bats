#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Many commands at once: SEEDS A035, A036, SECURITY F12, F13.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() { check_footprint; }

@test "200 runs of --rm, 16 at a time: none is lost, nothing stays" {
    export -f kist
    export KIST
    seq 200 | xargs -P 16 -I{} bash -c 'kist run --rm busybox sh -c "exit 7"; echo $?' >"$BATS_TEST_TMPDIR/codes" 2>"$BATS_TEST_TMPDIR/errors"
    [ "$(sort -u "$BATS_TEST_TMPDIR/codes")" = 7 ] || { sort "$BATS_TEST_TMPDIR/codes" | uniq -c; head "$BATS_TEST_TMPDIR/errors"; false; }
    [ "$(wc -l <"$BATS_TEST_TMPDIR/codes")" -eq 200 ]
    [ ! -s "$BATS_TEST_TMPDIR/errors" ]
}

@test "60 detached containers at once, listed, stopped and removed together" {
    export -f kist
    export KIST
    seq 60 | xargs -P 12 -I{} bash -c 'kist run -d --name c{} busybox sleep 1000' >/dev/null
    [ "$(kist ps -q | wc -l)" -eq 60 ]
    kist stop -a -t 0 >/dev/null
    [ "$(kist ps -q | wc -l)" -eq 0 ]
    [ "$(kist ps -aq | wc -l)" -eq 60 ]
    kist rm -a >/dev/null
    [ "$(kist ps -aq | wc -l)" -eq 0 ]
}

@test "start and stop of one container by many commands ends in one state" {
    export -f kist
    export KIST
    kist create --name contested busybox sleep 1000
    seq 60 | xargs -P 8 -I{} bash -c 'if [ $(({} % 2)) = 0 ]; then kist start contested; else kist stop -t 0 contested; fi' >/dev/null 2>&1 || true
    state=$(kist inspect --format '{{.State.Status}}' contested)
    [[ "$state" == running || "$state" == exited ]]
    kist stop -t 0 contested
    kist start contested
    [ "$(kist inspect --format '{{.State.Status}}' contested)" = running ]
}

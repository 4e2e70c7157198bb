# SPDX-License-Identifier: Apache-2.0
# What the tests of kist and of kist-oci share: asking for root, waiting, and comparing what a test leaves behind.

bats_require_minimum_version 1.5.0

top=$(cd "${BATS_TEST_DIRNAME}/../.." && pwd)

# For setup_file.
need_root() { [ "$(id -u)" = 0 ] || skip "needs root"; }

# Why systemd makes no control groups of ours here; nothing when it does.
reason_against_scopes() {
    if [ ! -S /run/systemd/private ]; then
        echo "systemd does not run here"
    elif [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
        echo "needs cgroup v2 alone"
    fi
}

# at_most NUMBER: a limit of time, in whatever unit. Where processors are emulated PATIENCE is how many times as long it is.
at_most() { echo $(($1 * ${PATIENCE:-1})); }

# wait_until SECONDS COMMAND…: retries until it succeeds.
wait_until() {
    local end=$(($(date +%s%N) + $(at_most "$1") * 1000000000))
    shift
    until "$@"; do
        [ "$(date +%s%N)" -lt "$end" ] || { echo "still not after the time given: $*"; return 1; }
        sleep 0.05
    done
}

# remember FUNCTION, before a test: what it prints. nothing_left FUNCTION, after it: fails when it prints a line more. Ending
# processes may still be on their last lines, so that waits up to two seconds.
remember() { "$1" | sort -u >"$BATS_TEST_TMPDIR/footprint"; }
nothing_left() {
    local try left
    for try in $(seq 20); do
        left=$("$1" | sort -u | comm -13 "$BATS_TEST_TMPDIR/footprint" -)
        [ -n "$left" ] || return 0
        sleep 0.1
    done
    echo "left behind:"
    echo "$left"
    return 1
}

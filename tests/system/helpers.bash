# SPDX-License-Identifier: Apache-2.0
# Shared by the system tests (bats): a private root and runroot, the image busybox, and the leak check that follows every
# test: what the host has of mounts, links, cgroups, processes and temporary files must be what it had before.
# The environment names the programs under test: KIST (the command), else build-check's.

bats_require_minimum_version 1.5.0

top=$(cd "${BATS_TEST_DIRNAME}/../.." && pwd)
KIST=${KIST:-$top/build-check/src/cli/kist}

kist() {
    "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" "$@"
}

# make_root: a fresh store for this file, with the image busybox. For setup_file.
make_root() {
    [ "$(id -u)" = 0 ] || skip "needs root"
    ROOT_T=$(mktemp -d /tmp/kist-system.XXXXXX)
    export ROOT_T
    CGROUP_PARENT=/kist-test-${ROOT_T##*.}
    export CGROUP_PARENT
    printf '{"cgroup-parent": "%s"}\n' "$CGROUP_PARENT" >"$ROOT_T/kist.json"
    busybox_archive "$ROOT_T/busybox.tar"
    kist import --quiet --change 'CMD ["sh"]' "$ROOT_T/busybox.tar" busybox >/dev/null
}

# The archive is the same for all files; it is made by the function that quickstart uses.
busybox_archive() (
    . "$top/contrib/lib.sh"
    busybox_tar "$1"
)

# remove_root: for teardown_file. Removes every container, then looks for what is left.
remove_root() {
    [ -n "${ROOT_T:-}" ] || return 0
    kist rm -af -t 0 >/dev/null 2>&1 || true
    kist network prune -f >/dev/null 2>&1 || true
    find /sys/fs/cgroup -depth -type d -path "*$CGROUP_PARENT*" -exec rmdir {} + 2>/dev/null || true
    rm -rf "$ROOT_T"
}

# What this test file could leave behind, one thing a line. PID 1 of a test machine may not reap orphans, so zombies do
# not count.
footprint() {
    awk '{print "mount " $5}' /proc/self/mountinfo
    ls /sys/class/net | sed 's/^/link /'
    find /sys/fs/cgroup -maxdepth 4 -type d -path "*$CGROUP_PARENT/*" 2>/dev/null | sed 's/^/cgroup /'
    local process
    for process in /proc/[0-9]*; do
        [ "$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "$process/status" 2>/dev/null)" = Z ] && continue
        case "$(tr '\0' '\n' 2>/dev/null <"$process/cmdline" | head -1)" in
        */kist-monitor | kist-monitor) echo "process ${process#/proc/} $(tr '\0' ' ' 2>/dev/null <"$process/cmdline")" ;;
        esac
    done
    ls "$ROOT_T/root/tmp" 2>/dev/null | sed 's/^/temp /'
    ls "$ROOT_T"/run/networks/*/leases 2>/dev/null | grep -E '^[0-9a-f.:]+$' | grep -v : | sed 's/^/lease /'
    ls /run/netns 2>/dev/null | sed 's/^/netns /'
    ! command -v nft >/dev/null || nft list tables 2>/dev/null | sed 's/^/firewall /'
    sed 's/^/ip_forward /' /proc/sys/net/ipv4/ip_forward
    ls "$ROOT_T/run/containers" "$ROOT_T/root/containers" 2>/dev/null | grep -E '^[0-9a-f]{64}$' | sed 's/^/record /'
    ls "$ROOT_T/root/containers/names" 2>/dev/null | sed 's/^/name /'
}

# For setup of every test.
remember_footprint() {
    footprint | sort -u >"$BATS_TEST_TMPDIR/footprint"
}

# For teardown of every test: removes the test's containers as a user would, then compares. A removed container's monitor
# may still be on its last lines, so the comparison waits up to two seconds for processes to go.
check_footprint() {
    kist rm -af -t 0 >/dev/null || { echo "rm -af failed in clean-up"; return 1; }
    kist network prune -f >/dev/null || { echo "network prune failed in clean-up"; return 1; }
    local try left
    for try in $(seq 20); do
        left=$(footprint | sort -u | comm -13 "$BATS_TEST_TMPDIR/footprint" -)
        [ -n "$left" ] || return 0
        sleep 0.1
    done
    echo "left behind:"
    echo "$left"
    return 1
}

# wait_until SECONDS COMMAND…: retries until it succeeds.
wait_until() {
    local end=$(($(date +%s%N) + $1 * 1000000000))
    shift
    until "$@"; do
        [ "$(date +%s%N)" -lt "$end" ] || { echo "still not after the time given: $*"; return 1; }
        sleep 0.05
    done
}

# make_certificate: $ROOT_T/tls.crt and tls.key for 127.0.0.1 and localhost, signed by themselves.
make_certificate() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=kist-test -addext "subjectAltName=IP:127.0.0.1,DNS:localhost" \
        -keyout "$ROOT_T/tls.key" -out "$ROOT_T/tls.crt" 2>/dev/null
}

# start_test_registry [--tls CERT KEY]: registry_server.py; exports REGISTRY, TLS_REGISTRY and FOREIGN, and lets kist speak
# plain http to the first.
start_test_registry() {
    local ports try
    /usr/bin/python3 "$BATS_TEST_DIRNAME/registry_server.py" "$ROOT_T/registry.log" "$@" >"$ROOT_T/registry.ports" 2>"$ROOT_T/registry.err" 3>&- &
    echo $! >"$ROOT_T/registry.pid"
    for try in $(seq 100); do
        read -r -a ports <"$ROOT_T/registry.ports" && break
        sleep 0.1
    done
    [ "${#ports[@]}" -eq 3 ] || { cat "$ROOT_T/registry.err"; return 1; }
    export REGISTRY=127.0.0.1:${ports[0]} FOREIGN=localhost:${ports[1]} TLS_REGISTRY=127.0.0.1:${ports[2]}
    printf '{"cgroup-parent": "%s", "insecure-registries": ["%s"], "registry-timeout": 2}\n' "$CGROUP_PARENT" "$REGISTRY" >"$ROOT_T/kist.json"
}
stop_test_registry() { [ ! -e "$ROOT_T/registry.pid" ] || kill "$(cat "$ROOT_T/registry.pid")" || true; }

# start_registry PORT [MORE]: Debian's docker-registry on 127.0.0.1:PORT with its data in $ROOT_T/registry; MORE is added to
# the "http" part of its configuration. Waits until it answers.
start_registry() {
    local try
    {
        echo "{version: 0.1, log: {level: error}, storage: {filesystem: {rootdirectory: $ROOT_T/registry}, delete: {enabled: true}},"
        echo " http: {addr: '127.0.0.1:$1' ${2:-}}}"
    } >"$ROOT_T/registry-$1.yml"
    docker-registry serve "$ROOT_T/registry-$1.yml" >"$ROOT_T/registry-$1.log" 2>&1 3>&- &
    echo $! >>"$ROOT_T/registry.pids"
    for try in $(seq 100); do
        (exec 4<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
        sleep 0.1
    done
    echo "the registry does not answer"; cat "$ROOT_T/registry-$1.log"
    return 1
}
stop_registries() { [ ! -e "$ROOT_T/registry.pids" ] || xargs kill <"$ROOT_T/registry.pids" || true; }

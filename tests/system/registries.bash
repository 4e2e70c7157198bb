# SPDX-License-Identifier: Apache-2.0
# For tests with a registry: Debian's docker-registry, our own that can be told to misbehave, and a second, empty store.

load helpers

# fresh WORD…: kist with a store in $ROOT_T/fresh, where nothing is there yet.
fresh() { "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" "$@"; }

# For teardown of tests that ran containers of that store: its bridge goes, then the leak check.
check_fresh_footprint() {
    fresh network prune -f >/dev/null || return 1
    check_footprint
}

# For setup_file: a store and a docker-registry on $PORT that kist speaks plain http to, as to the HOSTs; $HUB is its name.
setup_hub() { # setup_hub [HOST…]
    local host more=
    make_root
    PORT=$((20000 + $$ % 10000))
    export PORT HUB=127.0.0.1:$PORT
    start_registry "$PORT"
    for host in "$@"; do more+=", \"$host\""; done
    printf '{"cgroup-parent": "%s", "insecure-registries": ["%s"%s]}\n' "$CGROUP_PARENT" "$HUB" "$more" >"$ROOT_T/kist.json"
}
teardown_hub() {
    stop_registries
    remove_root
}
# For setup: nothing of the tests before, neither the second store nor what was logged in to.
setup_fresh() {
    remember_footprint
    export HOME="$BATS_TEST_TMPDIR"
    rm -rf "$ROOT_T/fresh"
}

# For setup_file and teardown_file of the files that use registry_server.py, with a name for it and without.
setup_test_registry() {
    make_root
    make_certificate
    start_test_registry --tls "$ROOT_T/tls.crt" "$ROOT_T/tls.key"
}
teardown_test_registry() {
    stop_test_registry
    remove_root
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
    printf '{"cgroup-parent": "%s", "insecure-registries": ["%s"], "registry-timeout": %s}\n' "$CGROUP_PARENT" "$REGISTRY" "$(at_most 2)" >"$ROOT_T/kist.json"
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

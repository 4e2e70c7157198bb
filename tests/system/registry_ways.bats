#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# How a registry is reached: through proxies that the environment names, and with a client certificate.
load registries

setup_file() {
    make_root
    PORT=$((20000 + $$ % 10000)) TLS_PORT=$((30001 + $$ % 10000)) CLIENT_PORT=$((40002 + $$ % 10000))
    export PORT TLS_PORT CLIENT_PORT
    # names that only the proxy finds
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=kist-test -addext "subjectAltName=IP:127.0.0.1,DNS:registry.test" \
        -keyout "$ROOT_T/tls.key" -out "$ROOT_T/tls.crt" 2>/dev/null
    for who in client stranger; do
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$who" -keyout "$ROOT_T/$who.key" -out "$ROOT_T/$who.cert" 2>/dev/null
    done
    start_registry "$PORT"
    start_registry "$TLS_PORT" ", tls: {certificate: $ROOT_T/tls.crt, key: $ROOT_T/tls.key}"
    start_registry "$CLIENT_PORT" ", tls: {certificate: $ROOT_T/tls.crt, key: $ROOT_T/tls.key, clientcas: [$ROOT_T/client.cert]}"
    printf '{"cgroup-parent": "%s", "insecure-registries": ["127.0.0.1:%s", "registry.test:%s"]}\n' "$CGROUP_PARENT" "$PORT" "$PORT" >"$ROOT_T/kist.json"
    kist push -q busybox "127.0.0.1:$PORT/team/busybox:1"
    start_proxy plain
    start_proxy closed user:secret
}
teardown_file() { teardown_hub; }
setup() {
    setup_fresh
    : >"$ROOT_T/plain.log"
    : >"$ROOT_T/closed.log"
    unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY no_proxy ALL_PROXY all_proxy
}
teardown() { check_footprint; }

# start_proxy NAME [USER:PASSWORD]: its port in $ROOT_T/NAME.port, what it was asked in $ROOT_T/NAME.log
start_proxy() {
    /usr/bin/python3 "$BATS_TEST_DIRNAME/proxy_server.py" "$ROOT_T/$1.log" ${2:+"$2"} >"$ROOT_T/$1.port" 2>/dev/null 3>&- &
    echo $! >>"$ROOT_T/registry.pids"
    wait_until 10 test -s "$ROOT_T/$1.port"
}
proxy() { echo "http://${2:+$2@}127.0.0.1:$(cat "$ROOT_T/$1.port")"; }
certs() { # FILE…: a folder of them
    rm -rf "$BATS_TEST_TMPDIR/certs" && mkdir "$BATS_TEST_TMPDIR/certs"
    cp "$@" "$BATS_TEST_TMPDIR/certs"
    mv "$BATS_TEST_TMPDIR/certs/tls.crt" "$BATS_TEST_TMPDIR/certs/ca.crt"
}

@test "http and https through a proxy, pull and push; either case of the variables" {
    local name
    for name in http_proxy HTTP_PROXY ALL_PROXY; do
        rm -rf "$ROOT_T/fresh"
        env $name="$(proxy plain)" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" \
            pull -q "registry.test:$PORT/team/busybox:1"
        [ "$(fresh image inspect -f '{{.Id}}' "registry.test:$PORT/team/busybox:1")" = "$(kist image inspect -f '{{.Id}}' busybox)" ]
    done
    grep -q "^GET http://registry.test:$PORT/v2/team/busybox/manifests/1 " "$ROOT_T/plain.log"
    certs "$ROOT_T/tls.crt"
    for name in https_proxy HTTPS_PROXY; do
        env $name="$(proxy plain)" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" \
            push -q --cert-dir "$BATS_TEST_TMPDIR/certs" busybox "registry.test:$TLS_PORT/${name,,}/busybox:1"
    done
    grep -q "^CONNECT registry.test:$TLS_PORT " "$ROOT_T/plain.log"
    # what is said inside the tunnel stays there
    run ! grep -q "/v2/.*$TLS_PORT" "$ROOT_T/plain.log"
    HTTPS_PROXY="$(proxy plain)" fresh pull -q --cert-dir "$BATS_TEST_TMPDIR/certs" "registry.test:$TLS_PORT/https_proxy/busybox:1"
}

@test "NO_PROXY, and this machine itself, go without" {
    export HTTP_PROXY HTTPS_PROXY
    HTTP_PROXY=$(proxy plain) HTTPS_PROXY=$HTTP_PROXY
    fresh pull -q "127.0.0.1:$PORT/team/busybox:1"
    [ ! -s "$ROOT_T/plain.log" ]
    NO_PROXY=.test run fresh pull -q --retry 0 "registry.test:$PORT/team/busybox:1"
    echo "$output"
    [ "$status" -eq 125 ]
    [[ "$output" = *"esolve"* ]]
    [ ! -s "$ROOT_T/plain.log" ]
}

@test "a proxy that wants a password, one that is not there, and what is said of it" {
    HTTP_PROXY=$(proxy closed user:secret) fresh pull -q "registry.test:$PORT/team/busybox:1"
    grep -q "Basic dXNlcjpzZWNyZXQ=" "$ROOT_T/closed.log"
    HTTPS_PROXY=$(proxy closed user:wrong) run fresh pull --retry 0 "registry.test:$TLS_PORT/team/busybox:1"
    echo "$output"
    [ "$status" -eq 125 ]
    [[ "$output" = *407* ]]
    [[ "$output" != *wrong* ]]
    HTTP_PROXY=http://127.0.0.1:1 run fresh pull --retry 0 "registry.test:$PORT/team/busybox:1"
    [ "$status" -eq 125 ]
    HTTP_PROXY=http://proxy.invalid:1 run fresh pull --retry 0 "registry.test:$PORT/team/busybox:1"
    echo "$output"
    [[ "$output" = *"the proxy is the one that"* ]]
}

@test "a registry does not send us into this machine by way of the proxy" {
    local server port
    /usr/bin/python3 -c 'import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(307); self.send_header("Location", sys.argv[1]); self.end_headers()
    def log_message(self, *a): pass
s = http.server.HTTPServer(("127.0.0.1", 0), H); print(s.server_address[1], flush=True); s.serve_forever()' \
        http://169.254.169.254/latest/meta-data/ >"$BATS_TEST_TMPDIR/port" 2>/dev/null 3>&- &
    server=$!
    wait_until 5 test -s "$BATS_TEST_TMPDIR/port"
    port=$(cat "$BATS_TEST_TMPDIR/port")
    printf '{"insecure-registries": ["registry.test:%s"]}' "$port" >"$BATS_TEST_TMPDIR/kist.json"
    HTTP_PROXY=$(proxy plain) run "$KIST" --config "$BATS_TEST_TMPDIR/kist.json" --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" \
        pull --retry 0 "registry.test:$port/x:1"
    kill $server
    echo "$output"
    [ "$status" -eq 125 ]
    [[ "$output" = *"within this machine or network link: refused"* ]]
    run ! grep -q 169.254 "$ROOT_T/plain.log"
}

@test "a client certificate is shown where its folder says so; without it, or with another one, the registry refuses" {
    certs "$ROOT_T/tls.crt" "$ROOT_T/client.cert" "$ROOT_T/client.key"
    kist push -q --cert-dir "$BATS_TEST_TMPDIR/certs" busybox "127.0.0.1:$CLIENT_PORT/team/busybox:1"
    fresh pull -q --cert-dir "$BATS_TEST_TMPDIR/certs" "127.0.0.1:$CLIENT_PORT/team/busybox:1"
    certs "$ROOT_T/tls.crt"
    run fresh pull --retry 0 --cert-dir "$BATS_TEST_TMPDIR/certs" "127.0.0.1:$CLIENT_PORT/team/busybox:1"
    echo "$output"
    [ "$status" -eq 125 ]
    [[ "$output" = *"client certificate"* ]]
    certs "$ROOT_T/tls.crt" "$ROOT_T/stranger.cert" "$ROOT_T/stranger.key"
    run fresh pull --retry 0 --cert-dir "$BATS_TEST_TMPDIR/certs" "127.0.0.1:$CLIENT_PORT/team/busybox:1"
    echo "$output"
    [ "$status" -eq 125 ]
    # a certificate without its key, and one that is none
    certs "$ROOT_T/tls.crt" "$ROOT_T/client.cert"
    run fresh pull --retry 0 --cert-dir "$BATS_TEST_TMPDIR/certs" "127.0.0.1:$CLIENT_PORT/team/busybox:1"
    echo "$output"
    [ "$status" -eq 125 ]
    [[ "$output" = *client.key* ]]
    certs "$ROOT_T/tls.crt" "$ROOT_T/client.cert" "$ROOT_T/client.key"
    echo no >"$BATS_TEST_TMPDIR/certs/client.key"
    run fresh pull --retry 0 --cert-dir "$BATS_TEST_TMPDIR/certs" "127.0.0.1:$CLIENT_PORT/team/busybox:1"
    echo "$output"
    [ "$status" -eq 125 ]
}

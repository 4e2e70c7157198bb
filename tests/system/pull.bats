#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# pull from Debian's docker-registry on loopback, by http and by https with an authority of our own.
load registries

setup_file() {
    make_root
    PORT=$((20000 + $$ % 10000)) TLS_PORT=$((30001 + $$ % 10000))
    export PORT TLS_PORT
    make_certificate
    mkdir "$ROOT_T/certs" && cp "$ROOT_T/tls.crt" "$ROOT_T/certs/test.crt"
    start_registry "$PORT"
    start_registry "$TLS_PORT" ", tls: {certificate: $ROOT_T/tls.crt, key: $ROOT_T/tls.key}"
    printf '{"cgroup-parent": "%s", "insecure-registries": ["127.0.0.1:%s"]}\n' "$CGROUP_PARENT" "$PORT" >"$ROOT_T/kist.json"
    kist save -o "$ROOT_T/saved.tar" busybox
    skopeo copy -q --insecure-policy --dest-tls-verify=false "docker-archive:$ROOT_T/saved.tar" "docker://127.0.0.1:$PORT/team/busybox:1"
}
teardown_file() {
    stop_registries
    remove_root
}
setup() {
    remember_footprint
    rm -rf "$ROOT_T/fresh"
}
teardown() { check_fresh_footprint; }

# A store of its own, without the image.
fresh_listing() { (cd "$ROOT_T/fresh/root" && find content layers images tmp ! -path tmp/lock ! -path content ! -path 'content/partial' 2>/dev/null | sort); }

@test "pull by http: the image's id on stdout, and it runs" {
    run --separate-stderr fresh pull "127.0.0.1:$PORT/team/busybox:1"
    echo "$stderr"
    [ "$status" -eq 0 ]
    [ "$output" = "$(kist image inspect -f '{{.Id}}' busybox)" ] || [ "$output" = "sha256:$(kist image inspect -f '{{.Id}}' busybox)" ]
    [[ "$stderr" = *": Pull complete"* ]]
    [ "$(fresh run --rm --network none "127.0.0.1:$PORT/team/busybox:1" echo pulled)" = pulled ]
    run --separate-stderr fresh pull "127.0.0.1:$PORT/team/busybox:1"
    [[ "$stderr" = *": Already exists"* ]]
    run --separate-stderr fresh pull -q "127.0.0.1:$PORT/team/busybox:1"
    [ -z "$stderr" ]
}

@test "run fetches a missing image, says so on stderr, and does not ask for one that is here" {
    local name="127.0.0.1:$PORT/team/busybox:1"
    run --separate-stderr fresh run --rm --network none --pull never "$name" true
    [ "$status" -eq 125 ]
    [[ "$stderr" = *"No such image: $name"* ]]
    run --separate-stderr fresh run --rm --network none "$name" echo fetched
    [ "$status" -eq 0 ]
    [ "$output" = fetched ]
    [ "${stderr_lines[0]}" = "Unable to find image '$name' locally" ]
    [[ "$stderr" = *"Status: Downloaded newer image for $name"* ]]
    run --separate-stderr fresh run --rm --network none "$name" true
    [ -z "$stderr" ]
    run --separate-stderr fresh run --rm --network none --pull always "$name" true
    [[ "$stderr" = *"Status: Image is up to date for $name"* ]]
    run --separate-stderr fresh run --rm --network none -q --pull always "$name" true
    [ -z "$stderr" ]
    fresh tag "$name" 127.0.0.1:1/gone:1
    fresh run --rm --network none 127.0.0.1:1/gone:1 true
    fresh run --rm --network none --pull newer 127.0.0.1:1/gone:1 true
    run fresh create --pull always --retry 0 127.0.0.1:1/gone:1
    [ "$status" -eq 125 ]
    run fresh run --pull sometimes "$name"
    [[ "$output" = *"invalid pull policy 'sometimes'"* ]]
}

@test "a local image starts no other program" {
    strace -f -qq -e trace=execve -o "$BATS_TEST_TMPDIR/trace" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" \
        create --pull missing busybox >/dev/null
    [ "$(grep -c execve "$BATS_TEST_TMPDIR/trace")" -eq 1 ]
}

@test "the platform asked for is what is fetched" {
    run fresh pull -q --platform linux/s390x "127.0.0.1:$PORT/team/busybox:1"
    echo "$output"
    [ "$status" -eq 125 ]
    [[ "$output" = *"is for platform linux/"*", not linux/s390x"* ]]
    fresh pull -q --arch "$(uname -m)" --os linux "127.0.0.1:$PORT/team/busybox:1"
    fresh pull -q --policy never "127.0.0.1:$PORT/team/busybox:1"
    run fresh pull --platform a/b/c/d x
    [[ "$output" = *"invalid platform 'a/b/c/d'"* ]]
}

@test "pull by digest" {
    local digest
    digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://127.0.0.1:$PORT/team/busybox:1")
    fresh pull -q "127.0.0.1:$PORT/team/busybox@$digest"
    run --separate-stderr fresh pull -q "127.0.0.1:$PORT/team/busybox@sha256:$(printf '0%.0s' $(seq 64))"
    [ "$status" -eq 125 ]
}

@test "https: trusted by --cert-dir, else refused; http is never tried instead" {
    run --separate-stderr fresh pull "127.0.0.1:$TLS_PORT/team/busybox:1"
    echo "$stderr"
    [ "$status" -eq 125 ]
    [[ "$stderr" = "kist: pulling '127.0.0.1:$TLS_PORT/team/busybox:1': "*certificate* ]]
    fresh pull -q --cert-dir "$ROOT_T/certs" "127.0.0.1:$TLS_PORT/team/busybox:1"
    # A registry that speaks http only, but is not named as such.
    printf '{}' >"$ROOT_T/secure.json"
    run --separate-stderr "$KIST" --config "$ROOT_T/secure.json" --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" pull "127.0.0.1:$PORT/team/busybox:1"
    [ "$status" -eq 125 ]
    [[ "$stderr" = "kist: pulling "* ]]
}

@test "what is not there, is for another platform, or does not answer is said in one line and leaves nothing" {
    fresh images -q >/dev/null
    local before name
    before=$(fresh_listing)
    for name in "127.0.0.1:$PORT/team/busybox:none" "127.0.0.1:$PORT/none:1" "127.0.0.1:1/x:1"; do
        run --separate-stderr fresh pull "$name"
        echo "$stderr"
        [ "$status" -eq 125 ]
        [ "$(printf '%s\n' "$stderr" | wc -l)" -le 2 ]
        [[ "$stderr" = "kist: pulling '$name': "* ]]
    done
    [ "$(fresh_listing)" = "$before" ]
}

@test "a blob that was changed in the registry is refused and leaves nothing" {
    local blob before
    fresh images -q >/dev/null
    before=$(fresh_listing)
    blob=$(find "$ROOT_T/registry" -path '*/blobs/*' -name data -size +100k | head -1)
    cp "$blob" "$ROOT_T/blob.good"
    printf 'X' | dd of="$blob" bs=1 seek=70000 conv=notrunc status=none
    run --separate-stderr fresh pull "127.0.0.1:$PORT/team/busybox:1"
    cp "$ROOT_T/blob.good" "$blob"
    echo "$stderr"
    [ "$status" -eq 125 ]
    diff <(echo "$before") <(fresh_listing)
    fresh pull -q "127.0.0.1:$PORT/team/busybox:1"
}

@test "two pulls at once make each layer once, and neither waits for ever" {
    local n=0
    skopeo copy -q --insecure-policy --dest-tls-verify=false "docker-archive:$ROOT_T/saved.tar" "docker://127.0.0.1:$PORT/team/busybox:2"
    for n in 1 2 1 2; do
        fresh pull "127.0.0.1:$PORT/team/busybox:$n" >/dev/null 2>>"$BATS_TEST_TMPDIR/log.$n" 3>&- &
    done
    wait
    [ "$(cat "$BATS_TEST_TMPDIR"/log.* | grep -c ': Pull complete')" -eq 1 ]
    [ "$(cat "$BATS_TEST_TMPDIR"/log.* | grep -c '^Status: ')" -eq 4 ]
}

@test "a pull that is killed within a blob: the next one fetches the rest and nothing else, as counted on the wire" {
    local count="$BATS_TEST_TMPDIR/count" relay port size kept before fetched id partial="$ROOT_T/fresh/root/content/partial"
    mkdir "$BATS_TEST_TMPDIR/tree" && head -c 24M /dev/urandom >"$BATS_TEST_TMPDIR/tree/noise"
    tar -C "$BATS_TEST_TMPDIR/tree" -cf "$BATS_TEST_TMPDIR/tree.tar" .
    id=$(kist import -q "$BATS_TEST_TMPDIR/tree.tar" noise)
    kist push -q noise "127.0.0.1:$PORT/team/noise:1"
    size=$(kist manifest inspect "127.0.0.1:$PORT/team/noise:1" | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["layers"][0]["size"])')

    echo $((10 << 20)) >"$count.hold"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/relay_server.py" "$PORT" "$count" >"$BATS_TEST_TMPDIR/port" 3>&- &
    relay=$!
    wait_until 10 test -s "$BATS_TEST_TMPDIR/port"
    read -r port <"$BATS_TEST_TMPDIR/port"
    printf '{"cgroup-parent": "%s", "insecure-registries": ["127.0.0.1:%s"]}\n' "$CGROUP_PARENT" "$port" >"$BATS_TEST_TMPDIR/kist.json"
    relayed() { "$KIST" --config "$BATS_TEST_TMPDIR/kist.json" --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" "$@"; }
    "$KIST" --config "$BATS_TEST_TMPDIR/kist.json" --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" \
        pull -q "127.0.0.1:$port/team/noise:1" >/dev/null 2>&1 3>&- &
    local puller=$!
    # all but the answers' headers and the manifest of what was let through has reached the disk
    wait_until 20 eval '[ "$(stat -c %s "$partial"/* 2>/dev/null || echo 0)" -gt $(((10 << 20) - (1 << 16))) ]'
    kill -KILL $puller
    wait $puller || true
    kept=$(stat -c %s "$partial"/*)
    rm "$count.hold"
    sleep 0.2 # what was held back goes to nobody
    before=$(cat "$count")
    [ "$(relayed pull -q "127.0.0.1:$port/team/noise:1")" = "$id" ]
    fetched=$(($(cat "$count") - before))
    kill $relay
    echo "the blob has $size bytes, $kept were kept, $fetched fetched"
    [ "$fetched" -ge $((size - kept)) ]
    [ "$fetched" -lt $((size - kept + (16 << 10))) ]
    [ -z "$(ls "$partial")" ]
    [ "$(relayed image inspect -f '{{.Id}}' "127.0.0.1:$port/team/noise:1")" = "$id" ]
    relayed system check # its layer has the digest that it should have
}

@test "a pull that is killed at any moment leaves a store that the next one completes" {
    local delay
    dd if=/dev/urandom of="$BATS_TEST_TMPDIR/noise" bs=1M count=24 status=none
    tar -C "$BATS_TEST_TMPDIR" -cf "$BATS_TEST_TMPDIR/noise.tar" noise
    kist import -q "$BATS_TEST_TMPDIR/noise.tar" noise >/dev/null
    kist push -q noise "127.0.0.1:$PORT/team/noise:1"
    for delay in 0.02 0.05 0.1 0.15 0.2 0.3 0.4; do
        timeout -s KILL "$delay" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" \
            pull -q "127.0.0.1:$PORT/team/noise:1" >/dev/null 2>&1 || true
    done
    [ "$(fresh pull -q "127.0.0.1:$PORT/team/noise:1")" = "$(kist image inspect -f '{{.Id}}' noise)" ]
    [ -z "$(ls "$ROOT_T/fresh/root/content/partial" 2>/dev/null)" ]
    [ -z "$(ls "$ROOT_T/fresh/root/tmp" | grep -v '^lock$')" ]
    kist rmi -f noise >/dev/null
}

@test "mirrors are asked first, short names and the default registry are what kist.json says" {
    fresh() { "$KIST" --config "$ROOT_T/mirror.json" --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" "$@"; }
    printf '{"insecure-registries": ["127.0.0.1:%s", "127.0.0.1:1"], "short-names": {"box": "127.0.0.1:%s/team/busybox"}, "default-registry": "127.0.0.1:%s",
        "registries": {"127.0.0.1:1": {"mirrors": ["127.0.0.1:1/none", "127.0.0.1:%s"]}}}' "$PORT" "$PORT" "$PORT" "$PORT" >"$ROOT_T/mirror.json"
    run fresh pull --retry 0 127.0.0.1:1/team/busybox:1
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" = *"mirror 127.0.0.1:1: "* ]]
    [[ "$output" = *"Pulling from 127.0.0.1:$PORT/team/busybox"* ]]
    fresh image exists 127.0.0.1:1/team/busybox:1
    fresh pull -q docker://127.0.0.1:$PORT/team/busybox:1
    fresh pull -q box:1
    fresh image exists "127.0.0.1:$PORT/team/busybox:1"
    fresh pull -q team/busybox:1
    fresh run --rm --network none --pull never box:1 true
}

@test "authorities in certs.d count for their registry" {
    mkdir -p "$BATS_TEST_TMPDIR"/{upper,work}
    local place
    for place in kist docker containers; do
        rm -rf "$BATS_TEST_TMPDIR/upper" "$BATS_TEST_TMPDIR/work" "$ROOT_T/fresh"
        mkdir -p "$BATS_TEST_TMPDIR/upper/$place/certs.d/127.0.0.1:$TLS_PORT" "$BATS_TEST_TMPDIR/work"
        cp "$ROOT_T/tls.crt" "$BATS_TEST_TMPDIR/upper/$place/certs.d/127.0.0.1:$TLS_PORT/ca.crt"
        unshare -m sh -c 'mount -t overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" overlay /etc && shift && exec "$@"' sh "$BATS_TEST_TMPDIR" \
            "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" pull -q "127.0.0.1:$TLS_PORT/team/busybox:1"
    done
}

@test "kist-fetch has no privilege and sees no file while it fetches" {
    # A registry that accepts and never answers holds it still.
    /usr/bin/python3 -c 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True); time.sleep(20)' >"$BATS_TEST_TMPDIR/port" 3>&- &
    local server=$! pid port
    wait_until 5 test -s "$BATS_TEST_TMPDIR/port"
    port=$(cat "$BATS_TEST_TMPDIR/port")
    printf '{"insecure-registries": ["127.0.0.1:%s"]}' "$port" >"$ROOT_T/stall.json"
    "$KIST" --config "$ROOT_T/stall.json" --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" pull "127.0.0.1:$port/x:1" 2>/dev/null 3>&- &
    local puller=$!
    wait_until 5 pgrep -P $puller -f kist-fetch
    pid=$(pgrep -P $puller -f kist-fetch)
    wait_until 5 grep -q '^Seccomp:	2' "/proc/$pid/status"
    grep -qx 'CapEff:	0000000000000000' "/proc/$pid/status"
    grep -qx 'CapBnd:	0000000000000000' "/proc/$pid/status"
    grep -q '^Uid:	65534	65534	65534	65534' "/proc/$pid/status"
    grep -qx 'NoNewPrivs:	1' "/proc/$pid/status"
    [ "$(ls "/proc/$pid/root")" = etc ]
    kill $puller $server
    wait_until 5 test ! -e "/proc/$pid"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A registry that means harm (SECURITY F31): each way is refused with its own reason, within bounds of time and memory,
# nothing is stored, and no credential reaches another host.
load registries

setup_file() { setup_test_registry; }
teardown_file() { teardown_test_registry; }
setup() {
    remember_footprint
    export HOME="$BATS_TEST_TMPDIR"
    : >"$ROOT_T/registry.log"
    rm -rf "$ROOT_T/fresh"
    fresh images -q >/dev/null
    fresh_listing >"$BATS_TEST_TMPDIR/before"
}
teardown() { check_footprint; }

fresh_listing() { (cd "$ROOT_T/fresh/root" && find content layers images tmp ! -path 'images/lock' ! -path 'tmp/lock' ! -path 'tmp' ! -path content ! -path 'content/partial*' 2>/dev/null | sort); }

# refused MODE REASON [SECONDS]: a pull with a credential fails for this reason, in time, and nothing is left.
refused() {
    local mode=$1 reason=$2 seconds=${3:-10} begun=$SECONDS
    rm -rf "$ROOT_T/fresh/root/content/partial" # all modes have one layer: none goes on where another ended
    run timeout "$(at_most 60)" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" \
        pull -q --retry "${RETRY:-0}" --creds "tester:correct horse" "$REGISTRY/$mode/x:1"
    echo "$mode: $output"
    [ "$status" -eq 125 ] || return 1
    [[ "$output" == *$reason* ]] || return 1
    [ "${#lines[@]}" -le 2 ] || return 1
    [ $((SECONDS - begun)) -le "$(at_most "$seconds")" ] || { echo "took $((SECONDS - begun)) s"; return 1; }
    fresh_listing | diff "$BATS_TEST_TMPDIR/before" - || return 1
    ! grep '^foreign' "$ROOT_T/registry.log" | grep -v ' -$' || false
}

@test "the same server in good faith: the image comes" {
    fresh pull -q "$REGISTRY/good/x:1"
    RETRY=1 run fresh pull -q --retry 1 "$REGISTRY/flaky/x:1"
    [ "$status" -eq 0 ]
}

@test "manifests that lie or are too much" {
    refused layers-and-manifests "a list and an image at once"
    refused million-layers "manifest"
    refused many-layers "more than 512 layers"
    refused path-digest "'sha256:../../../../etc/passwd' is no layer"
    refused unknown-algorithm "is no layer"
    refused short-digest "is no layer"
    refused foreign-layer "is foreign"
    refused urls "is not there"
    refused unknown-layer-type "unknown type 'application/x-shellscript'"
    refused negative-size "is no layer"
    refused no-config "names no configuration"
    refused schema-1 "schema 1"
    refused wrong-types "layers"
    refused list-of-lists "names another list"
    refused other-platform "not there for platform"
    refused wrong-media-type "is not of the type"
    refused lying-header "has the digest"
    refused path-header "has the digest"
    refused duplicate-keys "manifest"
    refused deep-json "manifest"
    refused html "manifest"
}

@test "bodies that are too long, too short, too slow or something else" {
    refused endless-manifest "larger than 4194304 bytes"
    refused drip-manifest "" 15
    refused endless-body ""
    refused drip-body "" 15
    refused long-body "is larger than its"
    refused short-body "ends after"
    refused wrong-size "is larger than its"
    refused too-large-size "ends after"
    refused wrong-digest "digest"
    refused wrong-config "digest"
    refused gzip-encoding "encoded in a way that was not asked for"
    refused huge-error "error message is too long"
    refused huge-header "header"
    refused many-headers "header"
    refused two-lengths ""
    refused smuggling ""
    refused not-http ""
}

@test "redirects to where nobody should go" {
    refused redirect-loop "more than 5 times"
    refused redirect-file "'file:///etc/passwd', which is no address"
    refused redirect-unix "which is no address"
    refused redirect-userinfo "which is no address"
    refused redirect-metadata "within this machine or network link"
    refused redirect-http ""
    # A layer may lie elsewhere, but nobody else gets the password.
    RETRY=0 run fresh pull -q --creds "tester:correct horse" "$REGISTRY/redirect-layer/x:1"
    [ "$status" -eq 0 ]
    grep -q '^foreign GET /layer .* -$' "$ROOT_T/registry.log"
}

@test "authentication that fishes" {
    refused realm-elsewhere "wants the password sent to"
    refused realm-http "token"
    refused realm-file "which is no address"
    refused bad-challenge "no valid header"
    refused token-loop "denies access"
    refused huge-token "larger than 1 MiB"
    refused endless-token "larger than 1 MiB"
    refused token-newline "without a valid token"
    refused token-garbage "token"
    ! grep '^foreign' "$ROOT_T/registry.log" | grep Basic || false
}

@test "answers that are failures: one line that says what to do" {
    refused rate-limit "rate limit is reached (it asks to wait 1000000000 seconds)"
    refused server-error "status 500: it hurts"
    refused denied "denies access: not for you"
    refused gone "'manifests/1' is not there: manifest unknown"
    RETRY=3 refused rate-limit "rate limit" 5
}

@test "a transfer that breaks off goes on with a range, and only with the same blob" {
    # Across processes: the first ends in the middle, the second asks for the rest, and no byte comes twice.
    run fresh pull -q --retry 0 "$REGISTRY/resume/x:1"
    [ "$status" -eq 125 ]
    [[ "$output" = *"ends after"* || "$output" = *"closed with"* || "$output" = *transfer* ]]
    fresh pull -q --retry 0 "$REGISTRY/resume/x:1"
    local size
    size=$(grep -aho '"size": [0-9]*' "$ROOT_T"/fresh/root/content/sha256/* | sort -t: -k2 -n | tail -1 | tr -dc 0-9)
    [ "$(awk '/\/v2\/resume\/x\/blobs/ && $4 > 100000 { n += $4; m++ } END { print n, m }' "$ROOT_T/registry.log")" = "$size 2" ]
    [ -z "$(ls "$ROOT_T/fresh/root/content/partial")" ]
    fresh rmi -f "$REGISTRY/resume/x:1" >/dev/null
    # A server without ranges sends all of it again, and the kept part is skipped.
    run fresh pull -q --retry 0 "$REGISTRY/no-ranges/x:1"
    [ "$status" -eq 125 ]
    fresh pull -q --retry 0 "$REGISTRY/no-ranges/x:1"
    fresh rmi -f "$REGISTRY/no-ranges/x:1" >/dev/null
    run fresh pull -q --retry 2 "$REGISTRY/cut-once/x:1"
    [ "$status" -eq 0 ]
    grep -q '^registry GET /v2/cut-once/x/blobs/.* [0-9]* ' "$ROOT_T/registry.log"
    fresh rmi -f "$REGISTRY/cut-once/x:1" >/dev/null
    RETRY=2 refused other-content "" 20
    [ -z "$(ls "$ROOT_T/fresh/root/content/partial")" ]
    RETRY=2 refused other-range "another range than was asked for" 20
    RETRY=1 refused cut-always "" 20
}

@test "listings: no end, elsewhere, and text that would move the cursor" {
    local mode
    for mode in endless-tags looping-tags; do
        run timeout "$(at_most 60)" "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" pull -a --retry 0 "$REGISTRY/$mode/x"
        echo "$output"
        [ "$status" -eq 125 ]
        [[ "$output" = *"does not come to an end"* ]]
    done
    run fresh pull -a --retry 0 "$REGISTRY/foreign-tags/x"
    [ "$status" -eq 125 ]
    [[ "$output" = *"not at the registry: refused"* ]]
    [ "$(fresh search --list-tags --format '{{.Tag}}' "$REGISTRY/good/x" | tr '\n' ' ')" = "1 2 " ]
    run fresh search --no-trunc "$REGISTRY/word"
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 3 ]
    [[ "$output" != *$'\e'* ]]
    run fresh search --filter is-official --format '{{.Name}}' "$REGISTRY/word"
    [ "$output" = "$REGISTRY/library/good" ]
}

@test "TLS: nobody vouches for it, for that name, or any more" {
    run fresh pull -q --retry 0 "$TLS_REGISTRY/good/x:1"
    [ "$status" -eq 125 ]
    [[ "$output" = *certificate*"/etc/kist/certs.d/"* ]]
    mkdir -p "$BATS_TEST_TMPDIR/certs"
    cp "$ROOT_T/tls.crt" "$BATS_TEST_TMPDIR/certs/ca.crt"
    run fresh pull -q --retry 0 --cert-dir "$BATS_TEST_TMPDIR/certs" "127.0.0.2:${TLS_REGISTRY##*:}/good/x:1"
    [ "$status" -eq 125 ]
    run fresh pull -q --retry 0 --tls-verify=false "$TLS_REGISTRY/good/x:1"
    [ "$status" -eq 0 ]
    : >"$ROOT_T/registry.log"
    # https is not tried where http is spoken, nor the other way round.
    printf '{"cgroup-parent": "%s"}' "$CGROUP_PARENT" >"$BATS_TEST_TMPDIR/strict.json"
    run "$KIST" --config "$BATS_TEST_TMPDIR/strict.json" --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" pull -q --retry 0 "$REGISTRY/good/x:1"
    [ "$status" -eq 125 ]
    [ ! -s "$ROOT_T/registry.log" ]
}

@test "an uploader is sent nowhere else" {
    local mode
    for mode in upload-elsewhere upload-metadata upload-smaller-port; do
        run kist push -q --retry 0 --creds "tester:correct horse" busybox "$REGISTRY/$mode/x:1"
        echo "$mode: $output"
        [ "$status" -eq 125 ]
        [[ "$output" = *"which is not itself: refused"* ]]
    done
    run kist push -q --retry 0 busybox "$REGISTRY/upload-file/x:1"
    [[ "$output" = *"which is no address"* ]]
    run kist push -q --retry 0 busybox "$REGISTRY/upload-redirect/x:1"
    [[ "$output" = *"redirects an upload: refused"* ]]
    run kist push -q --retry 0 busybox "$REGISTRY/upload-lie/x:1"
    [[ "$output" = *"the registry says it stored"* ]]
    run kist push -q --retry 0 busybox "$REGISTRY/lying-store/x:1"
    [[ "$output" = *"the registry says it stored the manifest"* ]]
    run kist push -q --retry 0 busybox "$REGISTRY/upload-denied/x:1"
    [[ "$output" = *"denies access: read only"* ]]
    [ ! -s "$ROOT_T/registry.log" ] || ! grep -q '^foreign' "$ROOT_T/registry.log"
}

# sent MODE: the bytes of layers that the registry took in that mode.
sent() { awk -v mode="$1" '$2 == "PATCH" && $4 > 1000 && index($3, "/v2/" mode "/") == 1 { n += $4 } END { print n + 0 }' "$ROOT_T/registry.log"; }

@test "an upload that breaks off goes on where the registry says, and no byte goes twice" {
    local mode size
    dd if=/dev/urandom of="$BATS_TEST_TMPDIR/noise" bs=1M count=20 status=none
    tar -C "$BATS_TEST_TMPDIR" -cf "$BATS_TEST_TMPDIR/noise.tar" noise
    kist import -q "$BATS_TEST_TMPDIR/noise.tar" noise >/dev/null
    kist push -q noise "$REGISTRY/session-good/x:1"
    size=$(sent session-good)
    [ "$size" -gt $((20 << 20)) ]
    for mode in cut half lengths busy; do
        echo "$mode"
        kist push -q --retry 3 --retry-delay 1 noise "$REGISTRY/session-$mode/x:1"
        [ "$(sent session-$mode)" -eq "$size" ]
    done
    # one that has forgotten it gets all of it again
    kist push -q --retry 3 --retry-delay 1 noise "$REGISTRY/session-forgets/x:1"
    [ "$(sent session-forgets)" -eq $((size + (1 << 20))) ]
    run kist push -q --retry 1 --retry-delay 1 noise "$REGISTRY/session-never/x:1"
    echo "$output"
    [ "$status" -eq 125 ]
    [ "$(sent session-never)" -le $((4 << 20)) ]
    kist rmi noise >/dev/null
}

@test "a pull that is killed goes on with the byte after the last that was kept" {
    local killed kept asked size delay
    for delay in 0.4 0.7 1.0; do
        rm -rf "$ROOT_T/fresh"
        : >"$ROOT_T/registry.log"
        "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" pull -q "$REGISTRY/slow/x:1" >/dev/null 2>&1 3>&- &
        killed=$!
        sleep "$delay"
        kill -9 $killed
        wait $killed || true
        kept=$(cat "$ROOT_T"/fresh/root/content/partial/* 2>/dev/null | wc -c)
        echo "$delay: $kept"
        fresh pull -q "$REGISTRY/slow/x:1"
        size=$(awk '/slow\/x\/blobs/ && $4 > 1000000 { print $4; exit }' "$ROOT_T/registry.log")
        asked=$(awk '/slow\/x\/blobs/ && $4 > 1000 { n = $4 } END { print n }' "$ROOT_T/registry.log")
        [ "$asked" -eq $((size - kept)) ]
        [ -z "$(ls "$ROOT_T/fresh/root/content/partial")" ]
        [ -z "$(ls "$ROOT_T/fresh/root/tmp" | grep -v '^lock$')" ]
    done
    [ "$kept" -gt $((1 << 20)) ]
}

@test "Ctrl-C in a pull leaves nothing but what the next one goes on with" {
    local kept asked size
    rm -rf "$ROOT_T/fresh"
    # All processes of the terminal get it, as timeout does it.
    run timeout --preserve-status -s INT 0.8 "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" \
        pull "$REGISTRY/slow/x:1"
    echo "$output"
    [ "$status" -eq 130 ]
    [[ "$output" != *error* ]]
    wait_until 2 eval '! pgrep -f "$ROOT_T/fresh" && ! pgrep -x kist-fetch && ! pgrep -x kist-unpack'
    kept=$(cat "$ROOT_T"/fresh/root/content/partial/* 2>/dev/null | wc -c)
    [ "$kept" -gt $((1 << 20)) ]
    fresh_listing | diff "$BATS_TEST_TMPDIR/before" -
    fresh pull -q "$REGISTRY/slow/x:1"
    size=$(awk '/slow\/x\/blobs/ && $4 > 1000000 { print $4; exit }' "$ROOT_T/registry.log")
    asked=$(awk '/slow\/x\/blobs/ && $4 > 1000 { n = $4 } END { print n }' "$ROOT_T/registry.log")
    [ "$asked" -eq $((size - kept)) ]
    [ -z "$(ls "$ROOT_T/fresh/root/content/partial")" ]
}

@test "a pull of what is here asks one question and waits for no disk" {
    fresh pull -q "$REGISTRY/good/x:1"
    : >"$ROOT_T/registry.log"
    run --separate-stderr strace -f -qq -e trace=fsync,fdatasync,syncfs -o "$BATS_TEST_TMPDIR/trace" \
        "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" pull "$REGISTRY/good/x:1"
    echo "$stderr"
    [ "$status" -eq 0 ]
    [ "$output" = "$(fresh image inspect -f '{{.Id}}' "$REGISTRY/good/x:1")" ]
    [[ "$stderr" = *": Already exists"*"Status: Image is up to date for $REGISTRY/good/x:1" ]]
    [ "$(grep -c . "$ROOT_T/registry.log")" -eq 1 ]
    run ! grep -E 'fsync|fdatasync|syncfs' "$BATS_TEST_TMPDIR/trace"
    # the name of another image means this one from now on
    fresh tag "$REGISTRY/good/x:1" "$REGISTRY/good/y:1"
    fresh pull -q "$REGISTRY/good/x:1" "$REGISTRY/good/y:1" "$REGISTRY/good/z:1"
    [ "$(fresh images -q | wc -l)" -eq 3 ]
    # a layer that is missing is fetched, whatever the manifest says
    rm -rf "$ROOT_T"/fresh/root/layers/*
    fresh pull -q "$REGISTRY/good/x:1"
    [ -n "$(ls "$ROOT_T/fresh/root/layers")" ]
}

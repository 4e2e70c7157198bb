#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# login and logout, and who gets which credential: basic and token authentication, sealed files, helpers, files of others.
load registries

setup_file() { setup_test_registry; }
teardown_file() { teardown_test_registry; }
setup() {
    remember_footprint
    export HOME="$BATS_TEST_TMPDIR/home" XDG_RUNTIME_DIR="$BATS_TEST_TMPDIR/run"
    unset REGISTRY_AUTH_FILE DOCKER_CONFIG XDG_CONFIG_HOME
    mkdir -p "$HOME" "$XDG_RUNTIME_DIR"
    : >"$ROOT_T/registry.log"
}
teardown() { check_footprint; }

log_in() { printf 'correct horse\n' | kist login --username tester --password-stdin "$REGISTRY"; }
basic=$(printf 'tester:correct horse' | base64)

@test "login stores an encrypted credential, pull uses it, logout forgets it" {
    run fresh pull "$REGISTRY/basic/x:1"
    [ "$status" -eq 125 ]
    [[ "$output" = *"denies access"*"kist login $REGISTRY"* ]]
    run log_in
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$output" = "Login Succeeded" ]
    [ "$(stat -c %a "$HOME/.kist" "$HOME/.kist/config.json" "$HOME/.kist/aeskey" | tr '\n' ' ')" = "700 600 600 " ]
    ! grep -rqE "correct|tester|$basic" "$HOME/.kist" || false
    [ "$(kist login --get-login "$REGISTRY")" = tester ]
    fresh pull -q "$REGISTRY/basic/x:1"
    grep -q "^registry GET /v2/basic/x/manifests/1 .* Basic $basic" "$ROOT_T/registry.log"
    run kist login "$REGISTRY"
    [ "$status" -eq 0 ]
    [[ "$output" = *"existing credentials"*"Login Succeeded" ]]
    [ "$(kist logout "$REGISTRY")" = "Removed login credentials for $REGISTRY" ]
    run kist logout "$REGISTRY"
    [ "$status" -eq 1 ]
    [[ "$output" = *"not logged in to $REGISTRY"* ]]
    run kist login --get-login "$REGISTRY"
    [ "$status" -eq 1 ]
    run fresh pull --policy always "$REGISTRY/basic/x:1"
    [ "$status" -eq 125 ]
}

@test "a wrong password is refused and not stored; wrong use is said" {
    run kist login -u tester --password-stdin "$REGISTRY" <<<"wrong"
    [ "$status" -eq 1 ]
    [[ "$output" = "kist: logging in to '$REGISTRY': the registry denies access"* ]]
    [ ! -e "$HOME/.kist/config.json" ]
    run kist login --password-stdin "$REGISTRY" <<<"x"
    [ "$status" -eq 125 ]
    [[ "$output" = *"--password-stdin needs --username"* ]]
    run kist login -u a -p b --password-stdin "$REGISTRY"
    [ "$status" -eq 125 ]
    run kist login -u a "$REGISTRY" </dev/null
    [[ "$output" = *"standard input is no terminal"* ]]
    run kist login -u a -p b 'bad host'
    [[ "$output" = *"'bad host' is no registry"* ]]
}

@test "a key that is lost or changed is said, and nothing is sent in the credential's place" {
    log_in
    mv "$HOME/.kist/aeskey" "$HOME/key"
    run fresh pull "$REGISTRY/basic/x:1"
    [ "$status" -eq 125 ]
    [[ "$output" = *"credentials for $REGISTRY cannot be decrypted (aeskey missing or changed): run kist login $REGISTRY"* ]]
    ! grep -q Basic "$ROOT_T/registry.log.after" 2>/dev/null || false
    head -c 32 /dev/zero | base64 >"$HOME/.kist/aeskey"
    chmod 600 "$HOME/.kist/aeskey"
    run kist login --get-login "$REGISTRY"
    [[ "$output" = *"cannot be decrypted"* ]]
    mv "$HOME/key" "$HOME/.kist/aeskey"
    [ "$(kist login --get-login "$REGISTRY")" = tester ]
    chmod 644 "$HOME/.kist/aeskey"
    run kist login --get-login "$REGISTRY"
    [ "$status" -ne 0 ]
    [[ "$output" = *"only its owner can read: refused"* ]]
    # An entry that was moved to another registry's name does not open.
    chmod 600 "$HOME/.kist/aeskey"
    sed -i "s/$REGISTRY/evil.example/" "$HOME/.kist/config.json"
    run kist login --get-login evil.example
    [[ "$output" = *"cannot be decrypted"* ]]
}

@test "the key is renewed and the credentials stay" {
    log_in
    local key entry
    key=$(cat "$HOME/.kist/aeskey") entry=$(cat "$HOME/.kist/config.json")
    kist login --rotate-key
    [ "$key" != "$(cat "$HOME/.kist/aeskey")" ]
    [ "$entry" != "$(cat "$HOME/.kist/config.json")" ]
    [ "$(wc -l <"$HOME/.kist/aeskey")" -eq 1 ]
    [ "$(kist login --get-login "$REGISTRY")" = tester ]
    # A rotation that was cut off leaves both keys.
    { head -c 32 /dev/urandom | base64; cat "$HOME/.kist/aeskey"; } >"$HOME/two" && mv "$HOME/two" "$HOME/.kist/aeskey" && chmod 600 "$HOME/.kist/aeskey"
    [ "$(kist login --get-login "$REGISTRY")" = tester ]
}

@test "files of Podman and Docker are read, --authfile and REGISTRY_AUTH_FILE rule" {
    mkdir -p "$HOME/.docker" "$XDG_RUNTIME_DIR/containers"
    printf '{"auths": {"https://%s/v1/": {"auth": "%s"}}, "HttpHeaders": {"X": "y"}}' "$REGISTRY" "$basic" >"$HOME/.docker/config.json"
    fresh pull -q "$REGISTRY/basic/x:1"
    rm "$HOME/.docker/config.json"
    run fresh pull -q "$REGISTRY/basic/x:1"
    [ "$status" -eq 125 ]
    printf '{"auths": {"%s": {"auth": "d3Jvbmc6d3Jvbmc="}, "%s/basic": {"auth": "%s"}}}' "$REGISTRY" "$REGISTRY" "$basic" >"$XDG_RUNTIME_DIR/containers/auth.json"
    fresh pull -q "$REGISTRY/basic/x:1"
    rm "$XDG_RUNTIME_DIR/containers/auth.json"
    run --separate-stderr kist login --authfile "$HOME/auth.json" -u tester --password-stdin "$REGISTRY" <<<"correct horse"
    [ "$status" -eq 0 ]
    [[ "$stderr" = *"stored unencrypted in '$HOME/auth.json'"* ]]
    [ "$(stat -c %a "$HOME/auth.json")" = 600 ]
    grep -q "$basic" "$HOME/auth.json"
    fresh pull -q --authfile "$HOME/auth.json" "$REGISTRY/basic/x:1"
    REGISTRY_AUTH_FILE="$HOME/auth.json" fresh pull -q "$REGISTRY/basic/x:1"
    run fresh pull -q --authfile "$HOME/none.json" "$REGISTRY/basic/x:1"
    [[ "$output" = *"'$HOME/none.json' does not exist"* ]]
    kist logout --authfile "$HOME/auth.json" "$REGISTRY"
    run fresh pull -q --authfile "$HOME/auth.json" "$REGISTRY/basic/x:1"
    [ "$status" -eq 125 ]
    fresh pull -q --creds "tester:correct horse" "$REGISTRY/basic/x:1"
}

@test "credential helpers are asked, told and trusted to fail" {
    mkdir -p "$HOME/bin" "$HOME/.kist"
    cat >"$HOME/bin/docker-credential-test" <<'HELPER'
#!/bin/sh
read -r host || true
echo "$1 $host" >>"$HOME/helper.log"
[ -e "$HOME/helper.broken" ] && { echo "secret leaked in an error"; exit 1; }
case "$1" in
get) [ -e "$HOME/helper.kept" ] || { echo "credentials not found in native keychain"; exit 1; }
     echo '{"ServerURL": "x", "Username": "tester", "Secret": "correct horse"}' ;;
store) touch "$HOME/helper.kept" ;;
erase) rm -f "$HOME/helper.kept" ;;
esac
HELPER
    chmod +x "$HOME/bin/docker-credential-test"
    printf '{"credHelpers": {"%s": "test"}}' "$REGISTRY" >"$HOME/.kist/config.json"
    export PATH="$HOME/bin:$PATH"
    run kist login -v -u tester --password-stdin "$REGISTRY" <<<"correct horse"
    echo "$output"
    [[ "$output" = *"Used: docker-credential-test"* ]]
    ! grep -q sealed "$HOME/.kist/config.json" || false
    fresh pull -q "$REGISTRY/basic/x:1"
    [ "$(kist login --get-login "$REGISTRY")" = tester ]
    touch "$HOME/helper.broken"
    # With a helper that fails, nothing else is sent, also not what another file has.
    mkdir -p "$HOME/.docker"
    printf '{"auths": {"%s": {"auth": "%s"}}}' "$REGISTRY" "$basic" >"$HOME/.docker/config.json"
    : >"$ROOT_T/registry.log"
    run fresh pull "$REGISTRY/basic/x:1"
    [ "$status" -eq 125 ]
    [[ "$output" = *"docker-credential-test' failed: no credential is sent"* ]]
    [[ "$output" != *leaked* ]]
    ! grep -q Basic "$ROOT_T/registry.log" || false
    rm "$HOME/helper.broken"
    kist logout "$REGISTRY"
    [ ! -e "$HOME/helper.kept" ]
    printf '{"credsStore": "nowhere"}' >"$HOME/.kist/config.json"
    run fresh pull "$REGISTRY/good/x:1"
    [ "$status" -eq 0 ]
    [[ "$output" = *"'docker-credential-nowhere' is not in PATH: no credential is sent"* ]]
}

@test "tokens: by password and by identity token, never to another host" {
    run fresh pull "$REGISTRY/token/x:1"
    [ "$status" -eq 125 ]
    fresh pull -q --creds "tester:correct horse" "$REGISTRY/token/x:1"
    grep -q "^registry GET /token?service=test&scope=repository%3Atoken%2Fx%3Apull .* Basic $basic" "$ROOT_T/registry.log"
    ! grep "^registry GET /v2/token" "$ROOT_T/registry.log" | grep -q Basic || false
    printf '{"auths": {"%s": {"auth": "PHRva2VuPjo=", "identitytoken": "refresh-me"}}}' "$REGISTRY" >"$HOME/auth.json"
    : >"$ROOT_T/registry.log"
    fresh pull -q --authfile "$HOME/auth.json" "$REGISTRY/identity/x:1"
    grep -q "^registry POST /token .* -" "$ROOT_T/registry.log"
    local mode
    for mode in realm-elsewhere realm-http realm-file; do
        run fresh pull --retry 0 --creds "tester:correct horse" "$REGISTRY/$mode/x:1"
        echo "$output"
        [ "$status" -eq 125 ]
    done
    ! grep "^foreign" "$ROOT_T/registry.log" | grep -q "$basic" || false
}

@test "the secret is in no argument list, environment or log" {
    log_in
    strace -f -qq -v -s 10000 -e trace=execve -o "$BATS_TEST_TMPDIR/trace" "$KIST" --log-level debug --config "$ROOT_T/kist.json" \
        --root "$ROOT_T/fresh/root" --runroot "$ROOT_T/fresh/run" pull "$REGISTRY/basic/x:1" >"$BATS_TEST_TMPDIR/out" 2>&1
    ! grep -E "correct horse|$basic" "$BATS_TEST_TMPDIR/trace" "$BATS_TEST_TMPDIR/out" || false
}

@test "a token service with a certificate that nobody trusts gets nothing (CVE-2019-10214)" {
    run fresh pull --retry 0 --creds "tester:correct horse" "$TLS_REGISTRY/token/x:1"
    [ "$status" -eq 125 ]
    [[ "$output" = *certificate* ]]
    [ ! -s "$ROOT_T/registry.log" ]
    mkdir -p "$BATS_TEST_TMPDIR/certs"
    cp "$ROOT_T/tls.crt" "$BATS_TEST_TMPDIR/certs/ca.crt"
    fresh pull -q --cert-dir "$BATS_TEST_TMPDIR/certs" --creds "tester:correct horse" "$TLS_REGISTRY/token/x:1"
    fresh pull -q --tls-verify=false --creds "tester:correct horse" "$TLS_REGISTRY/token/x:1"
}

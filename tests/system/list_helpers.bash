# SPDX-License-Identifier: Apache-2.0
# For tests of manifest lists: a registry, images for two platforms, and lists called list and other that go after each test.

load registries

setup_file() {
    make_root
    PORT=$((20000 + $$ % 10000))
    export PORT HUB=127.0.0.1:$PORT
    start_registry "$PORT"
    printf '{"cgroup-parent": "%s", "insecure-registries": ["%s", "127.0.0.1:1"]}\n' "$CGROUP_PARENT" "$HUB" >"$ROOT_T/kist.json"
    kist import -q --platform linux/arm64 --change 'CMD ["sh"]' "$ROOT_T/busybox.tar" busybox-arm >/dev/null
}
teardown_file() {
    stop_registries
    remove_root
}
setup() {
    remember_footprint
    export HOME="$BATS_TEST_TMPDIR"
    rm -rf "$ROOT_T/fresh"
}
teardown() {
    kist manifest rm -i list other >/dev/null
    check_footprint
}

raw_digest() { echo "sha256:$(skopeo inspect --raw --tls-verify=false "docker://$1" | sha256sum | cut -d' ' -f1)"; }
# list_field LIST EXPRESSION: of its JSON as python sees it.
list_field() { kist manifest inspect "$1" | /usr/bin/python3 -c "import json, sys; d = json.load(sys.stdin); print($2)"; }

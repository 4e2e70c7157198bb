# SPDX-License-Identifier: Apache-2.0
# For tests of manifest lists: a registry, images for two platforms, and lists called list and other that go after each test.

load registries

setup_file() {
    setup_hub 127.0.0.1:1
    kist import -q --platform linux/arm64 --change 'CMD ["sh"]' "$ROOT_T/busybox.tar" busybox-arm >/dev/null
}
teardown_file() { teardown_hub; }
setup() { setup_fresh; }
teardown() {
    kist manifest rm -i list other >/dev/null
    check_footprint
}

raw_digest() { echo "sha256:$(skopeo inspect --raw --tls-verify=false "docker://$1" | sha256sum | cut -d' ' -f1)"; }
# list_field LIST EXPRESSION: of its JSON as python sees it.
list_field() { kist manifest inspect "$1" | /usr/bin/python3 -c "import json, sys; d = json.load(sys.stdin); print($2)"; }

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Images that nobody here wrote: a Debian root made by debootstrap, with apt and a redis server.
# The root is kept in KIST_TEST_CACHE (default /var/cache/kist-tests) so that it is fetched once a machine.
load helpers

setup_file() {
    make_root
    cache=${KIST_TEST_CACHE:-/var/cache/kist-tests}
    mkdir -p "$cache"
    if [ ! -s "$cache/debian.tar" ]; then
        mirror=$(grep -rhoE 'https?://[^ ]*/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d/ 2>/dev/null | head -1 | tr -d ' ')
        debootstrap --variant=minbase --include=redis-server bookworm "$cache/debian" "${mirror:-http://deb.debian.org/debian}" >"$cache/debootstrap.log" 2>&1 ||
            { tail -3 "$cache/debootstrap.log"; rm -rf "$cache/debian"; skip "debootstrap failed: no Debian mirror?"; }
        rm -f "$cache/debian"/var/cache/apt/archives/*.deb
        tar -C "$cache/debian" -cf "$cache/debian.tar.part" .
        mv "$cache/debian.tar.part" "$cache/debian.tar"
        rm -rf "$cache/debian"
    fi
    kist import -q --change 'CMD ["bash"]' "$cache/debian.tar" debian:12
}
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() { check_footprint; }

@test "apt-get runs in a Debian root" {
    run kist run --rm debian:12 apt-get --version
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" == apt\ * ]]
}

@test "dpkg finds its own files unchanged" {
    run kist run --rm debian:12 dpkg --verify
    [ "$status" -eq 0 ]
    echo "$output"
    [ -z "$(echo "$output" | grep -v ' c /' | grep -v missing || true)" ]
}

@test "redis-server runs detached and answers exec redis-cli ping" {
    kist run -d --name redis --umask 0022 -u redis debian:12 redis-server --save '' --daemonize no
    wait_until 10 bash -c "[ \"\$('$KIST' --config '$ROOT_T/kist.json' --root '$ROOT_T/root' --runroot '$ROOT_T/run' exec redis redis-cli ping)\" = PONG ]"
    [ "$(kist exec redis redis-cli set k v)" = OK ]
    [ "$(kist exec redis redis-cli get k)" = v ]
    kist stop redis
    [ "$(kist inspect --format '{{.State.ExitCode}}' redis)" = 0 ]
    [[ "$(kist logs redis)" == *"Ready to accept connections"* ]]
}

@test "bash on a terminal has job control" {
    run /usr/bin/python3 - "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" <<'PY'
import sys, pexpect
c = pexpect.spawn(sys.argv[1], sys.argv[2:] + ["run", "--rm", "-it", "debian:12", "bash"], timeout=10, encoding="utf-8")
c.expect(r"root@[0-9a-f]{12}:/# ")
c.sendline("sleep 100")
import time; time.sleep(0.3)
c.send("\x1a")
c.expect("Stopped")
c.expect("# ")
c.sendline("bg; jobs")
c.expect("Running")
c.sendline("kill %1; exit 5")
c.expect(pexpect.EOF)
c.close()
assert c.exitstatus == 5, c.exitstatus
PY
    echo "$output"
    [ "$status" -eq 0 ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# kist's firewall and those of others: flushed by somebody, dropping policies, podman and docker beside it.
load network_helpers

setup_file() { setup_lan; }
teardown_file() { teardown_lan; }
setup() { remember_footprint; }
teardown() {
    [ ! -e "$BATS_TEST_TMPDIR/dockerd" ] || end_docker
    [ ! -e "$ROOT_T/podman" ] || end_podman
    [ ! -e "$BATS_TEST_TMPDIR/dropping" ] || end_dropping
    ! nft list table inet other >/dev/null 2>&1 || nft delete table inet other
    check_footprint
}

# The tool whose policy the test has changed.
end_dropping() {
    local tool
    tool=$(cat "$BATS_TEST_TMPDIR/dropping")
    rm "$BATS_TEST_TMPDIR/dropping"
    $tool -F FORWARD
    $tool -P FORWARD ACCEPT
    [ "$tool" = iptables-legacy ] || nft delete table ip filter
}

answers() { [ "$(get_from_lan $LAN_HOST "$1")" = "i am $2" ]; }

@test "A215: flushed by somebody: the monitors put it back within a second" {
    web web -p 18120:80
    web far -p 18121:80
    # Other tables before ours, with many rules: their removal is told first.
    nft add table inet other
    nft add chain inet other one
    for _ in $(seq 60); do echo 'add rule inet other one ip saddr 192.0.2.200 tcp dport { 1, 2, 3, 4, 5 } counter accept'; done | nft -f -
    for act in 'flush ruleset' 'delete table inet kist' 'delete table bridge kist' 'flush chain inet kist forward' 'flush table inet kist'; do
        nft "$act"
        echo "$act"
        wait_until 1 answers 18120 web
        wait_until 1 answers 18121 far
        # Whole again: as many rules as there were.
        wait_until 1 whole
    done
}
whole() {
    local rules
    rules=$(nft -a list table inet kist | grep -c '# handle')
    [ -e "$BATS_TEST_TMPDIR/rules" ] || echo "$rules" >"$BATS_TEST_TMPDIR/rules"
    [ "$(nft -a list table inet kist | grep -cE '(accept|drop|masquerade|dnat|return|jump).*# handle')" -ge 10 ] && nft list table bridge kist >/dev/null
}

@test "network reload puts it back at once; a bridge removed is made again" {
    web web -p 18122:80
    kill -STOP "$(kist inspect -f '{{.State.MonitorPid}}' web)"
    nft flush ruleset
    [ -z "$(get_from_lan $LAN_HOST 18122)" ]
    kill -CONT "$(kist inspect -f '{{.State.MonitorPid}}' web)"
    kist network reload web
    answers 18122 web
    ip link del kist0
    kist network reload -a
    answers 18122 web
    ip link del kist0
    kist run --rm busybox ping -c1 -W2 $LAN_CLIENT # made again by the next start
}

@test "starts and stops of others wake no monitor" {
    kist run -d --name idle busybox sleep 600
    monitor=$(kist inspect -f '{{.State.MonitorPid}}' idle)
    switches() { awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/$monitor/status"; }
    sleep 0.5
    before=$(switches)
    for n in 1 2 3 4 5; do kist run --rm -p 18123:80 busybox true; done
    [ "$(switches)" = "$before" ]
}

@test "a chain of somebody's that drops: said once, with the command that allows it, and by info" {
    kist run --rm busybox true
    nft add table inet other
    nft add chain inet other fw '{ type filter hook forward priority 0; policy drop; }'
    run -0 --separate-stderr kist run --rm busybox ping -c1 -W1 $LAN_CLIENT || true
    run --separate-stderr kist run --rm busybox ping -c1 -W1 $LAN_CLIENT
    [ "$status" -eq 1 ]
    [ -z "$stderr" ] # said once
    run --separate-stderr kist info
    [[ "$stderr" == *"inet other fw"*"nft insert rule inet other fw iifname 'kist*' accept"* ]]
    # What it says helps.
    kist info 2>&1 >/dev/null | sed -n 's/.*(to allow it: \(.*\))$/\1/p' >"$BATS_TEST_TMPDIR/allow"
    sh -c "$(sed "s/'kist\*'/'\"kist*\"'/g" "$BATS_TEST_TMPDIR/allow")"
    kist run --rm busybox ping -c1 -W1 $LAN_CLIENT
    nft delete table inet other
    kist run --rm busybox true
    run -0 --separate-stderr kist info
    [ -z "$stderr" ]
}

@test "iptables, old and new, with policy DROP: said, and what is said helps" {
    for tool in iptables-legacy iptables-nft; do
        echo $tool >"$BATS_TEST_TMPDIR/dropping"
        $tool -P FORWARD DROP
        run --separate-stderr kist run --rm busybox ping -c1 -W1 $LAN_CLIENT
        [ "$status" -eq 1 ]
        [[ "$stderr" == *"'ip filter FORWARD'"*"iptables -I FORWARD -i kist+ -j ACCEPT"* ]]
        $tool -I FORWARD -i kist+ -j ACCEPT
        $tool -I FORWARD -o kist+ -j ACCEPT
        kist run --rm busybox ping -c1 -W1 $LAN_CLIENT
        end_dropping
        kist run --rm busybox true
    done
}

podman() { command podman --root "$ROOT_T/podman/root" --runroot "$ROOT_T/podman/run" --cgroup-manager cgroupfs "$@"; }

@test "podman's network beside ours: both reach out, both are reached" {
    kist save -o "$ROOT_T/saved.tar" busybox
    podman load -q -i "$ROOT_T/saved.tar" >/dev/null
    nft list ruleset >"$BATS_TEST_TMPDIR/nft"
    web ours -p 18130:80
    podman run -d --name theirs -p 18131:80 busybox sh -c 'mkdir /www; echo i am theirs >/www/index.html; exec httpd -f -p 80 -h /www' >/dev/null || {
        end_podman
        skip "podman cannot make a network here"
    }
    wait_until 5 answers 18131 theirs
    answers 18130 ours
    kist exec ours ping -c1 -W2 $LAN_CLIENT
    podman exec theirs sh -c "nc -w2 $LAN_CLIENT 9 </dev/null; [ \$? -eq 1 ]" # refused by the lan, so it was reached
    kist rm -ft0 ours
    kist network prune -f
    answers 18131 theirs
    web ours -p 18130:80
    podman rm -ft 0 theirs >/dev/null
    answers 18130 ours
    kist rm -ft0 ours
    end_podman
}
end_podman() {
    podman rm -fat 0 >/dev/null 2>&1 || true
    local link
    for link in /sys/class/net/podman* /sys/class/net/cni-podman*; do [ ! -e "$link" ] || ip link del "${link##*/}"; done
    umount -R "$ROOT_T"/podman/root/overlay 2>/dev/null || true
    rm -rf "$ROOT_T/podman"
    forget_iptables
}

# iptables-nft leaves its empty tables.
forget_iptables() {
    local family table
    nft list tables | while read -r _ family table; do
        case "$table" in filter | nat | raw | mangle | netavark) nft delete table "$family" "$table" ;; esac
    done
}

@test "docker beside ours, with its FORWARD policy DROP: told once; with what is told both work" {
    command -v dockerd >/dev/null || skip "docker is not installed"
    mkdir -p "$ROOT_T/docker"
    dockerd --data-root "$ROOT_T/docker/data" --exec-root "$ROOT_T/docker/exec" --pidfile "$ROOT_T/docker/pid" -H "unix://$ROOT_T/docker/sock" \
        >"$ROOT_T/docker/log" 2>&1 3>&- &
    echo $! >"$BATS_TEST_TMPDIR/dockerd"
    docker() { command docker -H "unix://$ROOT_T/docker/sock" "$@"; }
    wait_until 20 docker info >/dev/null 2>&1 || { tail -3 "$ROOT_T/docker/log"; skip "dockerd does not start here"; }
    kist save -o "$ROOT_T/saved.tar" busybox
    docker load -q -i "$ROOT_T/saved.tar" >/dev/null
    docker run -d --name theirs -p 18133:80 busybox sh -c 'mkdir /www; echo i am theirs >/www/index.html; exec httpd -f -p 80 -h /www' >/dev/null
    wait_until 5 answers 18133 theirs
    run --separate-stderr kist run -d --name ours -p 18132:80 busybox sh -c 'mkdir /www; echo i am ours >/www/index.html; exec httpd -f -p 80 -h /www'
    [ "$status" -eq 0 ]
    if [ -n "$stderr" ]; then
        [[ "$stderr" == *"iptables -I DOCKER-USER -i kist+ -j ACCEPT; iptables -I DOCKER-USER -o kist+ -j ACCEPT"* ]]
        sh -c "$(printf '%s\n' "$stderr" | sed -n 's/.*(to allow it: \(.*\))$/\1/p' | grep -v ip6tables)"
    fi
    wait_until 5 answers 18132 ours
    kist exec ours ping -c1 -W2 $LAN_CLIENT
    docker exec theirs ping -c1 -W2 $LAN_CLIENT
    kist rm -ft0 ours
    kist network prune -f
    answers 18133 theirs
    docker rm -f theirs >/dev/null
}
end_docker() {
    kill "$(cat "$BATS_TEST_TMPDIR/dockerd")" 2>/dev/null || true
    wait_until 10 sh -c "! kill -0 $(cat "$BATS_TEST_TMPDIR/dockerd") 2>/dev/null" || true
    ip link del docker0 2>/dev/null || true
    iptables -F; iptables -t nat -F; iptables -X; iptables -t nat -X; iptables -P FORWARD ACCEPT
    ip6tables -F; ip6tables -t nat -F; ip6tables -X; ip6tables -t nat -X; ip6tables -P FORWARD ACCEPT
    forget_iptables
    umount -l "$ROOT_T"/docker/* 2>/dev/null || true
    rm -rf "$ROOT_T/docker"
}

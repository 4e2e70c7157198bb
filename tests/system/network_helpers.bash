# SPDX-License-Identifier: Apache-2.0
# For the tests of networks: a neighbour of the host ("lan", a network namespace behind a veth pair, with IPv4 and IPv6), web
# servers, and who reaches them from where.

load helpers

# Of the addresses for tests of devices (RFC 2544): those for documentation are what some virtual machines give themselves.
LAN_HOST=198.18.5.1 LAN_CLIENT=198.18.5.2 LAN_HOST6=2001:db8:5::1 LAN_CLIENT6=2001:db8:5::2

setup_lan() {
    make_root
    LAN=kist-lan-$$ LAN_LINK=klan$(($$ % 100000))
    export LAN LAN_LINK
    ip netns add "$LAN"
    ip link add "$LAN_LINK" type veth peer name eth0 netns "$LAN"
    ip addr add $LAN_HOST/24 dev "$LAN_LINK"
    ip addr add $LAN_HOST6/64 dev "$LAN_LINK" nodad
    ip link set "$LAN_LINK" up
    ip -n "$LAN" addr add $LAN_CLIENT/24 dev eth0
    ip -n "$LAN" addr add $LAN_CLIENT6/64 dev eth0 nodad
    ip -n "$LAN" link set lo up
    ip -n "$LAN" link set eth0 up
    ip -n "$LAN" route add default via $LAN_HOST
    ip -n "$LAN" route add default via $LAN_HOST6
}
teardown_lan() {
    [ -z "${LAN:-}" ] || ip netns del "$LAN"
    remove_root
}

web() { # web NAME [OPTIONS…]: a web server on port 80 that says NAME
    local name=$1
    shift
    kist run -d --name "$name" "$@" busybox sh -c "mkdir /www; echo i am $name >/www/index.html; exec httpd -f -vv -p 80 -h /www" >/dev/null
    wait_until 5 kist exec "$name" sh -c 'nc -w1 127.0.0.1 80 </dev/null'
}
# get ADDRESS PORT: by a plain connection, for busybox's wget wants a resolver.
get() { printf 'GET / HTTP/1.0\r\n\r\n' | timeout 3 busybox nc -w2 "$1" "$2" | tail -1; }
get_from_lan() { printf 'GET / HTTP/1.0\r\n\r\n' | timeout 3 ip netns exec "$LAN" busybox nc -w2 "$1" "$2" | tail -1; }
answers_lan() { [ "$(get_from_lan $LAN_HOST "$1")" = "i am web" ]; }
get_from() { kist exec "$1" sh -c "printf 'GET / HTTP/1.0\r\n\r\n' | timeout 3 nc -w2 $2 $3 | tail -1"; }

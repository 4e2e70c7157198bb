#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Kinds of traffic and of networks: IPv6, UDP, large transfers, small MTU, macvlan, VLANs, ports from a range.
load network_helpers

setup_file() { setup_lan; }
teardown_file() { teardown_lan; }
setup() { remember_footprint; }
teardown() { check_footprint; }

get6_from_lan() { printf 'GET / HTTP/1.0\r\n\r\n' | timeout "$(at_most 3)" ip netns exec "$LAN" busybox nc -w2 "$1" "$2" | tail -1; }
# As clients do, busybox' nc not among them: one address of the name after the other.
get_from_localhost() {
    python3 -c 'import socket, sys
with socket.create_connection(("localhost", int(sys.argv[1])), 3) as peer:
    peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
    print(peer.makefile().read().splitlines()[-1])' "$1"
}
# in_container NAME COMMAND…: a program of the host in the container's network.
in_container() {
    local pid
    pid=$(kist inspect -f '{{.State.Pid}}' "$1")
    shift
    nsenter -t "$pid" -n "$@"
}

# What network.bats does by IPv4.
@test "IPv6: an address, the way out with the host's address, published ports from everywhere, names, isolation" {
    kist network create --subnet 10.77.0.0/24 --subnet fd00:77::/64 six
    web web --network six -p 18100:80
    [ "$(kist inspect -f '{{.NetworkSettings.Networks.six.GlobalIPv6Address}}' web)" = fd00:77::2 ]
    kist exec web ping -6 -c1 -W2 $LAN_CLIENT6
    ip netns exec "$LAN" tcpdump -lnni eth0 -c1 icmp6 and 'ip6[40]=128' >"$BATS_TEST_TMPDIR/dump" 2>/dev/null 3>&- &
    sleep 0.5
    kist exec web ping -6 -c3 -W2 $LAN_CLIENT6
    wait_until 5 grep -q "$LAN_HOST6 > $LAN_CLIENT6" "$BATS_TEST_TMPDIR/dump"
    # From ::1 no packet leaves the host; it is refused at once, so that clients of "localhost" go on to 127.0.0.1.
    local begun=$SECONDS
    [ -z "$(get ::1 18100)" ]
    [ $((SECONDS - begun)) -le 1 ]
    [ "$(get_from_localhost 18100)" = "i am web" ]
    [ "$(get $LAN_HOST6 18100)" = "i am web" ]
    [ "$(get6_from_lan $LAN_HOST6 18100)" = "i am web" ]
    [ "$(get_from_lan $LAN_HOST 18100)" = "i am web" ]
    [ "$(get_from web $LAN_HOST6 18100)" = "i am web" ] # hairpin
    kist run -d --name peer --network six busybox sleep 60
    [ "$(get_from peer fd00:77::2 80)" = "i am web" ]
    kist exec peer nslookup -type=aaaa web | grep -q fd00:77::2
    kist network create --ipv6 other
    kist run -d --name stranger --network other busybox sleep 60
    [ -z "$(get_from stranger fd00:77::2 80)" ]
    # Not published: the neighbour of the host does not get in by a route of its own either.
    run ip netns exec "$LAN" timeout 2 busybox nc -w1 fd00:77::2 80 </dev/null
    [ "$status" -ne 0 ]
    kist network rm -ft0 six other
}

@test "UDP both ways, and a published UDP port keeps its clients apart" {
    kist run -d --name echo -p 18101:7/udp busybox sleep 60 >/dev/null
    nsenter -t "$(kist inspect -f '{{.State.Pid}}' echo)" -n python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 7))
for _ in range(20): m, a = s.recvfrom(2000); s.sendto(m + b" from " + a[0].encode(), a)' 3>&- &
    local server=$!
    wait_until 3 in_container echo sh -c 'grep -q :0007 /proc/net/udp'
    ip netns exec "$LAN" python3 -c 'import socket, sys
clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(10)]
for n, c in enumerate(clients): c.settimeout(3); c.connect((sys.argv[1], 18101)); c.send(b"%d" % n)
for n, c in enumerate(clients): assert c.recv(2000) == b"%d from %s" % (n, sys.argv[2].encode())' $LAN_HOST $LAN_CLIENT
    kill $server
    kist rm -ft0 echo
}

@test "200 MB through a published port and out again arrive unchanged" {
    kist run -d --name sink -p 18102:5001 busybox sleep 60 >/dev/null
    # transfer FILE: sends it, and the peer says the sum of what it got.
    cat >"$BATS_TEST_TMPDIR/transfer.py" <<'PY'
import hashlib, socket, sys
if sys.argv[1] == "receive":
    connection = socket.create_server(("", int(sys.argv[2]))).accept()[0]
    sum = hashlib.md5()
    while data := connection.recv(1 << 20): sum.update(data)
    connection.sendall(sum.hexdigest().encode())
else:
    connection = socket.create_connection((sys.argv[2], int(sys.argv[3])), 30)
    with open(sys.argv[4], "rb") as file: connection.sendfile(file)
    connection.shutdown(socket.SHUT_WR)
    print(connection.recv(100).decode())
PY
    head -c 200M /dev/urandom >"$ROOT_T/large"
    sum=$(md5sum <"$ROOT_T/large" | cut -d' ' -f1)
    in_container sink python3 "$BATS_TEST_TMPDIR/transfer.py" receive 5001 3>&- &
    wait_until 3 in_container sink sh -c 'grep -q :1389 /proc/net/tcp'
    [ "$(ip netns exec "$LAN" python3 "$BATS_TEST_TMPDIR/transfer.py" send $LAN_HOST 18102 "$ROOT_T/large")" = "$sum" ]
    ip netns exec "$LAN" python3 "$BATS_TEST_TMPDIR/transfer.py" receive 5002 3>&- &
    wait_until 3 ip netns exec "$LAN" sh -c 'grep -q :138A /proc/net/tcp'
    [ "$(in_container sink python3 "$BATS_TEST_TMPDIR/transfer.py" send $LAN_CLIENT 5002 "$ROOT_T/large")" = "$sum" ]
    rm "$ROOT_T/large"
}

@test "the MTU asked for, else that of the host's way out; what is larger than the path is cut, not lost" {
    kist network create --opt mtu=1280 small
    [ "$(kist run --rm --network small busybox cat /sys/class/net/eth0/mtu)" = 1280 ]
    ip link set "$LAN_LINK" mtu 1400
    ip -n "$LAN" link set eth0 mtu 1400
    kist run -d --name big busybox sleep 60
    kist exec big ping -c3 -W2 -s 1450 $LAN_CLIENT # the first one is told of the path, others go in fragments
    web web -p 18103:80
    kist exec web sh -c 'head -c 100000 /dev/zero | tr "\0" x >/www/big'
    [ "$(printf 'GET /big HTTP/1.0\r\n\r\n' | timeout "$(at_most 5)" ip netns exec "$LAN" busybox nc -w3 $LAN_HOST 18103 | wc -c)" -gt 100000 ]
    ip link set "$LAN_LINK" mtu 1500
    ip -n "$LAN" link set eth0 mtu 1500
    kist network rm small
}

@test "macvlan: a station of its own in the host's network" {
    kist network create -d macvlan --subnet 198.18.5.0/24 --gateway $LAN_HOST --ip-range 198.18.5.128/26 --opt parent="$LAN_LINK" street
    kist run -d --name house --network street busybox sh -c 'mkdir /www; echo i am house >/www/index.html; exec httpd -f -p 80 -h /www' >/dev/null
    address=$(kist inspect -f '{{.NetworkSettings.Networks.street.IPAddress}}' house)
    [[ "$address" == 198.18.5.1[2-9][0-9] ]]
    at_home() { [ "$(get_from_lan "$address" 80)" = "i am house" ]; }
    wait_until 5 at_home
    kist exec house ping -c1 -W2 $LAN_CLIENT
    in_container house ip -d link show eth0 | grep -q macvlan
    run -125 kist network create -d macvlan --opt parent=nowhere0 bad
    run kist network create -d ipvlan --opt mode=l9 --opt parent="$LAN_LINK" bad
    [ "$status" -eq 125 ]
    kist network rm -ft0 street
}

@test "--opt vlan: the bridge keeps to one VLAN, and a tagged port of the host reaches it" {
    kist network create --opt vlan=42 --subnet 10.42.0.0/24 tagged
    bridge_of() { kist network inspect -f '{{.network_interface}}' "$1"; }
    for bad in 0 4095 x; do run -125 kist network create --opt vlan=$bad bad; done
    run kist run -d --name a --network tagged busybox sleep 60
    if [ "$status" -eq 125 ]; then
        [[ "$output" == *CONFIG_BRIDGE_VLAN_FILTERING* ]]
        kist network rm -ft0 tagged
        skip "this kernel's bridges have no VLAN filtering"
    fi
    kist run -d --name b --network tagged busybox sleep 60
    kist exec a ping -c1 -W2 b
    kist exec a ping -c1 -W2 10.42.0.1
    link=$(bridge_of tagged)
    [ "$(cat "/sys/class/net/$link/bridge/vlan_filtering")" = 1 ]
    # A trunk that is put into the bridge: VLAN 42 passes, another one does not.
    ip link add trunk0 type veth peer name trunk1
    ip link set trunk0 master "$link" up
    bridge vlan del dev trunk0 vid 42
    bridge vlan add dev trunk0 vid 42
    bridge vlan add dev trunk0 vid 43
    ip netns add "$LAN-trunk"
    ip link set trunk1 netns "$LAN-trunk"
    ip -n "$LAN-trunk" link set trunk1 up
    for vid in 42 43; do
        ip -n "$LAN-trunk" link add link trunk1 name v$vid type vlan id $vid
        ip -n "$LAN-trunk" link set v$vid up
    done
    ip -n "$LAN-trunk" addr add 10.42.0.200/24 dev v42
    address=$(kist inspect -f '{{.NetworkSettings.Networks.tagged.IPAddress}}' a)
    tagged=0 other=0
    ip netns exec "$LAN-trunk" ping -c1 -W2 "$address" >/dev/null && tagged=1
    ip -n "$LAN-trunk" addr del 10.42.0.200/24 dev v42
    ip -n "$LAN-trunk" addr add 10.42.0.200/24 dev v43
    ip netns exec "$LAN-trunk" ping -c1 -W1 "$address" >/dev/null && other=1
    ip netns del "$LAN-trunk"
    wait_until 3 sh -c '! [ -e /sys/class/net/trunk0 ]'
    [ "$tagged $other" = "1 0" ]
    kist network rm -ft0 tagged
}

@test "a range of host ports for one of the container: the first that is free" {
    web first -p 18110-18112:80
    web second -p 18110-18112:80
    [ "$(kist port first 80) $(kist port second 80)" = "0.0.0.0:18110 0.0.0.0:18111" ]
    [ "$(get_from_lan $LAN_HOST 18111)" = "i am second" ]
    kist run -d --name third -p 18110-18112:80 busybox sleep 60
    run -125 kist run --rm -p 18110-18112:80 busybox true
    [[ "$output" == *"already in use"* ]]
    kist rm -ft0 first
    web again -p 18110-18112:80
    [ "$(kist port again 80)" = 0.0.0.0:18110 ]
}

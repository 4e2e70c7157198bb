#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Networks: the default bridge, published ports from inside, from the host and from a neighbour of the host, isolation,
# networks of one's own, changes while a container runs.
load network_helpers

setup_file() { setup_lan; }
teardown_file() { teardown_lan; }
setup() { remember_footprint; }
teardown() { check_footprint; }

@test "A014: the default network: an address, a gateway, the way out, and nothing of the container is left" {
    run -0 kist run --rm busybox sh -c 'ip -4 -o addr show eth0; ip route; grep -v " lo$" /proc/net/if_inet6; true'
    [[ "$output" == *"inet 10.207.0."*"/16"*"default via 10.207.0.1 dev eth0"* ]]
    [[ "$output" != *0000000000* ]] # IPv6 only on lo (CVE-2024-32473)
    run -0 kist run --rm busybox ping -c1 -W2 $LAN_CLIENT
    run -0 kist run --rm busybox sh -c 'cat /proc/sys/net/ipv6/conf/eth0/accept_ra /proc/sys/net/ipv6/conf/eth0/disable_ipv6'
    [ "$output" = $'0\n1' ]
    run -0 kist run --rm --network none busybox ls /sys/class/net
    [ "$output" = lo ]
}

@test "a container's address is the host's to the outside" {
    ip netns exec "$LAN" tcpdump -lnni eth0 -c1 icmp and icmp[0]=8 >"$BATS_TEST_TMPDIR/dump" 2>/dev/null 3>&- &
    sleep 0.5
    kist run --rm busybox ping -c3 -W2 $LAN_CLIENT
    wait_until 5 grep -q "$LAN_HOST > $LAN_CLIENT" "$BATS_TEST_TMPDIR/dump"
}

@test "A016, A017, A018: a published port answers on every address of the host, to the host, to others, and to containers" {
    web web -p 18080:80
    [ "$(kist port web)" = "80/tcp -> 0.0.0.0:18080" ]
    [ "$(kist port web 80)" = 0.0.0.0:18080 ]
    [[ "$(kist ps)" == *"0.0.0.0:18080->80/tcp"* ]]
    [ "$(get 127.0.0.1 18080)" = "i am web" ]
    [ "$(get $LAN_HOST 18080)" = "i am web" ]
    [ "$(get 10.207.0.1 18080)" = "i am web" ]
    [ "$(get_from_lan $LAN_HOST 18080)" = "i am web" ]
    kist exec web grep -q '' /www/index.html
    [ "$(kist logs web 2>&1 | grep -c "$LAN_CLIENT")" -ge 1 ] # the client's own address is seen
    [ "$(get_from web $LAN_HOST 18080)" = "i am web" ]        # hairpin
    kist run -d --name other busybox sleep 60
    [ "$(get_from other $LAN_HOST 18080)" = "i am web" ]
    [ "$(get_from other 10.207.0.1 18080)" = "i am web" ]
}

@test "a port published on one address is not to be had on another (CVE-2021-4024)" {
    web web -p 127.0.0.1:18081:80
    [ "$(get 127.0.0.1 18081)" = "i am web" ]
    [ "$(get_from_lan $LAN_HOST 18081)" = "" ]
    ip netns exec "$LAN" ip route add 127.0.0.0/8 via $LAN_HOST 2>/dev/null || true
    [ "$(get_from_lan 127.0.0.1 18081)" = "" ]
    [ "$(kist port web)" = "80/tcp -> 127.0.0.1:18081" ]
}

@test "nothing comes in that is not published, and transit traffic is left alone (CVE-2025-67499)" {
    web web -p 18082:80
    ip=$(kist inspect -f '{{.NetworkSettings.IPAddress}}' web)
    [ "$(get_from_lan "$ip" 80)" = "" ]
    [ "$(get "$ip" 80)" = "i am web" ] # the host itself may
    # A packet through the host to a foreign address with that port must not end in the container.
    [ "$(get_from_lan 203.0.113.9 18082)" = "" ]
}

@test "A015, A207: ranges, udp, ports chosen by the host, and -P" {
    kist run -d --name many -p 19000-19020:19000-19020 -p 15353:53/udp -p 80 busybox sh -c 'mkdir /www; echo ranged >/www/index.html; exec httpd -f -p 19007 -h /www'
    [ "$(kist port many | wc -l)" = 23 ]
    [[ "$(kist ps)" == *"0.0.0.0:19000-19020->19000-19020/tcp"*"0.0.0.0:15353->53/udp"* ]]
    wait_until 5 kist exec many sh -c 'nc -w1 127.0.0.1 19007 </dev/null'
    [ "$(get 127.0.0.1 19007)" = ranged ]
    chosen=$(kist port many 80/tcp)
    [[ "$chosen" =~ ^0\.0\.0\.0:[0-9]+$ ]]
    kist rm -ft0 many
    kist run -d --name some -P --expose 81 --expose 82/udp busybox sleep 60
    [ "$(kist port some | wc -l)" = 2 ]
    [[ "$(kist port some 82/udp)" =~ ^0\.0\.0\.0:[0-9]+$ ]]
}

@test "a port that is taken is refused before the start, and by whom is said" {
    web web -p 18083:80
    run -125 kist run --rm -p 18083:81 busybox true
    [[ "$output" == *"port 18083 is already in use"*"container 'web' publishes port 0.0.0.0:18083/tcp"* ]]
    busybox nc -l -p 18084 >/dev/null 2>&1 3>&- &
    wait_until 5 sh -c 'ss -lnt | grep -q :18084'
    run -125 kist run --rm -p 18084:81 busybox true
    [[ "$output" == *"another program"* ]]
    kill %1 2>/dev/null || kill $!
    # Who could not have it takes nothing away, not even one whose sources nobody watches.
    for options in '' --privileged '--cap-add NET_ADMIN'; do
        # shellcheck disable=SC2086
        run -125 kist run --name late $options -p 18083:81 busybox true
        kist rm late
        [ "$(get_from_lan $LAN_HOST 18083)" = "i am web" ]
    done
    # While the container runs nobody else on the host gets its port.
    run python3 -c "import socket; s=socket.socket(); s.bind(('', 18083)); s.listen()"
    [ "$status" = 1 ]
    kist rm -ft0 web
    run -0 python3 -c "import socket; s=socket.socket(); s.bind(('', 18083)); s.listen()"
}

@test "bad ports are refused at create, and nothing is left" {
    while read -r options; do
        # shellcheck disable=SC2086
        run -125 kist create $options busybox true
        [ -n "$output" ]
    done <<'CASES'
-p 0
-p 70000:80
-p 80:80:80:80
-p 80-79:80-79
-p 80-82:80-81
-p 1.2.3:80:80
-p [::1:80:80
-p 80/ftp
-p 80:80 -p 80:81
-p 80:80 -p 127.0.0.1:80:81
--network nosuch
--network bridge --network bridge
--network none --network bridge
--ip 1.2.3
--network none --ip 10.207.0.9
--mac-address 03:00:00:00:00:01
--network-alias x
--network container:nosuch
CASES
    [ "$(kist ps -aq)" = "" ]
    run -125 kist run --rm --ip 10.9.9.9 busybox true
    [[ "$output" == *"10.9.9.9"* ]]
}

@test "A194: networks of one's own: made, listed, inspected, used, in use, removed" {
    run -0 kist network create --subnet 10.99.0.0/24 --label a=b front
    [ "$output" = front ]
    run -1 kist network create front
    [[ "$output" == *"network with name front already exists"* ]]
    run -0 kist network create --ignore front
    run -125 kist network create --subnet 10.99.0.128/25 overlapping
    [[ "$output" == *"overlaps 10.99.0.0/24 of network 'front'"* ]]
    for name in none host bridge default container; do run -1 kist network create $name; done
    run -125 kist network create ../x
    run -125 kist network create --subnet 10.98.0.0/24 --gateway 10.97.0.1 x
    run -125 kist network create -o nonsense=1 x
    run -125 kist network create -d overlay x
    run -125 kist network create --interface-name here0 -o com.docker.network.bridge.name=there0 x
    [[ $output == *'conflicting options: --interface-name and --opt com.docker.network.bridge.name'* ]]
    kist network exists front
    run -1 kist network exists back
    kist network create back
    [ "$(kist network ls --format '{{.Name}} {{.Driver}}' | sort | tr '\n' ,)" = "back bridge,bridge bridge,front bridge," ]
    [ "$(kist network ls -qf label=a=b)" = front ]
    kist run -d --name one --network front:ip=10.99.0.77,alias=uno --network back busybox sleep 60
    [ "$(kist inspect -f '{{.NetworkSettings.Networks.front.IPAddress}}' one)" = 10.99.0.77 ]
    [ "$(kist network inspect -f '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}' front)" = "one 10.99.0.77/24" ]
    run -0 kist exec one ip -4 -o addr
    [[ "$output" == *eth0*10.99.0.77/24*eth1* ]]
    run -125 kist run --rm --network front:ip=10.99.0.77 busybox true
    [[ "$output" == *"10.99.0.77 is in use by container"* ]]
    run -1 kist network rm front
    [[ "$output" == *"network front is in use by container 'one'"* ]]
    kist network rm -f front
    [ "$(kist ps -aq)" = "" ]
    kist network rm back
    run -1 kist network rm back
    [[ "$output" == *"network back not found"* ]]
    kist network rm -f back
}

@test "containers of one network reach each other, of two they do not; isolate=false opens them" {
    kist network create one
    kist network create two
    web a --network one
    web b --network two
    kist run -d --name c --network one busybox sleep 60
    a=$(kist inspect -f '{{.NetworkSettings.Networks.one.IPAddress}}' a)
    b=$(kist inspect -f '{{.NetworkSettings.Networks.two.IPAddress}}' b)
    [ "$(get_from c "$a" 80)" = "i am a" ]
    [ "$(get_from c "$b" 80)" = "" ]
    kist network create -o isolate=false three
    kist network create -o isolate=false four
    web d --network three
    kist run -d --name e --network four busybox sleep 60
    d=$(kist inspect -f '{{.NetworkSettings.Networks.three.IPAddress}}' d)
    [ "$(get_from e "$d" 80)" = "i am d" ]
    kist network rm -ft0 one two three four
}

@test "--internal: no way out and none in; enable_icc=false: neighbours do not hear each other" {
    kist network create --internal inside
    web a --network inside
    kist run -d --name b --network inside busybox sleep 60
    a=$(kist inspect -f '{{.NetworkSettings.Networks.inside.IPAddress}}' a)
    [ "$(get_from b "$a" 80)" = "i am a" ]
    run -1 kist exec b ping -c1 -W1 $LAN_CLIENT
    run -0 kist exec b ip route
    [[ "$output" != *default* ]]
    kist exec --privileged b ip route add default via "$(kist network inspect -f '{{(index .IPAM.Config 0).Gateway}}' inside)"
    run -1 kist exec b ping -c1 -W1 $LAN_CLIENT # not by a route of its own either
    kist network create -o com.docker.network.bridge.enable_icc=false apart
    web c --network apart
    kist run -d --name d --network apart busybox sleep 60
    c=$(kist inspect -f '{{.NetworkSettings.Networks.apart.IPAddress}}' c)
    [ "$(get_from d "$c" 80)" = "" ]
    run -1 kist exec d ping -c1 -W1 "$c"
    kist network rm -ft0 inside apart
}

@test "a container cannot send from another's address, nor reach the host's loopback" {
    kist run -d --name a busybox sleep 60
    kist run -d --name b --cap-add NET_ADMIN busybox sleep 60
    # Its own address is the only one that leaves (the host gives it another behind its back).
    ip netns exec "kist-$(kist ps -q --filter name=a)" ip addr add 10.207.99.99/16 dev eth0
    run -1 kist exec a ping -c1 -W1 -I 10.207.99.99 10.207.0.1
    run -0 kist exec a ping -c5 -W1 -I eth0 10.207.0.1
    # 127.0.0.0/8 of the host, by way of route_localnet.
    web w -p 18085:80
    kist exec --privileged b sh -c 'ip route add 127.0.0.2/32 via 10.207.0.1; ip addr del 127.0.0.1/8 dev lo; echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet' || true
    run -1 kist exec b ping -c1 -W1 127.0.0.2
}

@test "connect and disconnect while it runs" {
    kist network create --subnet 10.96.0.0/24 later
    kist run -d --name a busybox sleep 60
    kist network connect --ip 10.96.0.9 later a
    run -0 kist exec a ip -4 -o addr show eth1
    [[ "$output" == *10.96.0.9/24* ]]
    run -1 kist network connect later a
    kist network disconnect later a
    run kist exec a ip -4 -o addr show eth1
    [ "$status" != 0 ]
    kist network disconnect bridge a
    [ "$(kist exec a ls /sys/class/net)" = lo ]
    kist network rm later
}

@test "a monitor that is killed: the container keeps its ports, and the next one cleans up" {
    web web -p 18088:80
    kill_monitor web
    [ "$(get_from_lan $LAN_HOST 18088)" = "i am web" ]
    kist exec web true
    kist stop -t0 web
    [ "$(nft list map inet kist published4 | grep -c 18088)" = 0 ]
    kist start web
    pid=$(kist inspect -f '{{.State.Pid}}' web) monitor=$(kist inspect -f '{{.State.MonitorPid}}' web)
    kill -9 "$monitor" "$pid"
    wait_until 5 sh -c "! kill -0 $pid 2>/dev/null"
    kist start web
    wait_until 3 answers_lan 18088
}

@test "everything is as before after rm -af and network prune: links, routes, rules, sysctls" {
    snapshot() {
        ip -o link | sed 's/^[0-9]*: //' | sort
        ip route show table all | sort
        ip -6 route show table all | sort
        nft list ruleset
        (cd /proc/sys/net && grep -rs '' ipv4/conf/all ipv4/conf/default ipv4/ip_forward ipv6/conf/all ipv6/conf/default ipv4/conf/lo | sort)
    }
    snapshot >"$BATS_TEST_TMPDIR/before"
    kist network create --ipv6 six
    kist run -d -p 18089:80 busybox sleep 60
    kist run -d --network six -p 18090:80 busybox sleep 60
    run -0 kist ps --format '{{.Ports}}'
    [[ "$output" == *"[::]:18090->80/tcp"* ]]
    kist rm -aft0
    kist network prune -f
    wait_until 3 sh -c '! ls /sys/class/net | grep -q ^kv'
    snapshot >"$BATS_TEST_TMPDIR/after"
    diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "forwarding stays on while another program's bridge needs it" {
    [ "$(cat /proc/sys/net/ipv4/ip_forward)" = 0 ] || skip "this host forwards anyway"
    kist run --rm busybox true
    [ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ]
    ip link add kt-other type bridge
    kist network prune -f
    forwards=$(cat /proc/sys/net/ipv4/ip_forward)
    ip link del kt-other
    [ "$forwards" = 1 ]
    kist run --rm busybox true
    kist network prune -f
    [ "$(cat /proc/sys/net/ipv4/ip_forward)" = 0 ]
}

@test "A206: a hundred networks of one name at once: one is made" {
    for _ in $(seq 100); do
        kist network create same >>"$BATS_TEST_TMPDIR/made" 2>>"$BATS_TEST_TMPDIR/refused" 3>&- &
    done
    wait
    [ "$(wc -l <"$BATS_TEST_TMPDIR/made")" = 1 ]
    [ "$(grep -c 'already exists' "$BATS_TEST_TMPDIR/refused")" = 99 ]
    kist network rm same
}

@test "A193: ip netns knows a container's namespace while it runs" {
    kist run -d --name web busybox sleep 60
    name=kist-$(kist inspect -f '{{slice .Id 0 12}}' web)
    ip netns list | grep -q "^$name"
    [ "$(ip netns exec "$name" cat /sys/class/net/eth0/address)" = "$(kist inspect -f '{{.NetworkSettings.Networks.bridge.MacAddress}}' web)" ]
    ip netns add kist-mine
    [ "$(kist run --rm --network ns:/run/netns/kist-mine busybox ls /sys/class/net)" = lo ]
    ip netns del kist-mine
    kist stop -t0 web
    ! ip netns list | grep -q "^$name" || false
}

@test "A195: a container without a network can be given one by hand" {
    kist run -d --name bare --network none busybox sleep 60
    pid=$(kist inspect -f '{{.State.Pid}}' bare)
    ip link add byhand type veth peer name eth9 netns "$pid"
    ip addr add 10.99.0.1/24 dev byhand
    ip link set byhand up
    nsenter -t "$pid" -n ip addr add 10.99.0.2/24 dev eth9
    nsenter -t "$pid" -n ip link set eth9 up
    kist exec bare ping -c1 -W2 10.99.0.1
    kist rm -ft0 bare
    wait_until 3 sh -c '! [ -e /sys/class/net/byhand ]'
}

@test "A205: the default bridge follows bip in kist.json, also when it is taken out again" {
    set_bip() { jq "$1" "$ROOT_T/kist.json" >"$ROOT_T/new.json" && mv "$ROOT_T/new.json" "$ROOT_T/kist.json"; }
    first=$(kist run --rm busybox ip -4 -o addr show eth0 | awk '{ print $4 }')
    set_bip '. + {bip: "10.123.0.1/24"}'
    [[ "$(kist run --rm busybox ip -4 -o addr show eth0)" == *"inet 10.123.0."*"/24"* ]]
    [[ "$(ip -4 -o addr show kist0)" == *"10.123.0.1/24"* ]]
    set_bip 'del(.bip)'
    [[ "$(kist run --rm busybox ip -4 -o addr show eth0)" == *"inet ${first%.*}."* ]]
    [[ "$(ip -4 -o addr show kist0)" != *10.123* ]]
}

@test "A216: icc=false is not defeated by what others accept" {
    nft add table inet other
    nft add chain inet other early '{ type filter hook forward priority -300; }'
    nft add rule inet other early accept
    kist network create --opt com.docker.network.bridge.enable_icc=false apart
    web web --network apart
    kist run -d --name peer --network apart busybox sleep 60
    address=$(kist inspect -f '{{.NetworkSettings.Networks.apart.IPAddress}}' web)
    [ -z "$(get_from peer "$address" 80)" ]
    run kist exec peer ping -c1 -W1 "$address"
    [ "$status" -ne 0 ]
    nft delete table inet other
    kist network rm -ft0 apart
}

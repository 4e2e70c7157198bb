#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The name service of networks: who finds whom by which name, what is asked outside and of whom, and changes while it runs.
load network_helpers

setup_file() { setup_lan; }
teardown_file() { teardown_lan; }
setup() { remember_footprint; }
teardown() {
    [ ! -e "$BATS_TEST_TMPDIR/server" ] || kill "$(cat "$BATS_TEST_TMPDIR/server")" 2>/dev/null || true
    check_footprint
}

address_of() { kist inspect -f "{{(index .NetworkSettings.Networks \"$2\").IPAddress}}" "$1"; }
look() { kist exec "$1" nslookup "$2" 2>&1 | tail -n +3; }
finds() { [[ "$(look "$1" "$2")" == *"$3"* ]]; }

# dns_server [ADDRESS]: a name server in the lan that knows every name of the zone "test" (192.0.2.99); it logs what it is asked.
dns_server() {
    ip netns exec "$LAN" python3 "$BATS_TEST_DIRNAME/dns_server.py" "${1:-$LAN_CLIENT}" "$BATS_TEST_TMPDIR/asked" 3>&- &
    echo $! >"$BATS_TEST_TMPDIR/server"
    wait_until 5 grep -q ready "$BATS_TEST_TMPDIR/asked"
}

@test "names: containers of a network find each other by name, alias and short ID, and nobody else does" {
    kist network create front
    kist network create back
    kist run -d --name db --network back --network-alias store busybox sleep 60
    kist run -d --name app --network front --network back busybox sleep 60
    kist run -d --name edge --network front busybox sleep 60
    [ "$(kist exec app cat /etc/resolv.conf | head -1)" = "nameserver 127.0.0.11" ]
    db=$(address_of db back)
    for name in db store "$(kist inspect -f '{{slice .Id 0 12}}' db)" db.back DB; do [[ "$(look app "$name")" == *"$db"* ]]; done
    [[ "$(look edge db)" != *"$db"* ]]
    [[ "$(look app edge)" == *10.208* ]]
    run kist exec app nslookup "$db"
    [[ "$output" == *"db.back"* ]]
    kist run --rm --network back busybox ping -c1 -W2 db
    # A name of nobody's is not asked outside; a container that goes is not found any more.
    run kist exec app nslookup nobody
    [[ "$output" == *"NXDOMAIN"* || "$output" == *"can't resolve"* || "$output" == *"can't find"* ]]
    kist rm -ft0 db
    [[ "$(look app db)" != *"$db"* ]]
    # Port 53 is the container's own.
    kist exec -d app nc -l -p 53
    wait_until 3 kist exec app sh -c 'nc -w1 127.0.0.1 53 </dev/null'
    kist network rm -ft0 front back
}

@test "what the networks do not know is asked of the given server; --internal asks nobody" {
    dns_server
    kist network create front
    kist network create --internal inside
    kist run -d --name app --network front --dns $LAN_CLIENT busybox sleep 60
    kist run -d --name shut --network inside --dns $LAN_CLIENT busybox sleep 60
    finds app example.test 192.0.2.99
    run kist exec app nslookup single
    run kist exec shut nslookup secret.test
    [[ "$output" != *192.0.2.99* ]]
    grep -q example "$BATS_TEST_TMPDIR/asked"
    run -1 grep -qE 'single|secret' "$BATS_TEST_TMPDIR/asked"
    kist network rm -ft0 front inside
}

@test "a server that is silent: the next one is asked; an answer that is cut is fetched by TCP" {
    dns_server
    kist network create front
    kist run -d --name app --network front --dns 192.0.2.77 --dns $LAN_CLIENT busybox sleep 60
    finds app example.test 192.0.2.99
    pid=$(kist inspect -f '{{.State.Pid}}' app)
    run -0 nsenter -t "$pid" -n python3 "$BATS_TEST_DIRNAME/dns_client.py" 127.0.0.11 big.test --tcp
    [ "$output" = "$(seq -f '10.9.8.%g' 1 100 | tr '\n' ' ' | sed 's/ $//')" ]
    grep -q 'tcp big.test' "$BATS_TEST_TMPDIR/asked"
    kist network rm -ft0 front
}

@test "network update: running containers ask the new server at once" {
    dns_server
    kist network create --dns 192.0.2.66 front
    kist run -d --name app --network front busybox sleep 60
    [ "$(kist network update --dns-drop 192.0.2.66 --dns-add $LAN_CLIENT front)" = front ]
    [ "$(kist network inspect -f '{{json .network_dns_servers}}' front)" = "[\"$LAN_CLIENT\"]" ]
    finds app example.test 192.0.2.99
    kist run --rm --network front busybox nslookup other.test | grep -q 192.0.2.99
    run -1 kist network update --dns-drop 192.0.2.66 front
    [[ "$output" == *"has no name server 192.0.2.66"* ]]
    run -125 kist network update --dns-add nonsense front
    run -125 kist network update front
    run -1 kist network update --dns-add 1.1.1.1 bridge
    kist network rm -ft0 front
}

@test "--link: a name that only one container knows, on the default network and on others" {
    kist run -d --name db busybox sleep 60
    kist run -d --name app --link db:store busybox sleep 60
    finds app store "$(address_of db bridge)"
    run kist exec app nslookup db
    [[ "$output" != *"$(address_of db bridge)"* ]] # the default network tells no names of its own
    kist network create front
    kist network connect front db
    kist network connect --link db:base front app
    kist run -d --name other --network front busybox sleep 60
    finds app base "$(address_of db front)"
    run kist exec other nslookup base
    [[ "$output" != *"$(address_of db front)"* ]]
    kist restart -t0 db
    finds app store "$(address_of db bridge)"
    run -125 kist run --rm --link nobody busybox true
    run -125 kist run --rm --network host --link db busybox true
    kist network rm -ft0 front
}

@test "a container of the default network gets the names of one that it is connected to" {
    kist network create front
    kist run -d --name db --network front busybox sleep 60
    kist run -d --name app busybox sleep 60
    kist network connect front app
    [ "$(kist exec app sed -n 's/^nameserver //p' /etc/resolv.conf)" = 127.0.0.11 ]
    finds app db "$(address_of db front)"
    kist network rm -ft0 front
}

@test "rename: found by the new name, not by the old one" {
    kist network create front
    kist run -d --name old --network front --network-alias also busybox sleep 60
    kist run -d --name app --network front busybox sleep 60
    address=$(address_of old front)
    finds app old "$address"
    kist rename old new
    finds app new "$address"
    finds app also "$address"
    run kist exec app nslookup old
    [[ "$output" != *"$address"* ]]
    kist network rm -ft0 front
}

@test "fifty idle TCP clients and packets of nonsense keep nobody from asking" {
    kist network create front
    kist run -d --name app --network front busybox sleep 60
    pid=$(kist inspect -f '{{.State.Pid}}' app)
    nsenter -t "$pid" -n python3 - 127.0.0.11 <<'PY' 3>&- &
import os, random, socket, sys, time
idle = [socket.create_connection((sys.argv[1], 53)) for _ in range(50)]
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.connect((sys.argv[1], 53))
end = time.time() + 4
while time.time() < end:
    try:
        udp.send(os.urandom(random.randrange(1, 600)))
        time.sleep(0.0003)
    except OSError:
        pass
PY
    noise=$!
    sleep 0.5
    run -0 nsenter -t "$pid" -n python3 "$BATS_TEST_DIRNAME/dns_client.py" 127.0.0.11 app --tcp
    for _ in 1 2 3 4 5; do finds app app "$(address_of app front)"; done
    run -0 nsenter -t "$pid" -n python3 "$BATS_TEST_DIRNAME/dns_client.py" 127.0.0.11 app --times 200
    [ "$output" = "$(address_of app front)" ]
    wait $noise
    kist network rm -ft0 front
}

@test "a hundred containers of one network find each other" {
    kist network create crowd
    for n in $(seq 100); do echo "kist run -d --name c$n --network crowd --pids-limit 20 busybox sleep 600"; done >"$BATS_TEST_TMPDIR/all"
    kist() { "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" "$@"; }
    export -f kist
    xargs -P 4 -I{} bash -c '{}' <"$BATS_TEST_TMPDIR/all" >/dev/null
    [ "$(kist ps -q | wc -l)" = 100 ]
    kist inspect -f '{{.Name}} {{.NetworkSettings.Networks.crowd.IPAddress}}' $(kist ps -q) | sed 's|^/||' | sort >"$BATS_TEST_TMPDIR/addresses"
    [ "$(cut -d' ' -f2 "$BATS_TEST_TMPDIR/addresses" | sort -u | wc -l)" = 100 ]
    for from in c1 c50 c100; do
        nsenter -t "$(kist inspect -f '{{.State.Pid}}' $from)" -n python3 "$BATS_TEST_DIRNAME/dns_client.py" 127.0.0.11 $(seq -f 'c%g' 1 100) --named |
            sort | diff "$BATS_TEST_TMPDIR/addresses" -
    done
    kist rm -aft0 >/dev/null
    kist network rm crowd
}

@test "a network that is lent on: the last one sees the names of the first" {
    kist run -d --name first --hostname lender busybox sleep 1000
    kist run -d --name second --network container:first busybox sleep 1000
    run -0 kist run --rm --network container:second busybox cat /etc/hosts
    [[ "$output" == *lender* ]]
    [ "$(kist run --rm --network container:second busybox ip addr show eth0)" = "$(kist exec first ip addr show eth0)" ]
    kist rm -f -t 0 second
    run -125 kist run --rm --network container:second busybox true
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Published vulnerabilities of OCI runtimes, one test a class: the attack is tried, and the host is as it was. The identifier
# of each is in its name (all of them CVE numbers unless they say otherwise).

load helpers

setup_file() { setup_security_file; }
teardown_file() { remove_root; }
setup() { setup_security; }
teardown() { teardown_security; }

@test "2015-3627 2025-24965: files that we put into a container do not follow the image's links" {
    hostile_image links "mkdir -p dev; rm -f etc/hosts; for f in etc/hosts etc/resolv.conf etc/hostname etc/mtab .containerenv dev/stdout dev/stderr; do ln -sfn $ROOT_T/canary/file \$f; done"
    run -0 kist run --rm links sh -c 'echo out; echo err >&2; cat /etc/hosts | wc -c'
    [[ "$output" == *out* ]]
    [[ "$output" == *err* ]]
    [[ "$output" != *untouched* ]]
    hostile_image one_link "rm -f etc/hosts; ln -s $ROOT_T/canary/file etc/hosts"
    run -0 kist run --rm one_link grep -c localhost /etc/hosts
    [ "$output" -ge 1 ]
}

@test "2015-3629: a mount point that became a link to the host between two starts" {
    mkdir "$ROOT_T/volume"
    kist create --name c -v "$ROOT_T/volume:/data/v" attacker sh -c "mv /data /old && ln -s $ROOT_T/canary /data" >/dev/null
    run -0 kist start -a c
    run kist start -a c
    echo "$output"
    [ ! -e "$ROOT_T/canary/v" ]
    [ "$status" -eq 125 ] # inside, the link leads nowhere
    rm -rf "$ROOT_T/volume"
}

@test "2016-3697: a number is never looked up as a name" {
    hostile_image names "echo '1000:x:0:0::/:/bin/sh' >>etc/passwd; echo '1000:x:0:' >>etc/group"
    [ "$(kist run --rm -u 1000 names id -u)" = 1000 ]
    [ "$(kist run --rm -u 1000:1000 names id -g)" = 1000 ]
    kist run -d --name c names sleep 100 >/dev/null
    [ "$(kist exec -u 1000:1000 c sh -c 'id -u; id -g' | tr '\n' ' ')" = "1000 1000 " ]
}

@test "2026-30892: spellings of -u mean that user or are refused, in run and exec" {
    kist run -d --name c attacker sleep 100 >/dev/null
    local user uid
    for user in 1 01 001 1:1 65534 4294967294 nobody nobody:nogroup 0 root; do
        uid=$(kist run --rm -u "$user" attacker id -u)
        [ "$(kist exec -u "$user" c id -u)" = "$uid" ]
        case $user in
        1 | 01 | 001 | 1:1) [ "$uid" = 1 ] ;;
        65534 | nobody*) [ "$uid" = 65534 ] ;;
        4294967294) [ "$uid" = 4294967294 ] ;;
        0 | root) [ "$uid" = 0 ] ;;
        esac
    done
    for user in -1 +1 ' 1' '1 ' 1. 1.0 0x1 1e0 4294967295 4294967296 18446744073709551616 1: :1: 1:1:1 1:-1 no-such-user 'root\n' $'1\n' '1,2' '%31'; do
        run kist run --rm -u "$user" attacker id -u
        [ "$status" -ne 0 ] || [ "$output" = 1 ] || { echo "run -u '$user': $output"; false; }
        run kist exec -u "$user" c id -u
        [ "$status" -ne 0 ] || [ "$output" = 1 ] || { echo "exec -u '$user': $output"; false; }
    done
}

@test "2016-9962: a container with ptrace cannot look into what enters it" {
    kist run -d --name c --cap-add SYS_PTRACE --security-opt seccomp=unconfined attacker sh -c "attacker spy 4 $ROOT_T/canary/file >/tmp/spied; sleep 100" >/dev/null
    local i
    for i in $(seq 150); do kist exec c true; done
    wait_until 10 kist exec c test -s /tmp/spied
    run -0 kist exec c cat /tmp/spied
    echo "$output"
    [[ "$output" =~ ^seen\ [1-9][0-9]*\ escaped\ 0$ ]]
}

@test "2019-5736: the program that enters a container cannot be overwritten from inside" {
    hostile_image interpreter "printf '#!/proc/self/exe\n' >bin/evil; chmod 755 bin/evil"
    before=$(sha256sum "$KIST" "${KIST%/cli/kist}/monitor/kist-monitor" | sha256sum)
    kist run -d --name c --cap-add SYS_PTRACE interpreter sh -c 'attacker overwrite 6 >/tmp/done; sleep 100' >/dev/null
    # The kernel counts a writer even where the read-only mount then refuses it; who starts the program in that instant is told
    # "Text file busy" (126). The attack that is looked for is another.
    local i ran=0
    for i in $(seq 50); do
        run kist exec c true
        [ "$status" -eq 0 ] || [[ "$status" -eq 126 && "$output" == *"Text file busy"* ]]
        [ "$status" -ne 0 ] || ran=$((ran + 1))
    done
    [ "$ran" -gt 0 ]
    sleep 6 # nothing runs that could keep the program busy
    run -0 kist exec c cat /tmp/done
    echo "$output"
    [ "$output" = "opened 1 written 0" ]
    run kist exec c /bin/evil
    run kist run --rm interpreter /bin/evil
    [ "$(sha256sum "$KIST" "${KIST%/cli/kist}/monitor/kist-monitor" | sha256sum)" = "$before" ]
}

@test "2019-16884: nothing but procfs is mounted on or below /proc" {
    mkdir "$ROOT_T/volume"
    for target in /proc /proc/self /proc/self/attr /proc/sys /proc/../proc /x/../proc/self/attr/exec; do
        run kist run --rm -v "$ROOT_T/volume:$target" attacker true
        [[ "$status" -eq 125 && "$output" =~ procfs|"inside '/proc'" ]]
        run kist run --rm --mount "type=tmpfs,target=$target" attacker true
        [[ "$status" -eq 125 && "$output" =~ procfs|"inside '/proc'" ]]
    done
    hostile_image aliased "ln -s proc p; ln -s /proc/self/attr a"
    for target in /p /a /p/self; do
        run kist run --rm -v "$ROOT_T/volume:$target" aliased true
        [[ "$status" -eq 125 && "$output" =~ procfs|"inside '/proc'" ]]
    done
    rmdir "$ROOT_T/volume"
}

@test "2019-18837 2015-1335: destinations with .. and links stay inside the root" {
    mkdir "$ROOT_T/volume"
    hostile_image climbing "ln -s ../../../../../../../..$ROOT_T/canary a; ln -s $ROOT_T/canary b; mkdir -p d; ln -s ../../../../../../../../$ROOT_T/canary d/e"
    for target in /a/x /b/y /d/e/z "/../../../../../..$ROOT_T/canary/w"; do
        run kist run --rm -v "$ROOT_T/volume:$target" --mount type=tmpfs,target=/a/t climbing true
        run kist run --rm -w "$target" climbing true
    done
    rmdir "$ROOT_T/volume"
}

# swap A B: a program outside exchanges the two names until the test ends. The kernel decides who wins, so many rounds.
swap() {
    "$ATTACKER" exchange "$1" "$2" 600 >/dev/null 3>&- &
    ATTACKS=$!
}
stop_swapping() {
    kill "$ATTACKS"
    wait "$ATTACKS" || true
    ATTACKS=
}

@test "2021-30465 2024-45310: a destination in a shared volume is swapped for a link to the host while it is mounted" {
    mkdir -p "$ROOT_T/shared/x" "$ROOT_T/payload" "$ROOT_T/outside/y"
    ln -s "$ROOT_T/outside" "$ROOT_T/shared/link"
    # Inside the root the link leads to a folder of the image, so that the start succeeds either way.
    hostile_image racing "mkdir -p .$ROOT_T/outside/y"
    swap "$ROOT_T/shared/x" "$ROOT_T/shared/link"
    local i code missing=0 started=0
    for i in $(seq 150); do
        code=0
        kist run --rm --network none -v "$ROOT_T/shared:/vol" -v "$ROOT_T/payload:/vol/x/y" -v "$ROOT_T/payload:/vol/x/made" racing \
            sh -c 'test $(grep -c "/payload " /proc/self/mountinfo) = 2 || exit 42' >/dev/null 2>&1 || code=$?
        [ $code -ne 0 ] || started=$((started + 1))
        [ $code -ne 42 ] || missing=$((missing + 1))
    done
    stop_swapping
    echo "started $started of 150, $missing without a mount"
    [ $missing -eq 0 ]
    [ $started -gt 0 ]
    [ "$(ls "$ROOT_T/outside")" = y ]
    [ -z "$(ls "$ROOT_T/outside/y")" ]
    rm -rf "$ROOT_T/shared" "$ROOT_T/payload" "$ROOT_T/outside"
}

@test "2019-19921 2025-52881: /proc of a root file system is swapped for something else while the container starts" {
    cp -a "$ROOT_T/rootfs" "$ROOT_T/shared"
    mkdir -p "$ROOT_T/shared/proc" "$ROOT_T/shared/tmp/p"
    ln -s tmp/p "$ROOT_T/shared/link"
    swap "$ROOT_T/shared/proc" "$ROOT_T/shared/link"
    local i code bad=0 started=0
    for i in $(seq 150); do
        code=0
        # Wherever procfs has come to lie, its masks are on it. In a folder, since the names go on changing.
        kist run --rm --network none --rootfs "$ROOT_T/shared" sh -c 'for p in /proc /link /tmp/p; do
            (cd $p && test -e version || exit 0; test $(stat -c %t:%T keys) = 1:3 || exit 42) || exit 42
        done' >/dev/null 2>&1 || code=$?
        [ $code -ne 0 ] || started=$((started + 1))
        [ $code -ne 42 ] || bad=$((bad + 1))
    done
    stop_swapping
    echo "started $started of 150, $bad without masks"
    [ $bad -eq 0 ]
    [ $started -gt 0 ]
    rm -rf "$ROOT_T/shared"
}

@test "2023-27561 2023-28642 2025-54867: an image whose /proc or /sys is a link is refused" {
    for folder in proc sys; do
        for target in /tmp/p tmp/p "$ROOT_T/canary" /; do
            hostile_image linked "rm -rf $folder; mkdir -p tmp/p; ln -s $target $folder"
            run kist run --rm linked true
            [ "$status" -eq 125 ]
            [[ "$output" == *"mounting '/$folder': it is not a folder in the image"* ]]
        done
    done
}

@test "2021-43784: what is longer than 64 KiB is not cut off into something else" {
    # What a length of 16 bits would leave of each is valid.
    local more
    more=$(printf '%065536d' 0)
    run -0 kist run --rm --uts=ns:/proc/self/ns/uts attacker true
    for option in "--uts=ns:/proc/self/ns/uts$more" "--sysctl=net.ipv4.ip_forward=1$more" "--hostname=web$more" "--workdir=/tmp$more"; do
        run kist run --rm "$option" attacker true
        [ "$status" -ne 0 ]
    done
}

@test "GHSA-g54h-m393-cpwq: devices that are not allowed cannot be used, whoever makes the node" {
    run -0 kist run --rm attacker attacker mknod-read 8 0
    [ "$output" = "0 1" ]
    run -0 kist run --rm --device-cgroup-rule 'b 8:16 r' attacker attacker mknod-read 8 0
    [ "$output" = "0 1" ]
}

@test "2022-24769 2022-27649 2022-27650 2022-27651 2022-27652 2022-29162: no inheritable or ambient capabilities anywhere" {
    kist run -d --name c --cap-add NET_ADMIN attacker sleep 100 >/dev/null
    for command in "run --rm attacker" "run --rm -u 1000 attacker" "run --rm --cap-add ALL attacker" "run --rm --privileged attacker" "exec c" "exec -u 1000 c" "exec --privileged c"; do
        run -0 kist $command grep -E 'Cap(Inh|Amb)' /proc/self/status
        [ "$output" = $'CapInh:\t0000000000000000\nCapAmb:\t0000000000000000' ]
    done
}

@test "2025-27612: exec has the capabilities that run has" {
    for options in "" "--cap-drop all" "--cap-add NET_ADMIN --cap-drop CHOWN" "-u 1000"; do
        kist run -d --name c $options attacker sleep 100 >/dev/null
        [ "$(kist exec c grep Cap /proc/self/status)" = "$(kist run --rm $options attacker grep Cap /proc/self/status)" ]
        kist rm -f -t 0 c >/dev/null
    done
}

@test "2023-25809 2022-0492: control groups are read-only inside, and v1 cannot be mounted" {
    run -0 kist run --rm attacker sh -c 'for f in $(find /sys/fs/cgroup -name cgroup.procs); do echo 0 >$f && echo written; done 2>/dev/null; true'
    [ -z "$output" ]
    run -0 kist run --rm --cgroupns host attacker sh -c 'mkdir /sys/fs/cgroup/memory/x /sys/fs/cgroup/x /sys/fs/cgroup/unified/x 2>/dev/null && echo made; true'
    [ -z "$output" ]
    run kist run --rm attacker sh -c 'mkdir /tmp/c && mount -t cgroup -o memory cgroup /tmp/c'
    [ "$status" -ne 0 ]
    run -0 kist run --rm attacker attacker unshare 0x12020000 # user, mount and cgroup namespace
    [ "$output" = 1 ]
    run kist run --rm --cap-add SYS_ADMIN attacker sh -c 'echo x >/sys/fs/cgroup/memory/release_agent'
    [ "$status" -ne 0 ]
}

@test "2024-21626: a working folder of /proc/self/fd/N leads nowhere outside" {
    kist run -d --name c attacker sleep 100 >/dev/null
    local n
    for n in 3 4 5 6 7 8 9 10 11 12 15 20 30; do
        run kist run --rm -w "/proc/self/fd/$n" attacker cat ../../../../../../../..$ROOT_T/canary/file
        [[ "$output" != *untouched* ]]
        run kist exec -w "/proc/self/fd/$n" c cat ../../../../../../../..$ROOT_T/canary/file
        [[ "$output" != *untouched* ]]
        run kist run --rm -w "/proc/1/fd/$n" attacker ls -a
        [[ "$output" != *canary* ]]
    done
    hostile_image fds true --change 'WORKDIR /proc/self/fd/7'
    run kist run --rm fds cat ../../../../../../../..$ROOT_T/canary/file
    [[ "$output" != *untouched* ]]
    run -0 kist exec c ls /proc/self/fd
    [ "$(wc -w <<<"$output")" -eq 4 ]
}

@test "2025-31133 2025-62161: masks do not use the image's /dev/null, whatever it is" {
    # Taken as the mask, a link to /proc/sys would be a way to write there. The container's own host name is what could be written.
    local trick
    for trick in 'ln -s /proc/sys/kernel/hostname null' 'echo hi >null' 'ln -s zero null; mknod zero c 1 5'; do
        mkdir "$ROOT_T/dev"
        (cd "$ROOT_T/dev" && eval "$trick")
        run kist run --rm -v "$ROOT_T/dev:/dev" attacker sh -c 'stat -c %t:%T /proc/keys /proc/timer_list; echo evil >/proc/keys; hostname'
        echo "$output"
        [ "${lines[0]} ${lines[1]}" = "1:3 1:3" ]
        [[ "$output" != *evil* ]]
        rm -rf "$ROOT_T/dev"
    done
    for trick in 'rm -f dev/null; ln -s /proc/sys/kernel/hostname dev/null' 'rm -rf dev; ln -s /proc/sys/kernel dev'; do
        hostile_image nulls "mkdir -p dev; $trick"
        run kist run --rm nulls sh -c 'stat -c %t:%T /proc/keys; v=$(cat /proc/sys/kernel/core_pattern); echo "$v" >/proc/sys/kernel/core_pattern && echo writable'
        [ "$status" -eq 125 ] || [ "${lines[0]}" = 1:3 ]
        [[ "$output" != *writable* ]]
    done
}

# in_terminal WORD…: kist with these words in a terminal of its own.
in_terminal() {
    local words
    printf -v words '%q ' "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" "$@"
    run script -qec "$words" /dev/null </dev/null
}

@test "2025-52565: a terminal is not mounted on where the image's /dev/console leads" {
    hostile_image consoles "mkdir -p dev; ln -s $ROOT_T/canary/file dev/console; ln -s $ROOT_T/canary dev/pts"
    in_terminal run --rm -t consoles tty
    [[ "$output" == *"/dev/pts/0"* ]]
    mkdir "$ROOT_T/dev"
    ln -s "$ROOT_T/canary/file" "$ROOT_T/dev/console"
    in_terminal run --rm -t -v "$ROOT_T/dev:/dev" attacker sh -c 'test -c /dev/console && echo is a terminal'
    [[ "$output" == *"is a terminal"* ]]
    ln -sfn /proc/self/attr/exec "$ROOT_T/dev/console"
    in_terminal run --rm -t -v "$ROOT_T/dev:/dev" attacker true
    [[ "$output" == *"mounting '/dev/console'"* ]]
    rm -r "$ROOT_T/dev"
}

@test "2026-41579 2026-47766: an image whose /dev, /dev/pts or /dev/shm is a link loses or gets nothing on the host" {
    for trick in "rm -rf dev; ln -s $ROOT_T/canary dev" "rm -rf dev; ln -s /../../../../dev dev" "mkdir -p dev; rm -rf dev/pts; ln -s $ROOT_T/canary dev/pts" \
        "mkdir -p dev; rm -rf dev/shm; ln -s $ROOT_T/canary dev/shm" "mkdir -p dev; ln -s $ROOT_T/canary/file dev/ptmx; ln -s $ROOT_T/canary/file dev/fd"; do
        hostile_image devs "$trick"
        run kist run --rm devs sh -c 'echo x >/dev/shm/x; ls -l /dev/ptmx'
        hostile_image devs "$trick"
        run kist run --rm --privileged devs true
    done
    [ -c /dev/ptmx ] || [ -L /dev/ptmx ]
    # A bundle without a mount on /dev: devices and links are made in the image's.
    mkdir "$ROOT_T/bundle"
    cp -a "$ROOT_T/rootfs" "$ROOT_T/bundle/rootfs"
    rm -rf "$ROOT_T/bundle/rootfs/dev"
    ln -s "$ROOT_T/canary" "$ROOT_T/bundle/rootfs/dev"
    "$KIST_OCI" spec --bundle "$ROOT_T/bundle"
    jq '.process.terminal=false | .process.args=["true"] | .mounts|=map(select(.destination|startswith("/dev")|not)) | .linux.cgroupsPath="'"$CGROUP_PARENT"'/devices"' \
        "$ROOT_T/bundle/config.json" >"$ROOT_T/bundle/new"
    mv "$ROOT_T/bundle/new" "$ROOT_T/bundle/config.json"
    run "$KIST_OCI" --root "$ROOT_T/oci" run --bundle "$ROOT_T/bundle" devices
    echo "$output"
    [ "$(ls "$ROOT_T/canary")" = file ]
    [ "$status" -ne 0 ]
    rm -rf "$ROOT_T/bundle" "$ROOT_T/oci"
}

@test "2015-1334: exec trusts nothing that the container has mounted over its own /proc" {
    kist run -d --name c --cap-add SYS_ADMIN --oom-score-adj 100 --security-opt seccomp=unconfined attacker sh -c 'mkdir -p /tmp/p/self/attr /tmp/p/self/fd; : >/tmp/p/self/oom_score_adj; mount --bind /tmp/p /proc; touch /tmp/ready; sleep 100' >/dev/null
    wait_until 5 kist exec c test -e /tmp/ready
    run -0 kist exec c sh -c 'echo inside; find /tmp/p -type f -size +0'
    [ "$output" = inside ]
}

@test "2016-8649 2016-10124: exec holds no descriptor of the host, and its terminal is not the caller's" {
    kist run -d --name c attacker sleep 100 >/dev/null
    run -0 bash -c '"$0" --config "$1/kist.json" --root "$1/root" --runroot "$1/run" exec c sh -c "ls -l /proc/self/fd" 7<"$1/canary/file" 9<"$1"' "$KIST" "$ROOT_T"
    [[ "$output" != *canary* ]]
    [[ "$output" != *"$ROOT_T"* ]]
    # What is pushed back must not arrive at whoever called exec: with -t it ends in the container's own terminal, with -i the terminal is
    # the caller's, and of another session.
    run timeout 40 python3 - "$KIST" "$ROOT_T" <<'P'
import pexpect, sys
kist, root = sys.argv[1:]
for option in ("-t", "-i"):
    shell = pexpect.spawn("sh", ["-i"], timeout=10, echo=False, encoding="utf-8")
    shell.sendline(f"{kist} --config {root}/kist.json --root {root}/root --runroot {root}/run exec {option} c attacker push-back 'echo HACKED$((1+1))\n'; echo code=$?")
    shell.sendline("echo end$((40+2))")
    shell.expect("end42")
    print(option, shell.before)
    if "code=" not in shell.before or "HACKED2" in shell.before:
        sys.exit(1)
    shell.close()
P
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "2018-6556 2022-47952: nothing that is installed is setuid or setgid or has file capabilities" {
    local program
    for program in "$KIST" "${KIST%/cli/kist}"/monitor/kist-monitor "${KIST%/cli/kist}"/unpack/kist-unpack "${KIST%/cli/kist}"/fetch/kist-fetch "${KIST%/cli/kist}"/runtime/kist-oci; do
        [ ! -u "$program" ]
        [ ! -g "$program" ]
        [ -z "$(getcap "$program" 2>/dev/null)" ]
    done
}

@test "2026-31431: AF_ALG and AF_VSOCK sockets cannot be made" {
    for domain in 38 40; do
        for options in "" "--user 1000 --cap-add NET_ADMIN"; do
            run -0 kist run --rm $options attacker attacker socket "$domain"
            [ "$output" = 1 ] # EPERM of the filter; a kernel without it has EAFNOSUPPORT
        done
    done
    run -0 kist run --rm attacker attacker socket 1
    [ "$output" = 0 ]
}

@test "2013-6441: folders of state belong to root alone" {
    kist run -d --name c attacker sleep 100 >/dev/null
    chmod 711 "$ROOT_T" # else it would protect them
    for folder in "$ROOT_T/root" "$ROOT_T/run"; do
        [ "$(stat -c '%U %a' "$folder")" = "root 700" ]
        run setpriv --reuid 65534 --regid 65534 --clear-groups ls "$folder"
        [[ "$output" == *"Permission denied"* ]]
    done
    chmod 700 "$ROOT_T"
}

@test "chroot: where pivot_root would leave the host's tree around the container's, nothing is started" {
    mkdir -p "$BATS_TEST_TMPDIR/jail"
    in_chroot() { # in its own mount namespace, so that nothing of it stays
        unshare --mount --propagation private sh -c 'mount --rbind / "$0" && exec chroot "$0" "$@"' "$BATS_TEST_TMPDIR/jail" \
            "$KIST" --config "$ROOT_T/kist.json" --root "$ROOT_T/root" --runroot "$ROOT_T/run" "$@"
    }
    run in_chroot run -d --name c --network none busybox sleep 1000
    [ "$status" = 125 ]
    [[ "$output" == *"kist runs in a chroot"*"pivot_root"* ]]
    [ "$(kist inspect -f '{{.State.Status}} {{.State.Pid}}' c)" = "created 0" ]
    kist rm c
    in_chroot ps -a # what starts nothing works
}

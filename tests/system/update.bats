#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# kist update: SEEDS A187, limits, restart policy and health checks while running.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() { check_footprint; }

# limit CONTAINER V1FILE V2FILE: the value that its cgroup has.
limit() {
    local id=$(inspected Id "$1") file
    file=$(find /sys/fs/cgroup -maxdepth 5 -path "*$CGROUP_PARENT/$id/$2" | head -1)
    [ -n "$file" ] || file=$(find /sys/fs/cgroup -maxdepth 5 -path "*$CGROUP_PARENT/$id/$3" | head -1)
    cat "$file"
}

@test "A187: limits of a running container change at once, and in the record" {
    kist run -d --name c --memory 64m --pids-limit 100 --cpus 0.5 busybox sleep 1000
    [ "$(kist update --memory 128m --memory-swap -1 --pids-limit 50 --cpus 1 c)" = c ]
    [ "$(limit c memory.limit_in_bytes memory.max)" = 134217728 ]
    [ "$(limit c pids.max pids.max)" = 50 ]
    [[ "$(limit c cpu.cfs_quota_us cpu.max)" == 100000* ]]
    [ "$(kist inspect --format '{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{.HostConfig.NanoCpus}}' c)" = "134217728 50 1000000000" ]
    kist restart -t 0 c
    [ "$(limit c memory.limit_in_bytes memory.max)" = 134217728 ]
    kist update --memory 32m --memory-swap 64m c
    [ "$(limit c memory.limit_in_bytes memory.max)" = 33554432 ]
}

@test "what is not given stays" {
    kist run -d --name c --cpu-shares 512 --memory 64m --restart always busybox sleep 1000
    kist update --pids-limit 77 c
    [ "$(kist inspect --format '{{.HostConfig.CpuShares}} {{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.PidsLimit}}' c)" = "512 67108864 always 77" ]
    [ "$(limit c pids.max pids.max)" = 77 ]
}

@test "a container that was made without processor sets gets one" {
    kist run -d --name c busybox sleep 1000
    kist exec -d c sleep 999
    kist update --cpuset-cpus 0 c
    local pid
    for pid in $(kist top c pid hpid | awk 'NR > 1 {print $2}'); do
        grep -q '^Cpus_allowed_list:[[:space:]]*0$' "/proc/$pid/status"
    done
}

@test "all or nothing: a limit that the kernel refuses leaves the others as they were" {
    kist run -d --name c --memory 256m --memory-swap -1 --pids-limit 100 busybox sh -c 'head -c 60000000 /dev/zero | tail -c 60000000 >/dev/shm/x; sleep 1000'
    wait_until 10 kist exec c test -e /dev/shm/x
    sleep 1
    [ -e /sys/fs/cgroup/memory ] || skip "cgroup v2 refuses no memory limit"
    run kist update --pids-limit 33 --memory 8m c
    [ "$status" -eq 1 ]
    [ "$(limit c pids.max pids.max)" = 100 ]
    [ "$(limit c memory.limit_in_bytes memory.max)" = 268435456 ]
    [ "$(kist inspect --format '{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}' c)" = "268435456 100" ]
}

@test "a restart policy that is given later counts, one that is taken away too" {
    kist run -d --name c busybox sh -c "sleep $(at_most 1); exit 3"
    kist update --restart on-failure:1 c
    wait_until 5 has_restarted c 1
    wait_until 5 has State.Status c exited
    kist run -d --name d --restart always busybox sh -c 'exit 3'
    wait_until 10 has_restarted d 3
    wait_until 5 has State.Status d restarting
    kist update --restart no d
    [ "$(inspected State.Status d) $(inspected State.ExitCode d)" = "exited 3" ]
    sleep 1.5
    has State.Status d exited
}

@test "update works while restarting, and the next run has the new limits" {
    kist run -d --name d --restart always busybox sh -c "sleep $(at_most 1); exit 3"
    wait_until 10 has_restarted d 2
    wait_until 5 has State.Status d restarting
    kist update --pids-limit 44 d
    wait_until 5 has State.Status d running
    [ "$(limit d pids.max pids.max)" = 44 ]
}

@test "an end in the middle of an update is no failure of it" {
    kist create --name d busybox sleep 0.015 >/dev/null
    local round
    for round in $(seq 60); do
        kist start d >/dev/null
        kist update --pids-limit $((40 + round)) --memory $((32 + round))m --cpu-shares $((100 + round)) d >/dev/null
    done
    [ "$(kist inspect -f '{{.HostConfig.PidsLimit}}' d)" = 100 ]
    kist start d
}

@test "health checks are given, changed and taken away while it runs" {
    kist run -d --name c busybox sleep 1000
    kist update --health-cmd 'test -e /ok' --health-interval 100ms --health-retries 1 c
    wait_until 3 has State.Health.Status c unhealthy
    kist update --health-cmd true c
    wait_until 3 has State.Health.Status c healthy
    kist update --health-interval 1h c
    [ "$(inspected Config.Healthcheck.Interval c)" = 3600000000000 ]
    [ "$(inspected State.Health.Status c)" = healthy ]
    kist update --no-healthcheck c
    [ "$(kist ps --format '{{.Status}}' | grep -c health)" = 0 ]
    run kist update --health-interval 1s c
    [ "$status" -ne 0 ]
}

@test "a stopped container has it at its next start" {
    kist create --name c busybox sleep 1000
    kist update --memory 64m --restart unless-stopped c
    kist start c
    [ "$(limit c memory.limit_in_bytes memory.max) $(inspected HostConfig.RestartPolicy.Name c)" = "67108864 unless-stopped" ]
}

@test "bad values change nothing; --rm and --restart exclude each other" {
    kist run -d --rm --name r busybox sleep 1000
    kist run -d --name c --memory 64m busybox sleep 1000
    for bad in "--restart sometimes" "--memory 1k" "--memory 128m --memory-swap 64m" "--cpuset-cpus 900" "--pids-limit -5" "--cpus 0.001"; do
        run kist update $bad c
        [ "$status" -ne 0 ] || { echo "$bad"; return 1; }
    done
    run kist update --restart always r
    [ "$status" -ne 0 ]
    [[ "$output" == *--rm* ]]
    run kist update c
    [ "$status" -eq 125 ]
    run kist update --memory 64m nobody
    [ "$status" -eq 1 ]
    [ "$(inspected HostConfig.Memory c)" = 67108864 ]
}

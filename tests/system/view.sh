# SPDX-License-Identifier: Apache-2.0
# Run inside a container by view.bats: prints what a process there sees of privilege, devices, mounts and limits.
echo "== identity"
id
grep -E '^(Uid|Gid|Groups|Umask|NoNewPrivs|Seccomp|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NSpid):' /proc/self/status | sed 's/^NSpid:.*/NSpid: own/' | tr '\t' ' '
echo "== environment"
env | grep -v '^HOSTNAME=' | sort
echo "hostname is the short id: $(hostname | grep -cE '^[0-9a-f]{12}$')"
pwd
echo "== devices"
ls -l /dev | awk 'NR > 1 { if ($1 ~ /^[bc]/) print $1, $3, $4, $5, $6, $NF; else if ($1 ~ /^l/) print $1, $(NF - 2), $(NF - 1), $NF; else print $1, $NF }' | sort
echo "== mounts"
# Masked and read-only paths differ from host to host; view.bats looks at them by itself.
awk '{ dash = 0; for (i = 7; i <= NF; i++) if ($i == "-") dash = i
       options = $6; gsub(/,relatime/, "", options)
       super = $(dash + 3)
       keep = ""; n = split(super, parts, ",")
       for (i = 1; i <= n; i++) if (parts[i] ~ /^(ro|rw|size=|mode=|gid=|ptmxmode=)/) keep = keep "," parts[i]
       type = $(dash + 1); if ($5 ~ /^\/etc\/|kist-init/) type = "file" # of whatever file system the store is on
       print $5, type, options, substr(keep, 2) }' /proc/self/mountinfo |
    grep -vE '^/(proc|sys)/' | sort
echo "== cgroup view"
sed 's/.*://' /proc/self/cgroup | sort -u
echo "== forbidden"
mount -t tmpfs tmpfs /mnt 2>&1 | sed 's/.*: //'
(echo x >/proc/sys/kernel/hostname) 2>&1 | sed 's/.*: //'
(unshare -U true 2>&1 || true) | sed 's/.*: //'
dmesg 2>&1 | head -1 | sed 's/.*: //'

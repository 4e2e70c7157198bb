#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Archives made to hurt (SECURITY F28 to F30): each is fed to import or load. Nothing outside changes, what is refused
# leaves nothing in the store and says why in one line, and neither time nor memory runs away.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() { check_footprint; }

store_listing() { (cd "$ROOT_T/root" && find . -not -path './lock*' | sort); }
# Attributes that overlay or the kernel would act on, which no archive may set (opaque is our mark of a whiteout, origin overlay's of a copy).
evil_attributes() { getfattr -hRd -m '^(trusted\.(overlay\.(redirect|metacopy|whiteout)|evil)|security\.(selinux|ima))' --absolute-names "$1" 2>/dev/null; }
canary_state() { (cd "$BATS_TEST_TMPDIR/canary" && find . -printf '%p %y %m %U %s %T@ %l\n' | sort; cat f); }

# feed COMMAND FILE NAME: the exit status; what it said is in $said.
feed() {
    local tag=()
    [ "$1" = load ] || tag=("hostile:$3")
    if [ "$1" = load ]; then
        timeout "$(at_most 20)" "$KIST" --root "$ROOT_T/root" --runroot "$ROOT_T/run" load -q -i "$2" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
    else
        timeout "$(at_most 20)" "$KIST" --root "$ROOT_T/root" --runroot "$ROOT_T/run" import -q "$2" "${tag[@]}" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
    fi
}

forget_images() {
    kist images -q --no-trunc | sort -u | grep -vF "$(kist image inspect -f '{{.Id}}' busybox)" | xargs -r -n1 "$KIST" --root "$ROOT_T/root" --runroot "$ROOT_T/run" rmi -f >/dev/null
}

@test "a corpus of hostile archives changes nothing outside, and what is refused leaves nothing" {
    mkdir "$BATS_TEST_TMPDIR/canary" "$BATS_TEST_TMPDIR/corpus"
    echo untouched >"$BATS_TEST_TMPDIR/canary/f"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/hostile_archives.py" "$BATS_TEST_TMPDIR/corpus" "$BATS_TEST_TMPDIR/canary"
    canary_state >"$BATS_TEST_TMPDIR/canary.before"
    store_listing >"$BATS_TEST_TMPDIR/store.before"
    local file base command verdict name status bad=0 count=0
    for file in "$BATS_TEST_TMPDIR/corpus"/*; do
        base=${file##*/} command=${base%%.*} base=${base#*.} verdict=${base%%.*} name=${base#*.}
        count=$((count + 1)) status=0
        feed "$command" "$file" "$name" || status=$?
        if [ $status -ne 0 ] && [ $status -ne 125 ]; then
            echo "$command $name: exit code $status: $(cat "$BATS_TEST_TMPDIR/err")"; bad=1
        elif [ $status -eq 125 ]; then
            if [ "$(wc -l <"$BATS_TEST_TMPDIR/err")" -gt 2 ] || ! grep -q '^kist: ' "$BATS_TEST_TMPDIR/err" || grep -qP '[\x00-\x08\x1b]' "$BATS_TEST_TMPDIR/err"; then
                echo "$command $name: not one clean line: $(cat -v "$BATS_TEST_TMPDIR/err" | head -5)"; bad=1
            fi
            if ! store_listing | diff "$BATS_TEST_TMPDIR/store.before" - >"$BATS_TEST_TMPDIR/diff"; then
                echo "$command $name: refused, but the store has changed: $(cat "$BATS_TEST_TMPDIR/diff")"; bad=1
            fi
        elif [ "$verdict" = refuse ]; then
            echo "$command $name: was not refused"; bad=1
        fi
        if [ $status -eq 0 ]; then
            [[ "$name" != *xattr* ]] || [ -z "$(evil_attributes "$ROOT_T/root/layers")" ] || { echo "$command $name: $(evil_attributes "$ROOT_T/root/layers")"; bad=1; }
            forget_images
        fi
        canary_state | diff "$BATS_TEST_TMPDIR/canary.before" - || { echo "$command $name: the canary has changed"; return 1; }
    done
    [ "$count" -ge 300 ]
    store_listing | diff "$BATS_TEST_TMPDIR/store.before" -
    [ $bad -eq 0 ]
}

@test "the same corpus through cp: nothing outside the container changes, whether it runs or not" {
    mkdir "$BATS_TEST_TMPDIR/canary" "$BATS_TEST_TMPDIR/corpus"
    echo untouched >"$BATS_TEST_TMPDIR/canary/f"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/hostile_archives.py" "$BATS_TEST_TMPDIR/corpus" "$BATS_TEST_TMPDIR/canary"
    canary_state >"$BATS_TEST_TMPDIR/canary.before"
    kist run -d --name live busybox sleep 1000 >/dev/null
    kist create --name idle busybox >/dev/null
    local file base name status bad=0 count=0
    for file in "$BATS_TEST_TMPDIR/corpus"/import.*; do
        base=${file##*/} name=${base#import.*.}
        for victim in live idle; do
            count=$((count + 1)) status=0
            timeout "$(at_most 20)" "$KIST" --root "$ROOT_T/root" --runroot "$ROOT_T/run" cp - $victim:/tmp <"$file" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" || status=$?
            if [ $status -ne 0 ] && [ $status -ne 125 ]; then
                echo "cp $name: exit code $status: $(cat "$BATS_TEST_TMPDIR/err")"; bad=1
            elif [ $status -eq 125 ] && { ! grep -q '^kist: ' "$BATS_TEST_TMPDIR/err" || grep -qP '[\x00-\x08\x1b]' "$BATS_TEST_TMPDIR/err"; }; then
                echo "cp $name: not one clean line: $(cat -v "$BATS_TEST_TMPDIR/err" | head -5)"; bad=1
            fi
            canary_state | diff "$BATS_TEST_TMPDIR/canary.before" - || { echo "cp $name: the canary has changed"; return 1; }
        done
    done
    [ "$count" -ge 260 ]
    evil_attributes "$ROOT_T/root/containers"
    [ -z "$(evil_attributes "$ROOT_T/root/containers")" ]
    kist exec live true
    [ $bad -eq 0 ]
}

@test "decompression bombs are refused within bounds of time and memory" {
    head -c 1G /dev/zero | gzip -1 >"$BATS_TEST_TMPDIR/zeros.gz"
    cp "$BATS_TEST_TMPDIR/zeros.gz" "$BATS_TEST_TMPDIR/many.gz" # concatenated members: 3 GiB
    cat "$BATS_TEST_TMPDIR/zeros.gz" "$BATS_TEST_TMPDIR/zeros.gz" >>"$BATS_TEST_TMPDIR/many.gz"
    /usr/bin/python3 - "$BATS_TEST_TMPDIR" <<'PY'
import lzma, subprocess, sys, tarfile
top = sys.argv[1]
# A tar of one file of 4 GiB of zeros, compressed as it is written.
def bomb(argv, name):
    with open(f"{top}/{name}", "wb") as out:
        z = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=out)
        info = tarfile.TarInfo("zeros"); info.size = 4 << 30
        z.stdin.write(info.tobuf())
        for _ in range(512): z.stdin.write(bytes(8 << 20))
        z.stdin.close(); z.wait()
bomb(["zstd", "-q", "-1", "-c"], "bomb.tar.zst")
PY
    store_listing >"$BATS_TEST_TMPDIR/store.before"
    # A disk that has no room for 4 GiB refuses them by that.
    local refusals='refused as a decompression bomb|follow the end of the archive'
    [ "$(df --output=avail -B1 "$ROOT_T" | tail -1)" -gt $((5 << 30)) ] || refusals+='|there is room for'
    for bomb in zeros.gz many.gz bomb.tar.zst; do
        run timeout "$(at_most 60)" /usr/bin/python3 - "$KIST" --root "$ROOT_T/root" --runroot "$ROOT_T/run" import -q "$BATS_TEST_TMPDIR/$bomb" bomb <<'PY'
import resource, subprocess, sys, time
start = time.time()
p = subprocess.run(sys.argv[1:], stderr=subprocess.PIPE)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(p.stderr.decode().strip(), f"{time.time() - start:.1f} s, {peak >> 10} MiB")
sys.exit(0 if p.returncode == 125 and peak < 100 << 10 else 1)
PY
        echo "$bomb: $output"
        [ "$status" -eq 0 ]
        [[ "$output" =~ $refusals ]]
        store_listing | diff "$BATS_TEST_TMPDIR/store.before" -
        rm "$BATS_TEST_TMPDIR/$bomb"
    done
}

@test "a million entries are taken in time, come out again byte for byte, and go" {
    [ "${PATIENCE:-1}" = 1 ] || skip "a million entries take half an hour on an emulated processor"
    # 1000 folders of 100 files, ten times over: what replaces counts as what is new, and the disk is not filled.
    TESTS="$BATS_TEST_DIRNAME" /usr/bin/python3 - <<'PY' | gzip -1 >"$BATS_TEST_TMPDIR/million.tar.gz"
import os, sys
sys.path.insert(0, os.environ["TESTS"])
import hostile_archives as made
block = bytearray(made.header(b""))
rest = sum(block[:148]) + sum(block[156:]) + 8 * 32
for again in range(10):
    for folder in range(1000):
        part = []
        for file in range(100):
            name = b"d%03d/f%03d" % (folder, file)
            block[:9] = name
            block[148:156] = b"%06o\0 " % (rest + sum(name))
            part.append(bytes(block))
        sys.stdout.buffer.write(b"".join(part))
sys.stdout.buffer.write(made.END)
PY
    store_listing >"$BATS_TEST_TMPDIR/store.before"
    # A minute on an idle disk; what grows with the square of the number takes hours.
    timeout "$(at_most 400)" "$KIST" --root "$ROOT_T/root" --runroot "$ROOT_T/run" import -q "$BATS_TEST_TMPDIR/million.tar.gz" million >/dev/null
    [ "$(ls "$ROOT_T/root/layers"/*/diff/d999 | grep -c f)" -eq 100 ]
    kist save -o "$BATS_TEST_TMPDIR/million.tar" million
    [ "$(tar -xOf "$BATS_TEST_TMPDIR/million.tar" --wildcards '*.tar' | sha256sum)" = "$(zcat "$BATS_TEST_TMPDIR/million.tar.gz" | sha256sum)" ]
    rm "$BATS_TEST_TMPDIR/million.tar"
    kist rmi million >/dev/null
    store_listing | diff "$BATS_TEST_TMPDIR/store.before" -
}

@test "the same corpus through volume import: nothing outside the volume changes, one archive after the other" {
    mkdir "$BATS_TEST_TMPDIR/canary" "$BATS_TEST_TMPDIR/corpus"
    echo untouched >"$BATS_TEST_TMPDIR/canary/f"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/hostile_archives.py" "$BATS_TEST_TMPDIR/corpus" "$BATS_TEST_TMPDIR/canary"
    canary_state >"$BATS_TEST_TMPDIR/canary.before"
    kist volume create victim >/dev/null
    (cd "$ROOT_T/root" && find . -not -path './lock*' -not -path './volumes/victim/_data/*' | sort) >"$BATS_TEST_TMPDIR/store.before"
    local file base name status bad=0 count=0
    for file in "$BATS_TEST_TMPDIR/corpus"/import.*; do
        base=${file##*/} name=${base#import.*.}
        count=$((count + 1)) status=0
        timeout "$(at_most 20)" "$KIST" --root "$ROOT_T/root" --runroot "$ROOT_T/run" volume import victim "$file" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" || status=$?
        if [ $status -ne 0 ] && [ $status -ne 125 ]; then
            echo "volume import $name: exit code $status: $(cat "$BATS_TEST_TMPDIR/err")"; bad=1
        elif [ $status -eq 125 ] && { ! grep -q '^kist: ' "$BATS_TEST_TMPDIR/err" || grep -qP '[\x00-\x08\x1b]' "$BATS_TEST_TMPDIR/err"; }; then
            echo "volume import $name: not one clean line: $(cat -v "$BATS_TEST_TMPDIR/err" | head -5)"; bad=1
        fi
        canary_state | diff "$BATS_TEST_TMPDIR/canary.before" - || { echo "volume import $name: the canary has changed"; return 1; }
    done
    [ "$count" -ge 130 ]
    (cd "$ROOT_T/root" && find . -not -path './lock*' -not -path './volumes/victim/_data/*' | sort) | diff "$BATS_TEST_TMPDIR/store.before" -
    evil_attributes "$ROOT_T/root/volumes"
    [ -z "$(evil_attributes "$ROOT_T/root/volumes")" ]
    kist volume rm victim
    [ $bad -eq 0 ]
}

@test "an archive that is cut or has something behind it is refused in time, wherever that is (F28)" {
    local file
    mkdir "$BATS_TEST_TMPDIR/tree"
    seq 4000 >"$BATS_TEST_TMPDIR/tree/numbers"
    head -c 3000 /dev/urandom >"$BATS_TEST_TMPDIR/tree/noise"
    tar -C "$BATS_TEST_TMPDIR/tree" -cf "$BATS_TEST_TMPDIR/root.tar" .
    kist import -q "$BATS_TEST_TMPDIR/root.tar" cut:me >/dev/null
    kist save -o "$BATS_TEST_TMPDIR/load.tar" cut:me
    kist save --format oci-archive -o "$BATS_TEST_TMPDIR/oci.tar" cut:me
    kist rmi cut:me >/dev/null
    for file in root load oci; do
        gzip -k "$BATS_TEST_TMPDIR/$file.tar"
        xz -k "$BATS_TEST_TMPDIR/$file.tar"
        zstd -q "$BATS_TEST_TMPDIR/$file.tar"
    done
    store_listing >"$BATS_TEST_TMPDIR/store.before"
    /usr/bin/python3 - "$BATS_TEST_TMPDIR" "$KIST" --root "$ROOT_T/root" --runroot "$ROOT_T/run" <<'PY'
import os, random, subprocess, sys, time
work, kist = sys.argv[1], sys.argv[2:]
random.seed(1)
bad = points = 0
def feed(name, data, what):
    """True when it was taken."""
    global bad, points
    points += 1
    with open(f"{work}/given", "wb") as file: file.write(data)
    words = ["import", "-q", f"{work}/given"] if name.startswith("root") else ["load", "-q", "-i", f"{work}/given"]
    begun = time.monotonic()
    p = subprocess.run(kist + words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20)
    if time.monotonic() - begun > 5 or p.returncode not in (0, 125) or (p.returncode and not p.stderr.startswith(b"kist: ")):
        print(f"{name} {what}: exit {p.returncode} after {time.monotonic() - begun:.1f} s: {p.stderr.decode(errors='replace').strip()}"); bad += 1
    return p.returncode == 0
for name in sorted(os.listdir(work)):
    if not name.startswith(("root.tar", "load.tar", "oci.tar")): continue
    whole = open(f"{work}/{name}", "rb").read()
    packed = not name.endswith(".tar")
    cuts = sorted({0, 1, 511, 512, 513, len(whole) - 1} | set(random.sample(range(512, len(whole), 512), min(8, len(whole) // 512 - 1)))
                  | {random.randrange(len(whole)) for _ in range(8)})
    for cut in cuts:
        taken = feed(name, whole[:cut], f"cut at {cut}")
        # The end of a tar is two blocks of zeros, filled up to 20: what lacks only those is whole.
        if taken and (packed or any(whole[cut:])): print(f"{name} cut at {cut} of {len(whole)}: taken"); bad += 1
    if packed:
        feed(name, whole + b"garbage" * 100, "garbage behind it")
        feed(name, whole + whole, "twice")
        for _ in range(6):
            place = random.randrange(len(whole))
            feed(name, whole[:place] + bytes([whole[place] ^ 1 << random.randrange(8)]) + whole[place + 1:], f"bit at {place}")
print(f"{points} points, {bad} violations")
sys.exit(1 if bad or points < 180 else 0)
PY
    forget_images
    store_listing | diff "$BATS_TEST_TMPDIR/store.before" -
}

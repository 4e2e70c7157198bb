#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images and copies: kist beside podman, docker and the plain tools that do no more than the bytes ask for, in one run.

    tests/bench/storage.py --kist build-release/src/cli/kist [--rounds 3] [--megabytes 1000] [--only load,save,…] [--peers podman]

Needs root and about eight times --megabytes in /var/tmp. The image has four layers, filled with files of this host's /usr.
"""
import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time

import bench
from bench import check, interleaved, run, timed


def pick_files(limit):
    """Regular files and links of /usr, up to `limit` bytes; none of the large ones, as an image is made of many small files."""
    found, size = [], 0
    for folder, folders, names in os.walk("/usr"):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            info = os.lstat(path)
            if not (os.path.islink(path) or os.path.isfile(path)) or info.st_size > 256 << 10:
                continue
            found.append(path)
            size += info.st_size
            if size > limit:
                return found
    return found


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else hashlib.sha256(file.read()).hexdigest()


class Archives:
    """image.tar (docker-archive of four layers) and rootfs.tar (the same files in one), made once."""

    def __init__(self, work, megabytes, busybox):
        files = pick_files(megabytes << 20)
        self.count = len(files)
        self.layers = []
        quarter = len(files) // 4 + 1
        for i in range(4):
            path = f"{work}/layer{i}.tar"
            with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
                if i == 0:
                    with tarfile.open(busybox) as first:
                        for member in first:
                            tar.addfile(member, first.extractfile(member) if member.isfile() else None)
                for file in files[i * quarter:(i + 1) * quarter]:
                    tar.add(file, arcname=file.lstrip("/"), recursive=False)
            self.layers.append(path)
        self.image = f"{work}/image.tar"
        config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"]}, "created": "2026-01-01T00:00:00Z",
                  "history": [{"created": "2026-01-01T00:00:00Z", "created_by": f"layer {i}"} for i in range(4)],
                  "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha256(layer) for layer in self.layers]}}
        text = json.dumps(config).encode()
        config_name = hashlib.sha256(text).hexdigest() + ".json"
        parts = {config_name: text,
                 "manifest.json": json.dumps([{"Config": config_name, "RepoTags": ["docker.io/library/bench:big"],
                                               "Layers": [f"{i}/layer.tar" for i in range(4)]}]).encode()}
        for name, data in parts.items():
            with open(f"{work}/{name}", "wb") as file:
                file.write(data)
        with tarfile.open(self.image, "w") as tar:
            for i, layer in enumerate(self.layers):
                tar.add(layer, arcname=f"{i}/layer.tar")
            for name in parts:
                tar.add(f"{work}/{name}", arcname=name)
        self.rootfs = f"{work}/rootfs.tar"
        with open(self.rootfs, "wb") as out:
            for i, layer in enumerate(self.layers):
                data_end = os.path.getsize(layer)
                with open(layer, "rb") as file:
                    # The end mark of all but the last is cut off.
                    with tarfile.open(layer) as tar:
                        tar.getmembers()
                        data_end = tar.offset if i < 3 else data_end
                    shutil.copyfileobj(Limited(file, data_end), out, 1 << 20)


class Limited:
    def __init__(self, file, size):
        self.file, self.left = file, size

    def read(self, size):
        data = self.file.read(min(size, self.left))
        self.left -= len(data)
        return data


def shell(text):
    return timed(["bash", "-c", text])


def settle():
    os.sync()


def prepared(prepare, job):
    def step():
        prepare()
        settle()
        return job()
    return step


def bench_load(engines, archives, work, rounds):
    def plain():
        shutil.rmtree(f"{work}/plain", ignore_errors=True)
        settle()
        lines = [f"mkdir -p {work}/plain/{i} && tar -x --xattrs -C {work}/plain/{i} -f {layer} && sha256sum <{layer} >/dev/null"
                 for i, layer in enumerate(archives.layers)]
        return shell(" && ".join(lines) + f" && sync -f {work}/plain")
    jobs = {e.name: prepared(lambda e=e: run(e("rmi", "-f", "bench:big")), lambda e=e: timed(e("load", "-q", "-i", archives.image))) for e in engines}
    jobs["tar+sha256sum"] = plain
    return interleaved(jobs, rounds)


def bench_load_gzip(engines, archives, work, rounds):
    """The same image as registries have it: an OCI archive of gzip layers, as skopeo writes it."""
    packed = f"{work}/packed.tar"
    check(["skopeo", "copy", "-q", "--insecure-policy", f"docker-archive:{archives.image}", f"oci-archive:{packed}:bench:gzip"])
    with tarfile.open(packed) as tar:
        read = lambda digest: json.load(tar.extractfile(f"blobs/sha256/{digest.split(':')[1]}"))
        manifest = read(json.load(tar.extractfile("index.json"))["manifests"][0]["digest"])
    blobs = [layer["digest"].split(":")[1] for layer in manifest["layers"]]
    check(["bash", "-c", f"mkdir {work}/packed && tar -C {work}/packed -xf {packed}"])

    def plain():
        shutil.rmtree(f"{work}/plain-gzip", ignore_errors=True)
        settle()
        lines = [f"mkdir -p {work}/plain-gzip/{i} && tee >(sha256sum >&2) <{work}/packed/blobs/sha256/{blob} | gunzip | tee >(sha256sum >&2) | tar -x --xattrs -C {work}/plain-gzip/{i}"
                 for i, blob in enumerate(blobs)]
        return shell(f"({' && '.join(lines)}) 2>/dev/null && sync -f {work}/plain-gzip")

    def umoci():
        for name in ("layout", "bundle"):
            shutil.rmtree(f"{work}/{name}", ignore_errors=True)
        settle()
        return shell(f"skopeo copy -q --insecure-policy oci-archive:{packed} oci:{work}/layout:x && umoci unpack --image {work}/layout:x {work}/bundle && sync -f {work}/bundle")

    jobs = {e.name: prepared(lambda e=e: run(["bash", "-c", f"{' '.join(e('images', '-q', '--no-trunc'))} | sort -u | grep -v $({' '.join(e('images', '-q', '--no-trunc', 'busybox'))}) | xargs -r {' '.join(e('rmi', '-f'))}"]),
                             lambda e=e: timed(e("load", "-q", "-i", packed))) for e in engines if e.name != "docker"}
    jobs["tar+sha256sum"] = plain
    if shutil.which("umoci"):
        jobs["skopeo+umoci"] = umoci
    try:
        return interleaved(jobs, rounds)
    finally:
        for name in ("layout", "bundle", "plain-gzip", "packed"):
            shutil.rmtree(f"{work}/{name}", ignore_errors=True)
        os.unlink(packed)
        for engine in engines: # the next rows want it by its name
            run(engine("load", "-q", "-i", archives.image))


def bench_import(engines, archives, work, rounds):
    jobs = {e.name: prepared(lambda e=e: run(e("rmi", "-f", "bench:flat")), lambda e=e: timed(e("import", *(["-q"] if e.name != "docker" else []), archives.rootfs, "bench:flat")))
            for e in engines}

    def plain():
        shutil.rmtree(f"{work}/plain", ignore_errors=True)
        settle()
        return shell(f"mkdir {work}/plain && tar -x --xattrs -C {work}/plain -f {archives.rootfs} && sha256sum <{archives.rootfs} >/dev/null && sync -f {work}/plain")
    jobs["tar+sha256sum"] = plain
    result = interleaved(jobs, rounds)
    for engine in engines:
        run(engine("rmi", "-f", "bench:flat"))
    return result


def bench_save(engines, archives, work, rounds):
    out = f"{work}/saved.tar"

    def saving(engine):
        if os.path.exists(out):
            os.unlink(out)
        settle()
        return timed(engine("save", "-o", out, "bench:big"))

    def plain():
        if os.path.exists(out):
            os.unlink(out)
        settle()
        parts = [f"tar -c -C {work}/plain/{i} . | tee >(sha256sum >/dev/null) >>{out}" for i in range(4)]
        return shell(" && ".join(parts) + f" && sync {out}")
    jobs = {e.name: (lambda e=e: saving(e)) for e in engines}
    if os.path.isdir(f"{work}/plain/3"):
        jobs["tar+sha256sum"] = plain
    return interleaved(jobs, rounds)


def bench_rmi(engines, archives, _, rounds):
    jobs = {e.name: prepared(lambda e=e: run(e("load", "-q", "-i", archives.image)), lambda e=e: timed(e("rmi", "-f", "bench:big"))) for e in engines}
    result = interleaved(jobs, rounds)
    for engine in engines:
        run(engine("load", "-q", "-i", archives.image))
    return result


def bench_images(engines, _archives, _work, rounds):
    """500 names of 500 images: each a commit of a container that never ran, with another label."""
    chosen = [e for e in engines if e.name == "kist"]
    for engine in chosen:
        check(engine("create", "--name", "base", "busybox", "true"))
        for i in range(500):
            check(engine("commit", "-q", "--pause=false", "-c", f"LABEL n={i}", "base", f"many:{i}"))
    try:
        return interleaved({e.name: (lambda e=e: timed(e("images"))) for e in chosen}, rounds * 5)
    finally:
        for engine in chosen:
            run(engine("rm", "-f", "base"))
            run(["bash", "-c", f"seq 0 499 | sed s/^/many:/ | xargs {' '.join(engine('rmi', '-f'))} >/dev/null"])


def bench_commit(engines, archives, _work, rounds):
    """100 changed files in the large image."""
    # Busybox's own: the programs of the host in /usr/bin lack their loader there.
    script = "PATH=/bin; mkdir -p /new; for i in $(seq 100); do echo $i >/new/$i; done"
    for engine in engines:
        run(engine("load", "-q", "-i", archives.image))
        check(engine.run_words("--name", "hundred", "bench:big", "/bin/sh", "-c", script))
    number = iter(range(10 ** 6))

    def job(engine):
        settle()
        return timed(engine("commit", *(["-q"] if engine.name != "docker" else []), "-c", f"LABEL n={next(number)}", "hundred", "bench:committed"))
    try:
        return interleaved({e.name: (lambda e=e: job(e)) for e in engines}, max(rounds, 5))
    finally:
        for engine in engines:
            run(engine("rm", "-f", "hundred"))
            run(engine("rmi", "-f", "bench:committed"))


def bench_diff(engines, archives, _work, rounds):
    for engine in engines:
        run(engine("load", "-q", "-i", archives.image))
        check(engine.run_words("--name", "hundred", "bench:big", "/bin/sh", "-c", "PATH=/bin; for i in $(seq 100); do echo $i >/$i; done"))
    try:
        return interleaved({e.name: (lambda e=e: timed(e("diff", "hundred"))) for e in engines}, max(rounds, 10))
    finally:
        for engine in engines:
            run(engine("rm", "-f", "hundred"))


def bench_cp(direction):
    def bench_one(engines, _archives, work, rounds):
        source, target = f"{work}/500mb", f"{work}/500mb-copy"
        check(["bash", "-c", f"head -c 500000000 /dev/urandom >{source}"])
        for engine in engines:
            check(engine.run_words("-d", "--stop-signal", "KILL", "--name", "target", "busybox", "sleep", "100000"))
            check(engine("cp", source, "target:/500mb"))

        def job(engine):
            settle()
            words = (source, "target:/500mb") if direction == "in" else ("target:/500mb", target)
            return timed(engine("cp", *words))

        def plain():
            settle()
            return timed(["cp", "--reflink=never", source, target])
        jobs = {e.name: (lambda e=e: job(e)) for e in engines}
        jobs["cp"] = plain
        try:
            return interleaved(jobs, rounds)
        finally:
            for engine in engines:
                run(engine("rm", "-f", "target"))
    return bench_one


BENCHES = {
    "load": ("`load` of the image, ms", bench_load),
    "load-gzip": ("`load` of it as an OCI archive of gzip layers, ms", bench_load_gzip),
    "save": ("`save` of it, ms", bench_save),
    "import": ("`import` of the same files in one tar, ms", bench_import),
    "rmi": ("`rmi` of it, ms", bench_rmi),
    "commit": ("`commit` of 100 new files on it, ms", bench_commit),
    "diff": ("`diff` of 100 new files, ms", bench_diff),
    "cp-in": ("`cp` of 500 MB into a running container, ms", bench_cp("in")),
    "cp-out": ("`cp` of 500 MB out of it, ms", bench_cp("out")),
    "images": ("`images` with 500 images, ms", bench_images),
}


def print_table(results, names):
    print("| what | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
    for key, medians in results.items():
        own = medians["kist"]
        cells = ["–" if n not in medians else f"{medians[n]:.1f}" if n == "kist" else f"{medians[n]:.1f} ({medians[n] / own:.1f}×)" for n in names]
        print(f"| {BENCHES[key][0]} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kist", default=f"{bench.TOP}/build-release/src/cli/kist")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--only", default=",".join(BENCHES))
    parser.add_argument("--peers", default="podman,docker")
    parser.add_argument("--podman-runtime", default="runc", help="crun 1.8 refuses a hybrid host with a v2 controller, and here it hardly matters")
    args = parser.parse_args()
    work, tar = bench.begin(args)
    engines = []
    try:
        engines.append(bench.kist(args, work, tar))
        for name in filter(None, args.peers.split(",")):
            try:
                engines.append({"podman": bench.podman, "docker": bench.docker}[name](args, work, tar))
            except RuntimeError as error:
                print(f"left out: {name}: {error}", file=sys.stderr)
        archives = Archives(work, args.megabytes, tar)
        print(f"image: {archives.count} files, {os.path.getsize(archives.image) >> 20} MiB", file=sys.stderr)
        results, names = {}, [e.name for e in engines]
        for key in args.only.split(","):
            started = time.monotonic()
            results[key] = BENCHES[key][1](engines, archives, work, args.rounds)
            names += [n for n in results[key] if n not in names]
            print(f"{key} ({time.monotonic() - started:.0f} s): " + ", ".join(f"{n} {v:.1f}" for n, v in results[key].items()), file=sys.stderr)
        print_table(results, names)
    finally:
        for engine in engines:
            engine.close()
        subprocess.run(["bash", "-c", f"findmnt -rno TARGET | grep '^{work}/' | sort -r | xargs -r -n1 umount -l"], check=False)
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""pull and push of kist beside podman, skopeo and docker, from and to one registry on loopback: wall time, processor time and peak
memory of the command and its children (docker's daemon is not seen that way), medians of interleaved rounds.

    tests/bench/registry.py --kist build-release/src/cli/kist [--rounds 3] [--peers podman,skopeo,docker] [--size 600]

Needs root and Debian's docker-registry. The images: SIZE MB in 4 layers, half of it text and half noise, and 40 layers of
100 KB. A pull into an empty store, a pull of what is there, a push of what the registry has.
"""
import argparse
import gzip
import hashlib
import io
import json
import multiprocessing
import os
import random
import resource
import shutil
import socket
import statistics
import subprocess
import tarfile
import tempfile
import time


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layer_tar(name, size, seed):
    """Files of 64 KB: one half cannot be compressed, the other is words."""
    rng = random.Random(seed)
    words = [b"%x" % rng.getrandbits(24) for _ in range(2000)]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for n in range(max(1, size >> 16)):
            data = rng.randbytes(1 << 16) if n % 2 else b" ".join(rng.choices(words, k=9000))[: 1 << 16]
            member = tarfile.TarInfo(f"{name}/{n:06d}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def make_layout(folder, layers):
    """An OCI layout; `layers` are uncompressed tars."""
    blobs = f"{folder}/blobs/sha256"
    os.makedirs(blobs)

    def store(data, media_type):
        with open(f"{blobs}/{digest(data)[7:]}", "wb") as file:
            file.write(data)
        return {"mediaType": media_type, "digest": digest(data), "size": len(data)}

    diff_ids, descriptors = [], []
    for tar in layers:
        diff_ids.append(digest(tar))
        descriptors.append(store(gzip.compress(tar, 6), "application/vnd.oci.image.layer.v1.tar+gzip"))
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    config = json.dumps({"architecture": machine, "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                           "config": store(config, "application/vnd.oci.image.config.v1+json"), "layers": descriptors}).encode()
    entry = store(manifest, "application/vnd.oci.image.manifest.v1+json")
    entry["annotations"] = {"org.opencontainers.image.ref.name": "1"}
    for name, value in (("oci-layout", {"imageLayoutVersion": "1.0.0"}), ("index.json", {"schemaVersion": 2, "manifests": [entry]})):
        with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
            json.dump(value, file)


def start_registry(work):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open(f"{work}/registry.yml", "w", encoding="utf-8") as file:
        file.write(f"{{version: 0.1, log: {{level: error}}, storage: {{filesystem: {{rootdirectory: {work}/registry}}}}, http: {{addr: '127.0.0.1:{port}'}}}}")
    with open(f"{work}/registry.log", "w", encoding="utf-8") as log:
        server = subprocess.Popen(["docker-registry", "serve", f"{work}/registry.yml"], stdout=log, stderr=log)
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return server, f"127.0.0.1:{port}"
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the registry does not answer")


class Contestant:
    def __init__(self, name, store, pull, push):
        self.name, self.store, self.pull, self.push = name, store, pull, push

    def clear(self):
        for folder in self.store:
            shutil.rmtree(folder, ignore_errors=True)


def contestants(args, work, hub):
    with open(f"{work}/kist.json", "w", encoding="utf-8") as file:
        json.dump({"insecure-registries": [hub]}, file)
    kist = [args.kist, "--config", f"{work}/kist.json", "--root", f"{work}/kist", "--runroot", f"{work}/kist-run"]
    podman = ["podman", "--root", f"{work}/podman", "--runroot", f"{work}/podman-run", "--storage-driver", "overlay"]
    found = [Contestant("kist", [f"{work}/kist", f"{work}/kist-run"], lambda i: kist + ["pull", "-q", i], lambda i: kist + ["push", "-q", i])]
    peers = args.peers.split(",")
    if "podman" in peers and shutil.which("podman"):
        found.append(Contestant("podman", [f"{work}/podman", f"{work}/podman-run"], lambda i: podman + ["pull", "-q", "--tls-verify=false", i],
                                lambda i: podman + ["push", "-q", "--tls-verify=false", i]))
    if "skopeo" in peers and shutil.which("skopeo"):
        copy = ["skopeo", "copy", "-q", "--insecure-policy", "--src-tls-verify=false", "--dest-tls-verify=false"]
        found.append(Contestant("skopeo (no unpacking)", [f"{work}/skopeo"], lambda i: copy + [f"docker://{i}", f"dir:{work}/skopeo"],
                                lambda i: copy + [f"dir:{work}/skopeo", f"docker://{i}"]))
    if "docker" in peers and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0:
        docker = Contestant("docker (client only)", [], lambda i: ["docker", "pull", "-q", i], lambda i: ["docker", "push", "-q", i])
        docker.clear = lambda: subprocess.run(["docker", "image", "prune", "-af"], capture_output=True, check=False)
        found.append(docker)
    return found


def measured(argv):
    """Seconds, processor seconds, peak KiB; of the command and what it waited for."""
    begun = time.perf_counter()
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = status
    if status != 0:
        raise RuntimeError(f"{' '.join(argv)}: {errors.decode().strip()}")
    return time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kist", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default="podman,skopeo,docker")
    parser.add_argument("--size", type=int, default=600)
    args = parser.parse_args()
    args.kist = os.path.abspath(args.kist)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    work = tempfile.mkdtemp(prefix="kist-bench-registry.")
    server = None
    try:
        server, hub = start_registry(work)
        images = {"large": lambda: [layer_tar(f"l{n}", args.size << 18, n) for n in range(4)],
                  "small": lambda: [layer_tar(f"s{n}", 100 << 10, 100 + n) for n in range(40)]}
        for name, layers in images.items():
            # by a process of its own: a child's peak memory counts what we ever held
            maker = multiprocessing.get_context("fork").Process(target=lambda: make_layout(f"{work}/{name}", layers()))
            maker.start()
            maker.join()
            subprocess.run(["skopeo", "copy", "-q", "--insecure-policy", "--dest-tls-verify=false", f"oci:{work}/{name}:1", f"docker://{hub}/bench/{name}:1"], check=True)
            shutil.rmtree(f"{work}/{name}")
        peers = contestants(args, work, hub)
        results = {}
        for _ in range(args.rounds):
            for name in images:
                for peer in peers:
                    peer.clear()
                    for act, argv in (("pull", peer.pull), ("pull again", peer.pull), ("push again", peer.push)):
                        results.setdefault((f"{act} {name}", peer.name), []).append(measured(argv(f"{hub}/bench/{name}:1")))
                    peer.clear()
        print(f"| work | {' | '.join(p.name for p in peers)} |\n|---|{'---|' * len(peers)}")
        for work_name in dict.fromkeys(key[0] for key in results):
            cells = []
            for peer in peers:
                wall, cpu, memory = (statistics.median(column) for column in zip(*results[(work_name, peer.name)]))
                cells.append(f"{wall * 1000:.0f} ms, cpu {cpu * 1000:.0f} ms, {memory / 1024:.0f} MiB")
            print(f"| {work_name} | {' | '.join(cells)} |")
    finally:
        if server:
            server.terminate()
            server.wait()
        shutil.rmtree(work, ignore_errors=True)


main()

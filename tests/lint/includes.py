#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom: the arrows of the architecture, checked. A new arrow is a decision, made here and in the design."""
import re

import sources

# Folder -> folders it may include besides itself. A path names a single header.
ARROWS = {
    "base": set(),
    "oci/spec": {"base"},
    "oci/run": {"base", "oci/spec"},
    "netns": {"base"},
    "storage": {"base", "oci/spec"},
    "registry": {"base", "oci/spec"},
    "fetch": {"base", "oci/spec", "registry"},
    "unpack": {"base", "oci/spec", "storage"},
    "monitor": {"base", "oci/spec", "oci/run", "netns", "storage"},
    "engine": {"base", "oci/spec", "oci/run", "netns", "storage", "registry", "monitor"},
    "build": {"base", "oci/spec", "oci/run", "storage", "registry", "engine"},
    "cli": {"base", "engine", "build"},
    "runtime": {"base", "oci/spec", "oci/run", "cli"},
}

# Arrows that are not in the table, one file each, with the reason.
EXCEPTIONS = {
    ("src/runtime/foreground.cc", "engine/exec_terminal.hh"): "the relay between two terminals is the same for kist exec -t",
    ("src/storage/container_config.hh", "netns/types.hh"): "a container's record holds its networks and ports: plain values",
    ("src/storage/network_store.hh", "netns/types.hh"): "the same for a network's record",
    ("src/cli/selection.hh", "storage/container_config.hh"): "storage::Status is what the engine answers with",
}

# Libraries that stay behind one door: who may include their headers (STYLE: compile time, and one place to get it right).
LIBRARIES = {
    "rapidjson/": ["src/base/json.cc"],
    "curl/": ["src/fetch/http.cc", "src/fetch/main.cc"],
    "cxxopts.hpp": ["src/cli/parse.cc"],
    "fmt/format-inl.h": ["src/base/fmt_impl.cc"],
    "openssl/": ["src/base/sha256.cc", "src/registry/secret_box.cc"],
}

GENERATED = {"version.hh"}


def folder_of(path):
    """"oci/run" for oci/run/x.hh, "cli" for cli/commands/x.hh."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "oci" else parts[0]


def check_quoted(path, line, target, problems):
    if target in GENERATED:
        return
    if target.startswith(".") or "/../" in target or "/" not in target:
        problems.append(f"{path}:{line}: '{target}' must be written from the include root ('base/fd.hh')")
        return
    own, other = folder_of(path.removeprefix("src/")), folder_of(target)
    allowed = ARROWS.get(own)
    if allowed is None or other not in ARROWS:
        problems.append(f"{path}:{line}: '{own if allowed is None else other}' is no folder of the table in tests/lint/includes.py")
    elif other != own and other not in allowed and (path, target) not in EXCEPTIONS:
        problems.append(f"{path}:{line}: {own} must not include {other} ('{target}')")


def main():
    problems = []
    used = set()
    paths = sources.files(["src"], (".cc", ".hh"))
    for path in paths:
        for number, text in enumerate(sources.read(path).splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', text)
            if not match:
                continue
            if match[1]:
                used.add((path, match[1]))
                check_quoted(path, number, match[1], problems)
                continue
            for library, owners in LIBRARIES.items():
                if match[2].startswith(library) and path not in owners:
                    problems.append(f"{path}:{number}: <{match[2]}> belongs to {', '.join(owners)} alone")
    problems += [f"tests/lint/includes.py: exception {path} -> {target} is not needed any more"
                 for path, target in EXCEPTIONS if (path, target) not in used]
    sources.finish("includes", len(paths), problems)


main()

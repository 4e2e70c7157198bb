#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks a name server for IPv4 addresses: dns_client.py SERVER NAME… [--tcp] [--times N] [--named]. Prints the addresses of each
name in one line (with --named after the name), once; fails when one of the answers is another, or late (a second)."""
import argparse
import os
import socket
import struct
import sys


def query_for(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return os.urandom(2) + b"\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1"


def ask(server, name, by_tcp):
    query = query_for(name)
    kind = socket.SOCK_STREAM if by_tcp else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as connection:
        connection.settimeout(1)
        connection.connect((server, 53))
        if by_tcp:
            connection.sendall(struct.pack(">H", len(query)) + query)
            length = struct.unpack(">H", connection.recv(2, socket.MSG_WAITALL))[0]
            answer = connection.recv(length, socket.MSG_WAITALL)
        else:
            connection.send(query)
            answer = connection.recv(65535)
    if answer[:2] != query[:2]:
        sys.exit(f"{name}: the answer is to another question")
    count = struct.unpack(">H", answer[6:8])[0]
    addresses, at = [], len(query)
    for _ in range(count):
        at += 2 if answer[at] >= 0xc0 else answer.index(b"\0", at) + 1 - at
        kind, _, _, length = struct.unpack(">HHIH", answer[at:at + 10])
        if kind == 1:
            addresses.append(socket.inet_ntoa(answer[at + 10:at + 14]))
        at += 10 + length
    return " ".join(addresses)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("server")
    parser.add_argument("names", nargs="+")
    parser.add_argument("--tcp", action="store_true")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--named", action="store_true")
    args = parser.parse_args()
    for name in args.names:
        found = {ask(args.server, name, args.tcp) for _ in range(args.times)}
        if len(found) != 1 or "" in found:
            sys.exit(f"{name}: answers were {sorted(found)}")
        print(f"{name} {found.pop()}" if args.named else found.pop())


main()

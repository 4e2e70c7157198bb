#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A name server for tests: dns_server.py ADDRESS LOG. Every name ending in .test is 192.0.2.99; big.test is a hundred
addresses, cut by UDP. Each question is a line of LOG: "udp NAME" or "tcp NAME"."""
import socket
import struct
import sys
import threading


def name_of(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace"))
        at += 1 + query[at]
    return ".".join(labels).lower(), at + 5


def reply(query, by, log):
    name, end = name_of(query)
    with open(log, "a", encoding="ascii") as file:
        file.write(f"{by} {name}\n")
    addresses = [f"10.9.8.{n}" for n in range(1, 101)] if name == "big.test" else ["192.0.2.99"] if name.endswith("test") else []
    asked = struct.unpack(">H", query[end - 4:end - 2])[0]
    if asked != 1:
        addresses = []
    cut = by == "udp" and len(addresses) > 20
    flags = 0x8180 | (0x0200 if cut else 0)
    if cut:
        addresses = []
    head = query[:2] + struct.pack(">HHHHH", flags, 1, len(addresses), 0, 0)
    return head + query[12:end] + b"".join(b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(a) for a in addresses)


def serve_tcp(address, log):
    server = socket.create_server((address, 53))
    while True:
        connection, _ = server.accept()
        with connection:
            length = struct.unpack(">H", connection.recv(2, socket.MSG_WAITALL))[0]
            answer = reply(connection.recv(length, socket.MSG_WAITALL), "tcp", log)
            connection.sendall(struct.pack(">H", len(answer)) + answer)


def main():
    address, log = sys.argv[1:3]
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    threading.Thread(target=serve_tcp, args=(address, log), daemon=True).start()
    with open(log, "a", encoding="ascii") as file:
        file.write("ready\n")
    while True:
        query, client = server.recvfrom(4096)
        server.sendto(reply(query, "udp", log), client)


main()

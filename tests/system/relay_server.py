#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A TCP relay for tests: every connection goes on to 127.0.0.1:PORT, and what the server sends is counted. COUNT holds the total so
far. While the file COUNT.hold exists nothing is passed on beyond the total that it names. Prints its port.

usage: relay_server.py PORT COUNT
"""
import os
import socket
import socketserver
import sys
import threading
import time

LOCK = threading.Lock()
TOTAL = 0


def limit():
    try:
        with open(sys.argv[2] + ".hold", encoding="ascii") as file:
            return int(file.read() or 0)
    except FileNotFoundError:
        return None


def allowance(wanted):
    """How many of these bytes may pass now."""
    while True:
        most = limit()
        if most is None or TOTAL < most:
            return wanted if most is None else min(wanted, most - TOTAL)
        time.sleep(0.02)


def count(sent):
    global TOTAL
    with LOCK:
        TOTAL += sent
        with open(sys.argv[2] + ".new", "w", encoding="ascii") as file:
            file.write(f"{TOTAL}\n")
        os.replace(sys.argv[2] + ".new", sys.argv[2])


def pump(source, sink, is_answer):
    try:
        while data := source.recv(1 << 16):
            while data:
                piece = data[:allowance(len(data))] if is_answer else data
                sink.sendall(piece)
                if is_answer:
                    count(len(piece))
                data = data[len(piece):]
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as server:
            threading.Thread(target=pump, args=(self.request, server, False), daemon=True).start()
            pump(server, self.request, True)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


with Server(("127.0.0.1", 0), Handler) as relay:
    count(0)
    print(relay.server_address[1], flush=True)
    relay.serve_forever()
